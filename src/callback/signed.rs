//! The signature of a callback, and the text that it signs.
//!
//! ```text
//! authorization     = base64(RSA PKCS #1 v1.5 with MD5 (signed))
//! x-oss-pub-key-url = base64(URL of the public key)
//! signed            = percent-decoded path ["?" query as received] "\n" body as received
//! ```

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use crate::callback::{CallbackError, CallbackRequest};
use crate::crypto;

const X_OSS_PUB_KEY_URL: HeaderName = HeaderName::from_static("x-oss-pub-key-url");

/// The signature of a callback, before it is verified.
pub(super) struct SignedCallback {
    /// The signed text.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// The URL of the public key, which has not been checked.
    pub(super) key_url: String,
}

impl SignedCallback {
    /// Reads the headers.
    pub(super) fn read(request: &CallbackRequest<'_>) -> Result<Self, CallbackError> {
        let signature = decoded(request.headers, &AUTHORIZATION)
            .ok_or(CallbackError::SignatureInvalid("there is no readable signature"))?;
        let key_url = decoded(request.headers, &X_OSS_PUB_KEY_URL)
            .and_then(|url| String::from_utf8(url).ok())
            .ok_or(CallbackError::SignatureInvalid("there is no readable URL of a key"))?;
        Ok(Self { signed: signed(request), signature, key_url })
    }
}

fn signed(request: &CallbackRequest<'_>) -> Vec<u8> {
    let mut signed: Vec<u8> = percent_decode_str(request.path).collect();
    if let Some(query) = request.query {
        signed.push(b'?');
        signed.extend(query.as_bytes());
    }
    signed.push(b'\n');
    signed.extend(request.body);
    signed
}

/// Returns the bytes of a header that occurs once and contains base64.
fn decoded(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    crypto::from_base64(value.to_str().ok()?)
}
