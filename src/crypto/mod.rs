//! HMAC, SHA-256, sealed texts, hexadecimal, base64 and percent-encoding.
//!
//! The only module that imports the crates behind them. It knows nothing of OSS: `signing` decides which text is
//! signed with which key.

pub mod public_key;

use std::sync::Arc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A 256-bit HMAC, which is also a derived key. It is wiped when it is dropped.
pub type Digest = Zeroizing<[u8; 32]>;

/// A source of 16 random bytes.
pub type RandomSource = Arc<dyn Fn() -> Result<[u8; 16], getrandom::Error> + Send + Sync>;

/// Computes HMAC-SHA256 of `message` with a key of any length.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Digest {
    // HMAC hashes a longer key and pads a shorter one, so every length is accepted.
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// Returns whether `code` is HMAC-SHA256 of `message`. The duration does not depend on where it differs.
#[must_use]
pub fn verify_hmac_sha256(key: &[u8], message: &[u8], code: &[u8]) -> bool {
    hmac_sha256(key, message).as_slice().ct_eq(code).into()
}

/// Computes SHA-256 of `message`.
#[must_use]
pub fn sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// Computes SHA-1 of `message`. It only names a script, and is no protection.
#[must_use]
pub fn sha1(message: &[u8]) -> [u8; 20] {
    Sha1::digest(message).into()
}

/// Encrypts and authenticates `text` with ChaCha20-Poly1305. The result begins with the nonce, which comes from the
/// random bytes. Returns `None` for a text of 256 GB or more.
#[must_use]
pub fn seal(key: &[u8; 32], random: &[u8; 16], text: &[u8]) -> Option<Vec<u8>> {
    let nonce = random.first_chunk::<NONCE_LEN>()?;
    let mut sealed = text.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let nonce_of_key = Nonce::assume_unique_for_key(*nonce);
    key.seal_in_place_append_tag(nonce_of_key, Aad::empty(), &mut sealed).ok()?;
    Some([&nonce[..], &sealed].concat())
}

/// Decrypts the output of [`seal`]. Returns `None` for other bytes, and for another key.
#[must_use]
pub fn open(key: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let mut text = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    key.open_in_place(nonce, Aad::empty(), &mut text).ok().map(|text| text.to_vec())
}

/// Computes HMAC-SHA1 of `message` with a key of any length. Only V1 signatures use it.
#[must_use]
pub fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any key length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Writes bytes as lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    // Into a buffer, because the crate builds a `String` character by character. The length always fits.
    let mut digits = vec![0; 2 * bytes.len()];
    hex::encode_to_slice(bytes, &mut digits)
        .ok()
        .and_then(|()| String::from_utf8(digits).ok())
        .unwrap_or_default()
}

/// Decodes hexadecimal digits that are exactly `N` bytes. Returns `None` for other texts.
#[must_use]
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Writes bytes as base64 with the standard alphabet and padding, on one line, as OSS expects it.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Decodes the output of [`base64()`]. Returns `None` for other texts.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// Writes bytes as base64 for paths and headers: URL-safe alphabet, no padding.
#[must_use]
pub fn base64_url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes the output of [`base64_url`]. Returns `None` for other texts.
#[must_use]
pub fn from_base64_url(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// Percent-encodes a text as RFC 3986 defines it: letters, digits and `-_.~` are unchanged, every other byte becomes
/// `%XX`. A space becomes `%20`: the `+` of HTML forms would give a wrong signature.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_is_read_with_its_key_only() {
        let sealed = seal(&[1; 32], &[2; 16], b"text").unwrap();
        assert_eq!(open(&[1; 32], &sealed).as_deref(), Some(&b"text"[..]));
        assert!(!sealed.windows(4).any(|bytes| bytes == b"text"));
        assert_ne!(sealed, seal(&[1; 32], &[3; 16], b"text").unwrap(), "another nonce");
        assert_eq!(open(&[3; 32], &sealed), None);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(open(&[1; 32], &changed), None, "{index}");
            assert_eq!(open(&[1; 32], &sealed[..index]), None, "{index}");
        }
    }

    #[test]
    fn hmac_agrees_with_rfc_4231_case_2() {
        let code = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(
            hex(code.as_slice()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn hmac_sha1_agrees_with_rfc_2202_case_2() {
        let code = hmac_sha1(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&code), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn only_unreserved_characters_are_not_encoded() {
        assert_eq!(percent_encode("aZ09-_.~ +*/用"), "aZ09-_.~%20%2B%2A%2F%E7%94%A8");
    }

    #[test]
    fn hex_digits_are_read_in_their_exact_number() {
        assert_eq!(from_hex("00ffAb"), Some([0x00, 0xff, 0xab]));
        for other in ["", "00ff", "00ffab0", "00ffab00", "00ffag"] {
            assert_eq!(from_hex::<3>(other), None, "{other:?}");
        }
    }

    #[test]
    fn base64_is_standard_and_padded() {
        assert_eq!(base64(&[0xfb, 0xff, 0xfe, 0x00]), "+//+AA==");
    }

    #[test]
    fn base64_for_paths_is_url_safe_and_unpadded() {
        let bytes = [0xfb, 0xff, 0xfe, 0x00];
        assert_eq!(base64_url(&bytes), "-__-AA");
        assert_eq!(from_base64_url("-__-AA").as_deref(), Some(&bytes[..]));
        for other in ["-__-AA==", "+//+AA", "-__-A", "-__-AA\n"] {
            assert_eq!(from_base64_url(other), None, "{other:?}");
        }
    }

    #[test]
    fn only_the_right_code_is_accepted() {
        let code = hmac_sha256(b"key", b"message");
        assert!(verify_hmac_sha256(b"key", b"message", code.as_slice()));
        assert!(!verify_hmac_sha256(b"kex", b"message", code.as_slice()));
        assert!(!verify_hmac_sha256(b"key", b"message", &code[..31]));
        assert!(!verify_hmac_sha256(b"key", b"message", b""));
    }
}
