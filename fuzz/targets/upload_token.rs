//! The reader of upload tokens: no input causes a panic, no text is taken for a token unless a key has signed it, and a
//! token can be written and read again.
//!
//! Input: a payload, which is signed here, and a text that is taken for a whole token.

use oss_upload_signer::callback::upload_token::{UploadToken, UploadTokenError};
use oss_upload_signer::crypto;
use oss_upload_signer::secret::Secret;

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let (key, other) = (Secret::new("k".repeat(32)), Secret::new("o".repeat(32)));
    let text = format!("u1.{}", crypto::base64_url(input));
    let signed = format!("oss-upload-token.{text}");
    let code = crypto::hmac_sha256(key.expose().as_bytes(), signed.as_bytes());
    let whole = format!("{text}.{}", crypto::base64_url(code.as_slice()));
    if let Ok(token) = UploadToken::verify(&whole, std::slice::from_ref(&key)) {
        let again = UploadToken::verify(&token.sign(&key), std::slice::from_ref(&key));
        assert_eq!(again, Ok(token));
    }
    let invalid = Err(UploadTokenError::Invalid);
    assert_eq!(UploadToken::verify(&whole, std::slice::from_ref(&other)), invalid);
    let read = UploadToken::verify(&String::from_utf8_lossy(input), &[key]);
    assert!(read.is_err(), "an input has guessed a code");
}
