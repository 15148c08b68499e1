//! The proof that OSS makes a call: what it signs, and where it says so.
//!
//! ```text
//! authorization    = base64(RSA PKCS #1 v1.5 with MD5 (signed))
//! x-oss-pub-key-url = base64(the address of the public key)
//! signed           = percent-decoded path ["?" query as received] "\n" body as received
//! ```

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use crate::callback::{CallbackError, CallbackRequest};
use crate::crypto;

const X_OSS_PUB_KEY_URL: HeaderName = HeaderName::from_static("x-oss-pub-key-url");

/// What is to be proved, and by what.
pub(super) struct SignedCallback {
    /// What is signed.
    pub(super) signed: Vec<u8>,
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// The address of the public key, as the request names it: not yet checked.
    pub(super) key_url: String,
}

impl SignedCallback {
    /// Reads the headers.
    pub(super) fn read(call: &CallbackRequest<'_>) -> Result<Self, CallbackError> {
        let signature = decoded(call.headers, &AUTHORIZATION)
            .ok_or(CallbackError::SignatureInvalid("no signature that can be read"))?;
        let key_url = decoded(call.headers, &X_OSS_PUB_KEY_URL)
            .and_then(|url| String::from_utf8(url).ok())
            .ok_or(CallbackError::SignatureInvalid("no key address that can be read"))?;
        Ok(Self { signed: signed(call), signature, key_url })
    }
}

fn signed(call: &CallbackRequest<'_>) -> Vec<u8> {
    let mut signed: Vec<u8> = percent_decode_str(call.path).collect();
    if let Some(query) = call.query {
        signed.push(b'?');
        signed.extend(query.as_bytes());
    }
    signed.push(b'\n');
    signed.extend(call.body);
    signed
}

/// Gives the bytes of a header that is base64 and is there once.
fn decoded(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    crypto::from_base64(value.to_str().ok()?)
}
