//! The canonical request of a V4 signature.
//!
//! Source: the page on signature V4. Lines: the method; the path of bucket and key; the query; one line
//! for each signed header; an empty line; the names of the additional headers; `UNSIGNED-PAYLOAD`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::oss::error::OssError;
use crate::oss::request_auth::SignedRequest;
use crate::oss::request_auth::v4_place::{UNSIGNED_PAYLOAD, V4Errors, X_OSS_SIGNATURE};

/// The characters of names and values that are percent-encoded.
const QUERY: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The characters of a path that are percent-encoded.
const PATH: AsciiSet = QUERY.remove(b'/');

/// The headers that take part in a signature.
pub(super) struct CanonicalHeaders {
    /// Lower-case names and trimmed values, in the order of the names.
    headers: Vec<(String, Vec<u8>)>,
    /// The lower-case names of the additional ones, sorted and joined.
    additional: String,
}

impl CanonicalHeaders {
    /// Collects the headers of a request: those that always count, and those that `additional` lists.
    pub(super) fn of(
        request: &SignedRequest<'_>,
        additional: Option<&str>,
        errors: &V4Errors,
    ) -> Result<Self, OssError> {
        let listed = additional.map(|text| listed(text, errors)).transpose()?.unwrap_or_default();
        let mut headers = Vec::new();
        for name in request.headers().keys().map(http::HeaderName::as_str) {
            if is_always_signed(name)
                && let Some(value) = request.signed_value(name)
            {
                headers.push((name.to_owned(), value));
            }
        }
        for name in &listed {
            headers.push((name.clone(), additional_value(request, name, errors)?));
        }
        headers.sort();
        Ok(Self { headers, additional: listed.join(";") })
    }

    /// Lists the names for developers.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() { "no header".to_owned() } else { names.join(", ") }
    }
}

/// Returns whether a header takes part in every signature.
fn is_always_signed(name: &str) -> bool {
    name.starts_with("x-oss-") || matches!(name, "content-type" | "content-md5")
}

/// Reads the list of additional headers.
fn listed(text: &str, errors: &V4Errors) -> Result<Vec<String>, OssError> {
    if text.is_empty() {
        let reason = "the list of additional headers is empty";
        return Err(errors.names_empty.argument("AdditionalHeaders", text, reason));
    }
    let mut names: Vec<String> = text.split(';').map(str::to_ascii_lowercase).collect();
    names.sort();
    names.dedup();
    if let Some(name) = names.iter().find(|name| is_always_signed(name) || name.contains('_')) {
        let reason = format!(
            "the list of additional headers names {name:?}, which is always signed or is no name of \
             a header"
        );
        return Err(errors.name_absent.argument("AdditionalHeaders", text, reason));
    }
    Ok(names)
}

fn additional_value(
    request: &SignedRequest<'_>,
    name: &str,
    errors: &V4Errors,
) -> Result<Vec<u8>, OssError> {
    // A request in process names its host only in the address.
    let authority = || request.head.uri.authority().filter(|_| name == "host");
    let value = request.signed_value(name);
    let value = value.or_else(|| authority().map(|host| host.as_str().as_bytes().to_vec()));
    value.ok_or_else(|| {
        let reason = format!("the signature lists the header {name:?}, which the request lacks");
        errors.name_absent.argument("AdditionalHeaders", name, reason)
    })
}

/// Writes the canonical request.
pub(super) fn text(request: &SignedRequest<'_>, headers: &CanonicalHeaders) -> Vec<u8> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        request.head.method,
        percent_encode(&request.resource(), &PATH),
        query(request)
    )
    .into_bytes();
    for (name, value) in &headers.headers {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text.extend_from_slice(format!("\n{}\n{UNSIGNED_PAYLOAD}", headers.additional).as_bytes());
    text
}

/// Writes the query, without the signature itself.
fn query(request: &SignedRequest<'_>) -> String {
    let encode = |text: &str| percent_encode(text.as_bytes(), &QUERY).to_string();
    let mut parameters: Vec<(String, String)> = request
        .query
        .iter()
        .filter(|(name, _)| *name != X_OSS_SIGNATURE)
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    parameters.sort();
    let written = parameters.into_iter().map(|(name, value)| match value.as_str() {
        "" => name,
        value => format!("{name}={value}"),
    });
    written.collect::<Vec<_>>().join("&")
}
