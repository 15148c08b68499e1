//! How answers look: success, refusals, and what every answer carries.
//!
//! PostObject page for success; error code pages for the XML of a refusal; the headers as they were
//! seen in SDK tests.

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use crate::dates;
use crate::oss::call::Call;
use crate::oss::fields::Success;
use crate::oss::outflow::Outflow;
use crate::oss::refusal::Refusal;
use crate::oss::store::Sidecar;
use crate::xml;

/// An answer on its way out.
pub(super) type Answer = Response<Outflow>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const PEM: HeaderValue = HeaderValue::from_static("application/x-pem-file");

const XML: HeaderValue = HeaderValue::from_static("application/xml");

const X_OSS_EC: HeaderName = HeaderName::from_static("x-oss-ec");

const X_OSS_HASH_CRC64ECMA: HeaderName = HeaderName::from_static("x-oss-hash-crc64ecma");

/// What stays as it is in the path of an object's address.
const PATH: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stays as it is in a query's value.
const QUERY: AsciiSet = PATH.add(b'/');

/// Makes an answer with a status and nothing else.
pub(super) fn bare(status: StatusCode) -> Answer {
    let mut answer = Response::new(Outflow::empty());
    *answer.status_mut() = status;
    answer
}

/// Makes the answer to an upload that was kept.
pub(super) fn stored(
    call: &Call<'_>,
    bucket: &str,
    object: &Sidecar,
    success: &Success,
    redirect_parameters: bool,
) -> Answer {
    let etag = quoted_etag(object);
    let mut answer = match success {
        Success::Redirect(target) if redirect_parameters => {
            redirect(&with_parameters(target, bucket, &object.key, &etag))
        }
        Success::Redirect(target) => redirect(target),
        Success::Status(201) => created(call, bucket, &object.key, &etag),
        Success::Status(200) => bare(StatusCode::OK),
        Success::Status(_) => bare(StatusCode::NO_CONTENT),
    };
    insert(&mut answer, header::ETAG, &etag);
    insert(&mut answer, X_OSS_HASH_CRC64ECMA, &object.crc64.to_string());
    let encryption = |name: &str| name.starts_with("x-oss-server-side-");
    insert_kept(&mut answer, object, encryption);
    answer
}

/// Makes the answer to an upload whose callback went well out of that to the upload itself.
pub(super) fn told(mut answer: Answer, json: Bytes) -> Answer {
    *answer.status_mut() = StatusCode::OK;
    *answer.body_mut() = Outflow::Text(Some(json));
    answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
    answer.headers_mut().remove(header::LOCATION);
    answer
}

/// Makes the answer that gives the public key for callbacks.
pub(super) fn public_key(pem: &str) -> Answer {
    let mut answer = Response::new(Outflow::text(pem.to_owned()));
    answer.headers_mut().insert(header::CONTENT_TYPE, PEM);
    answer
}

fn redirect(target: &str) -> Answer {
    let mut answer = bare(StatusCode::SEE_OTHER);
    insert(&mut answer, header::LOCATION, target);
    answer
}

fn created(call: &Call<'_>, bucket: &str, key: &str, etag: &str) -> Answer {
    let path = utf8_percent_encode(key, &PATH);
    let location = format!("http://{}/{path}", call.authority);
    let children = [("Bucket", bucket), ("Location", &location), ("Key", key), ("ETag", etag)];
    xml_answer(StatusCode::CREATED, "PostResponse", &children)
}

fn quoted_etag(object: &Sidecar) -> String {
    format!("\"{}\"", object.etag)
}

/// Sets the headers that are kept with an object and have such a name.
fn insert_kept(answer: &mut Answer, object: &Sidecar, wanted: impl Fn(&str) -> bool) {
    for (name, value) in object.headers.iter().filter(|(name, _)| wanted(name)) {
        if let Ok(name) = HeaderName::try_from(name) {
            insert(answer, name, value);
        }
    }
}

/// Makes the answer to a refused request.
pub(super) fn refused(call: &Call<'_>, refusal: &Refusal) -> Answer {
    let advice = refusal.ec().map(|ec| (ec, format!("https://api.aliyun.com/troubleshoot?q={ec}")));
    let mut children = vec![
        ("Code", refusal.code()),
        ("Message", refusal.message()),
        ("RequestId", &call.id),
        ("HostId", &call.host),
    ];
    for (name, value) in refusal.children() {
        children.push((name, value));
    }
    if let Some((ec, advice)) = &advice {
        children.push(("EC", ec));
        children.push(("RecommendDoc", advice));
    }
    let status =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = xml_answer(status, "Error", &children);
    if let Some(ec) = refusal.ec() {
        insert(&mut answer, X_OSS_EC, ec);
    }
    answer
}

/// Makes the answer that gives an object back; its bytes are put in by the caller.
pub(super) fn object(object: &Sidecar) -> Answer {
    let mut answer = bare(StatusCode::OK);
    insert_kept(&mut answer, object, |_| true);
    insert(&mut answer, header::CONTENT_TYPE, &object.content_type);
    insert(&mut answer, header::CONTENT_LENGTH, &object.size.to_string());
    insert(&mut answer, header::ETAG, &quoted_etag(object));
    insert(&mut answer, header::LAST_MODIFIED, &dates::http_date(object.stored_at));
    insert(&mut answer, X_OSS_HASH_CRC64ECMA, &object.crc64.to_string());
    answer
}

/// Adds what every answer carries.
pub(super) fn stamp(call: &Call<'_>, now: i64, answer: &mut Answer) {
    let spent = call.started.elapsed().as_millis().to_string();
    insert(answer, HeaderName::from_static("x-oss-request-id"), &call.id);
    insert(answer, HeaderName::from_static("x-oss-server-time"), &spent);
    insert(answer, header::SERVER, "AliyunOSS");
    insert(answer, header::DATE, &dates::http_date(now));
}

fn xml_answer(status: StatusCode, root: &str, children: &[(&str, &str)]) -> Answer {
    let mut answer = Response::new(Outflow::text(xml::document(root, children)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, XML);
    answer
}

/// Sets a header; values were checked when they came in, so none is lost here.
fn insert(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        answer.headers_mut().insert(name, value);
    }
}

fn with_parameters(target: &str, bucket: &str, key: &str, etag: &str) -> String {
    let (address, fragment) = match target.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (target, String::new()),
    };
    let joint = if address.contains('?') { '&' } else { '?' };
    let encode = |value| utf8_percent_encode(value, &QUERY);
    format!(
        "{address}{joint}bucket={}&key={}&etag={}{fragment}",
        encode(bucket),
        encode(key),
        encode(etag)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_parameters_are_appended_where_they_belong() {
        let target = with_parameters("https://a.test/x?y=1#z", "b", "k/é &", "\"E\"");
        assert_eq!(target, "https://a.test/x?y=1&bucket=b&key=k%2F%C3%A9%20%26&etag=%22E%22#z");
        assert_eq!(
            with_parameters("https://a.test", "b", "k", "e"),
            "https://a.test?bucket=b&key=k&etag=e"
        );
    }
}
