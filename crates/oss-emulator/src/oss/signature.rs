//! The signature algorithms: HMAC-SHA256 under the derived key of V4, and HMAC-SHA1 of V1.
//!
//! Sources: the pages on signature V4 and V1. Forms sign their policy with them, other requests a text
//! about the request. The comparisons take constant time.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::oss::strictness::SignatureCheck;

/// The length of a V1 signature in bytes.
const SHA1_BYTES: usize = 20;

/// What a V4 key is derived from.
#[derive(Clone, Copy)]
pub(super) struct V4KeyScope<'a> {
    pub(super) secret: &'a str,
    /// Such as `20241127`.
    pub(super) day: &'a str,
    pub(super) region: &'a str,
}

/// Returns whether a V4 signature, in lower-case hex, is that of a text. With
/// [`SignatureCheck::Shape`] every well-formed signature is.
pub(super) fn is_v4(
    scope: V4KeyScope<'_>,
    text: &[u8],
    signature: &str,
    check: SignatureCheck,
) -> bool {
    let is_lower_case = !signature.bytes().any(|byte| byte.is_ascii_uppercase());
    let bytes = hex::decode(signature).ok().filter(|_| is_lower_case);
    let Some(signature) = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else {
        return false;
    };
    if check == SignatureCheck::Shape {
        return true;
    }
    let first = [b"aliyun_v4", scope.secret.as_bytes()].concat();
    let day = step(&first, scope.day);
    let region = step(&day, scope.region);
    let service = step(&region, "oss");
    let signing = step(&service, "aliyun_v4_request");
    sha256(&signing, text).verify_slice(&signature).is_ok()
}

/// Returns whether a V1 signature, in base64, is that of a text. With [`SignatureCheck::Shape`] every
/// well-formed signature is.
pub(super) fn is_v1(secret: &str, text: &[u8], signature: &str, check: SignatureCheck) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    if check == SignatureCheck::Shape {
        return signature.len() == SHA1_BYTES;
    }
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(text);
    mac.verify_slice(&signature).is_ok()
}

fn step(key: &[u8], message: &str) -> [u8; 32] {
    sha256(key, message.as_bytes()).finalize().into_bytes().into()
}

fn sha256(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(message);
    mac
}

/// Formats the bytes of a text as `StringToSignBytes` shows them: upper-case hex, each byte followed by
/// a space.
pub(super) fn spaced_hex(text: &[u8]) -> String {
    let mut spaced = String::new();
    for byte in text {
        // Writing into a String cannot fail.
        let _ = write!(spaced, "{byte:02X} ");
    }
    spaced
}
