//! Builds responses: success, errors, objects, and the headers that all of them carry.
//!
//! Sources: the PostObject page for success, the error code pages for the XML of errors, and SDK
//! tests for the headers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use crate::oss::error::OssError;
use crate::oss::request::RequestInfo;
use crate::oss::store::Sidecar;
use crate::oss::validator::fields::SuccessAction;
use crate::{dates, xml};

/// A response of the local OSS.
pub(super) type OssResponse = Response<OssResponseBody>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const PEM: HeaderValue = HeaderValue::from_static("application/x-pem-file");

const XML: HeaderValue = HeaderValue::from_static("application/xml");

const X_OSS_EC: HeaderName = HeaderName::from_static("x-oss-ec");

pub(super) const X_OSS_HASH_CRC64ECMA: HeaderName = HeaderName::from_static("x-oss-hash-crc64ecma");

const X_OSS_OBJECT_TYPE: HeaderName = HeaderName::from_static("x-oss-object-type");

/// The characters of an object's path that are percent-encoded.
pub(super) const PATH: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The characters of a query value that are percent-encoded.
const QUERY: AsciiSet = PATH.add(b'/');

/// The size of a chunk that is read from a file, in bytes.
const READ_BUFFER: usize = 64 * 1024;

/// Creates a response with a status and no body.
pub(super) fn empty(status: StatusCode) -> OssResponse {
    let mut response = Response::new(OssResponseBody::empty());
    *response.status_mut() = status;
    response
}

/// Creates the response to a stored upload.
pub(super) fn stored(
    info: &RequestInfo<'_>,
    bucket: &str,
    object: &Sidecar,
    success: &SuccessAction,
    redirect_parameters: bool,
) -> OssResponse {
    let etag = quoted_etag(object);
    let mut response = match success {
        SuccessAction::Redirect(target) if redirect_parameters => {
            redirect(&with_parameters(target, bucket, &object.key, &etag))
        }
        SuccessAction::Redirect(target) => redirect(target),
        SuccessAction::Status(201) => created(info, bucket, &object.key, &etag),
        SuccessAction::Status(200) => empty(StatusCode::OK),
        SuccessAction::Status(_) => empty(StatusCode::NO_CONTENT),
    };
    insert(&mut response, header::ETAG, &etag);
    insert(&mut response, X_OSS_HASH_CRC64ECMA, &object.crc64.to_string());
    insert_kept(&mut response, object, is_encryption);
    response
}

/// Creates the response to a PutObject.
pub(super) fn put(object: &Sidecar) -> OssResponse {
    let mut response = empty(StatusCode::OK);
    insert(&mut response, header::ETAG, &quoted_etag(object));
    insert(&mut response, X_OSS_HASH_CRC64ECMA, &object.crc64.to_string());
    insert_md5(&mut response, object);
    insert_kept(&mut response, object, is_encryption);
    response
}

fn is_encryption(name: &str) -> bool {
    name.starts_with("x-oss-server-side-")
}

fn insert_md5(response: &mut OssResponse, object: &Sidecar) {
    if let Some(md5) = &object.content_md5 {
        insert(response, HeaderName::from_static("content-md5"), md5);
    }
}

/// Turns the response to an upload into that of its successful callback.
pub(super) fn callback_result(mut response: OssResponse, json: Bytes) -> OssResponse {
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = OssResponseBody::Text(Some(json));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response.headers_mut().remove(header::LOCATION);
    response
}

/// Creates the response with the public key for callbacks.
pub(super) fn public_key(pem: &str) -> OssResponse {
    let mut response = Response::new(OssResponseBody::text(pem.to_owned()));
    response.headers_mut().insert(header::CONTENT_TYPE, PEM);
    response
}

fn redirect(target: &str) -> OssResponse {
    let mut response = empty(StatusCode::SEE_OTHER);
    insert(&mut response, header::LOCATION, target);
    response
}

fn created(info: &RequestInfo<'_>, bucket: &str, key: &str, etag: &str) -> OssResponse {
    let path = utf8_percent_encode(key, &PATH);
    let location = format!("http://{}/{path}", info.authority);
    let children = [("Bucket", bucket), ("Location", &location), ("Key", key), ("ETag", etag)];
    xml_answer(StatusCode::CREATED, "PostResponse", &children)
}

fn quoted_etag(object: &Sidecar) -> String {
    format!("\"{}\"", object.etag)
}

/// Sets the stored headers of an object whose names `wanted` accepts.
fn insert_kept(response: &mut OssResponse, object: &Sidecar, wanted: impl Fn(&str) -> bool) {
    for (name, value) in object.headers.iter().filter(|(name, _)| wanted(name)) {
        if let Ok(name) = HeaderName::try_from(name) {
            insert(response, name, value);
        }
    }
}

/// Creates the response to a rejected request.
pub(super) fn error(info: &RequestInfo<'_>, error: &OssError) -> OssResponse {
    let advice = error.ec().map(|ec| (ec, format!("https://api.aliyun.com/troubleshoot?q={ec}")));
    let mut children = vec![
        ("Code", error.code()),
        ("Message", error.message()),
        ("RequestId", &info.id),
        ("HostId", &info.host),
    ];
    for (name, value) in error.children() {
        children.push((name, value));
    }
    if let Some((ec, advice)) = &advice {
        children.push(("EC", ec));
        children.push(("RecommendDoc", advice));
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = xml_answer(status, "Error", &children);
    if let Some(ec) = error.ec() {
        insert(&mut response, X_OSS_EC, ec);
    }
    response
}

/// Moves the body of an error into the header that SDKs read after a HEAD request.
pub(super) fn move_error_to_header(response: &mut OssResponse) {
    let body = std::mem::replace(response.body_mut(), OssResponseBody::empty());
    if let OssResponseBody::Text(Some(document)) = body {
        insert(response, HeaderName::from_static("x-oss-err"), &STANDARD.encode(document));
    }
}

/// Creates the response with an object's headers; the caller adds its content.
pub(super) fn object(object: &Sidecar) -> OssResponse {
    let mut response = empty(StatusCode::OK);
    insert_kept(&mut response, object, |_| true);
    insert(&mut response, header::CONTENT_TYPE, &object.content_type);
    insert(&mut response, header::CONTENT_LENGTH, &object.size.to_string());
    insert(&mut response, header::ETAG, &quoted_etag(object));
    insert(&mut response, header::LAST_MODIFIED, &dates::http_date(object.stored_at));
    insert(&mut response, X_OSS_HASH_CRC64ECMA, &object.crc64.to_string());
    insert(&mut response, X_OSS_OBJECT_TYPE, object.object_type.as_str());
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    insert_md5(&mut response, object);
    response
}

/// Adds the headers that every response carries.
pub(super) fn add_common_headers(info: &RequestInfo<'_>, now: i64, response: &mut OssResponse) {
    let spent = info.started.elapsed().as_millis().to_string();
    insert(response, HeaderName::from_static("x-oss-request-id"), &info.id);
    insert(response, HeaderName::from_static("x-oss-server-time"), &spent);
    insert(response, header::SERVER, "AliyunOSS");
    insert(response, header::DATE, &dates::http_date(now));
}

fn xml_answer(status: StatusCode, root: &str, children: &[(&str, &str)]) -> OssResponse {
    let mut response = xml(xml::document(root, children));
    *response.status_mut() = status;
    response
}

/// Creates a response with an XML document.
pub(super) fn xml(document: String) -> OssResponse {
    let mut response = Response::new(OssResponseBody::text(document));
    response.headers_mut().insert(header::CONTENT_TYPE, XML);
    response
}

/// Sets a header. Values were checked when they arrived, so none is lost here.
pub(super) fn insert(response: &mut OssResponse, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        response.headers_mut().insert(name, value);
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

/// A response body: a text in memory, or a file that is read as it is sent.
#[derive(Debug)]
pub(super) enum OssResponseBody {
    /// A text, which is sent once.
    Text(Option<Bytes>),
    /// A file, and the number of bytes still to be sent.
    File(File, u64),
}

impl OssResponseBody {
    pub(super) fn empty() -> Self {
        Self::Text(None)
    }

    pub(super) fn text(text: String) -> Self {
        Self::Text(Some(Bytes::from(text)).filter(|bytes| !bytes.is_empty()))
    }

    pub(super) fn file(file: fs::File, size: u64) -> Self {
        Self::File(File::from_std(file), size)
    }
}

impl Body for OssResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Text(text) => Poll::Ready(text.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::File(_, 0) => Poll::Ready(None),
            Self::File(file, left) => {
                let length =
                    usize::try_from(*left).map_or(READ_BUFFER, |left| left.min(READ_BUFFER));
                let mut space = vec![0; length];
                let mut buffer = ReadBuf::new(&mut space);
                ready!(Pin::new(file).poll_read(context, &mut buffer))?;
                let read = buffer.filled().len();
                if read == 0 {
                    return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                }
                *left -= read as u64;
                space.truncate(read);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(space)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Text(None) | Self::File(_, 0))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Text(text) => text.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::File(_, left) => *left,
        })
    }
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
