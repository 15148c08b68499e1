//! Upload tokens: a signed text that is the whole state of an upload in parts, so that the function stores none.
//!
//! ```text
//! token   = "u1." base64url(payload) "." base64url(HMAC-SHA256(key, signed))
//! signed  = "oss-upload-token.u1." base64url(payload)
//! payload = {"id":"…","route":"videos","bucket":"my-bucket","key":"videos/a.mp4","upload":"0004B9…",
//!            "size":2147483648,"part":8388608,"type":"video/mp4","sub":"alice","iat":1732687781,"exp":1732774181}
//! ```
//!
//! A client gets the token when the upload begins, and sends it with every later call. It says what was granted, and
//! grants nothing by itself: the caller is authenticated again on each call, and has to be the one who began. This
//! file is pure: the time, the keys and the id are arguments.
//!
//! * base64url has no padding. `iat` and `exp` are whole Unix seconds; `size` and `part` are bytes.
//! * `id` is 32 hex digits, the random bytes of the grant. OSS stores it as metadata of the object.
//! * `upload` is the id that OSS gave to the upload.
//! * `size` is left out where the client did not know it, and `sub` where the caller has no subject.
//! * Unknown members are an error.
//! * The prefix of the signed text separates the uses of a key: a ticket or a receipt never verifies as a token.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::crypto;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest accepted token in bytes: a key of 1023 bytes and a subject, both escaped.
const MAX_LENGTH: usize = 6144;

/// The shortest key in bytes: the length of the HMAC.
pub const MIN_KEY_LENGTH: usize = 32;

/// The longest subject in a token, in bytes. No identity provider issues longer ones.
pub const MAX_SUBJECT_BYTES: usize = 255;

const PREFIX: &str = "u1.";
const SIGNED_PREFIX: &str = "oss-upload-token.";

/// The content of a token: an upload in parts that was granted and has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadToken {
    /// The random bytes of the grant.
    pub id: [u8; 16],
    /// The name of the route.
    pub route: String,
    /// The name of the bucket.
    pub bucket: String,
    /// The object key.
    pub key: String,
    /// The id that OSS gave to the upload.
    pub upload_id: String,
    /// The exact size of the file in bytes; `None` if it is checked only at the end.
    pub size: Option<u64>,
    /// The size of a part in bytes.
    pub part_size: u64,
    /// The content type of the object.
    pub content_type: String,
    /// The caller's subject, if there is one.
    pub subject: Option<String>,
    /// The time of the grant, in Unix seconds.
    pub issued_at: i64,
    /// The first moment at which the upload cannot be continued, in Unix seconds.
    pub expires_at: i64,
}

/// The use that a token has to be for.
#[derive(Clone, Copy, Debug)]
pub struct UploadTokenScope<'a> {
    /// The name of the route that is called.
    pub route: &'a str,
    /// The route's bucket.
    pub bucket: &'a str,
    /// The subject of the authenticated caller.
    pub subject: Option<&'a str>,
}

/// The reason why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadTokenError {
    /// The text is no token, or no key of this function has signed it.
    Invalid,
    /// The upload was granted to another caller, or for another route or bucket.
    Foreign,
    /// The time within which the upload can be continued is over.
    Expired,
}

impl UploadToken {
    /// Writes the token and signs it with `key`.
    #[must_use]
    pub fn sign(&self, key: &Secret) -> String {
        let text = format!("{PREFIX}{}", crypto::base64_url(&self.to_json()));
        let code = crypto::hmac_sha256(key.expose().as_bytes(), signed(&text).as_bytes());
        format!("{text}.{}", crypto::base64_url(code.as_slice()))
    }

    /// Parses a token that one of the keys has signed. Its content is not checked.
    pub fn verify(text: &str, keys: &[Secret]) -> Result<Self, UploadTokenError> {
        let (text, code) = Self::split(text).ok_or(UploadTokenError::Invalid)?;
        let signed = signed(text);
        let has_signed = |key: &Secret| {
            crypto::verify_hmac_sha256(key.expose().as_bytes(), signed.as_bytes(), &code)
        };
        if !keys.iter().any(has_signed) {
            return Err(UploadTokenError::Invalid);
        }
        let payload = text.strip_prefix(PREFIX).and_then(crypto::from_base64_url);
        payload.and_then(|payload| Self::from_json(&payload)).ok_or(UploadTokenError::Invalid)
    }

    /// Checks that the token is for this use, and that the upload can still be continued.
    pub fn check(
        &self,
        scope: &UploadTokenScope<'_>,
        now: Timestamp,
    ) -> Result<(), UploadTokenError> {
        let is_same = self.route == scope.route
            && self.bucket == scope.bucket
            && self.subject.as_deref() == scope.subject;
        if !is_same {
            return Err(UploadTokenError::Foreign);
        }
        if self.expires_at <= now.unix() { Err(UploadTokenError::Expired) } else { Ok(()) }
    }

    /// Returns the id as OSS stores it with the object.
    #[must_use]
    pub fn id_text(&self) -> String {
        crypto::hex(&self.id)
    }

    /// Splits a text into what was signed, without the prefix that separates uses, and the code.
    fn split(text: &str) -> Option<(&str, Vec<u8>)> {
        if text.len() > MAX_LENGTH || !text.starts_with(PREFIX) {
            return None;
        }
        let (text, code) = text.rsplit_once('.')?;
        Some((text, crypto::from_base64_url(code)?))
    }
}

fn signed(text: &str) -> String {
    format!("{SIGNED_PREFIX}{text}")
}

/// The payload of a token, with its members in the order in which they are written and signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadTokenPayload<'a> {
    id: Cow<'a, str>,
    route: Cow<'a, str>,
    bucket: Cow<'a, str>,
    key: Cow<'a, str>,
    upload: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    part: u64,
    #[serde(rename = "type")]
    content_type: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<Cow<'a, str>>,
    iat: i64,
    exp: i64,
}

impl UploadToken {
    fn to_json(&self) -> Vec<u8> {
        let payload = UploadTokenPayload {
            id: self.id_text().into(),
            route: self.route.as_str().into(),
            bucket: self.bucket.as_str().into(),
            key: self.key.as_str().into(),
            upload: self.upload_id.as_str().into(),
            size: self.size,
            part: self.part_size,
            content_type: self.content_type.as_str().into(),
            sub: self.subject.as_deref().map(Cow::from),
            iat: self.issued_at,
            exp: self.expires_at,
        };
        // JSON can express texts and numbers under text keys, so this cannot fail.
        serde_json::to_vec(&payload).unwrap_or_default()
    }

    fn from_json(json: &[u8]) -> Option<Self> {
        let payload: UploadTokenPayload<'_> = serde_json::from_slice(json).ok()?;
        Some(Self {
            id: crypto::from_hex(&payload.id)?,
            route: payload.route.into_owned(),
            bucket: payload.bucket.into_owned(),
            key: payload.key.into_owned(),
            upload_id: payload.upload.into_owned(),
            size: payload.size,
            part_size: payload.part,
            content_type: payload.content_type.into_owned(),
            subject: payload.sub.map(Cow::into_owned),
            issued_at: payload.iat,
            expires_at: payload.exp,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ISSUED: i64 = 1_732_687_781;

    fn key(text: &str) -> Secret {
        Secret::new(format!("{text} example key of more than 32 bytes"))
    }

    fn token() -> UploadToken {
        UploadToken {
            id: [0xab; 16],
            route: "videos".to_owned(),
            bucket: "examplebucket".to_owned(),
            key: "videos/用户/a.mp4".to_owned(),
            upload_id: "0004B9894A22E5B1888A1E29F8236E2D".to_owned(),
            size: Some(2 << 30),
            part_size: 8 << 20,
            content_type: "video/mp4".to_owned(),
            subject: Some("alice".to_owned()),
            issued_at: ISSUED,
            expires_at: ISSUED + 86_400,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(ISSUED + seconds).unwrap()
    }

    const SCOPE: UploadTokenScope<'_> =
        UploadTokenScope { route: "videos", bucket: "examplebucket", subject: Some("alice") };

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let text = token().sign(&key("an"));
        assert_eq!(UploadToken::verify(&text, &[key("an")]), Ok(token()));
        let payload = text.split('.').nth(1).and_then(crypto::from_base64_url).unwrap();
        insta::assert_snapshot!(String::from_utf8(payload).unwrap(), @r#"{"id":"abababababababababababababababab","route":"videos","bucket":"examplebucket","key":"videos/用户/a.mp4","upload":"0004B9894A22E5B1888A1E29F8236E2D","size":2147483648,"part":8388608,"type":"video/mp4","sub":"alice","iat":1732687781,"exp":1732774181}"#);
        let bare = UploadToken { size: None, subject: None, ..token() };
        let text = bare.sign(&key("an"));
        assert_eq!(UploadToken::verify(&text, &[key("an")]), Ok(bare));
    }

    #[test]
    fn every_changed_byte_makes_a_token_invalid() {
        let text = token().sign(&key("an"));
        for index in 0..text.len() {
            for replacement in [b'A', b'B', b'-', b'.', b'=', b' ', 0] {
                let mut bytes = text.clone().into_bytes();
                if bytes[index] == replacement {
                    continue;
                }
                bytes[index] = replacement;
                let changed = String::from_utf8(bytes).unwrap();
                let read = UploadToken::verify(&changed, &[key("an")]);
                assert_eq!(read, Err(UploadTokenError::Invalid), "{index} {replacement}");
            }
            let without = format!("{}{}", &text[..index], &text[index + 1..]);
            let doubled = format!("{}{}", &text[..=index], &text[index..]);
            for changed in [without, doubled, text[..index].to_owned()] {
                let read = UploadToken::verify(&changed, &[key("an")]);
                assert_eq!(read, Err(UploadTokenError::Invalid), "{index}");
            }
        }
    }

    #[test]
    fn keys_can_be_rotated() {
        let text = token().sign(&key("old"));
        assert_eq!(UploadToken::verify(&text, &[key("new"), key("old")]), Ok(token()));
        for keys in [vec![key("new")], vec![]] {
            assert_eq!(UploadToken::verify(&text, &keys), Err(UploadTokenError::Invalid));
        }
    }

    #[test]
    fn a_code_for_another_use_of_the_key_is_invalid() {
        let payload = crypto::base64_url(&token().to_json());
        for (use_prefix, prefix) in [
            ("oss-upload-receipt.", "r1."),
            ("oss-upload-receipt.", "u1."),
            ("oss-upload-ticket.", "v1."),
            ("", "u1."),
        ] {
            let text = format!("{prefix}{payload}");
            let signed = format!("{use_prefix}{text}");
            let code = crypto::hmac_sha256(key("an").expose().as_bytes(), signed.as_bytes());
            let text = format!("{text}.{}", crypto::base64_url(code.as_slice()));
            let read = UploadToken::verify(&text, &[key("an")]);
            assert_eq!(read, Err(UploadTokenError::Invalid), "{use_prefix}{prefix}");
        }
    }

    #[test]
    fn a_signed_payload_has_to_be_that_of_a_token() {
        let sign = |payload: &str| {
            let text = format!("{PREFIX}{}", crypto::base64_url(payload.as_bytes()));
            let code = crypto::hmac_sha256(key("an").expose().as_bytes(), signed(&text).as_bytes());
            format!("{text}.{}", crypto::base64_url(code.as_slice()))
        };
        let json = String::from_utf8(token().to_json()).unwrap();
        assert!(UploadToken::verify(&sign(&json), &[key("an")]).is_ok());
        for (from, to) in [
            ("\"id\":\"ab", "\"id\":\"a"),
            ("\"id\":\"ab", "\"id\":\"zz"),
            ("\"exp\"", "\"end\""),
            ("\"iat\":", "\"iat\":1,\"iat\":"),
            ("\"part\":8388608", "\"part\":-1"),
            ("{", "{\"more\":1,"),
            ("}", ""),
        ] {
            let changed = json.replace(from, to);
            assert_ne!(changed, json);
            let read = UploadToken::verify(&sign(&changed), &[key("an")]);
            assert_eq!(read, Err(UploadTokenError::Invalid), "{changed}");
        }
    }

    #[test]
    fn a_token_is_for_one_caller_and_one_route_until_its_end() {
        assert_eq!(token().check(&SCOPE, at(0)), Ok(()));
        assert_eq!(token().check(&SCOPE, at(86_399)), Ok(()));
        for late in [86_400, 10_000_000] {
            assert_eq!(token().check(&SCOPE, at(late)), Err(UploadTokenError::Expired));
        }
        for scope in [
            UploadTokenScope { subject: Some("bob"), ..SCOPE },
            UploadTokenScope { subject: None, ..SCOPE },
            UploadTokenScope { subject: Some(""), ..SCOPE },
            UploadTokenScope { route: "photos", ..SCOPE },
            UploadTokenScope { bucket: "otherbucket", ..SCOPE },
        ] {
            for seconds in [0, 86_400] {
                let checked = token().check(&scope, at(seconds));
                assert_eq!(checked, Err(UploadTokenError::Foreign), "{scope:?}");
            }
        }
        let anonymous = UploadToken { subject: None, ..token() };
        assert_eq!(anonymous.check(&SCOPE, at(0)), Err(UploadTokenError::Foreign));
        assert_eq!(anonymous.check(&UploadTokenScope { subject: None, ..SCOPE }, at(0)), Ok(()));
    }

    #[test]
    fn the_longest_token_fits() {
        let longest = UploadToken {
            route: "r".repeat(64),
            bucket: "b".repeat(63),
            key: "\"".repeat(1023),
            upload_id: "F".repeat(128),
            size: Some(u64::MAX),
            part_size: u64::MAX,
            content_type: "x".repeat(255),
            subject: Some("\u{1}".repeat(MAX_SUBJECT_BYTES)),
            issued_at: i64::MIN,
            expires_at: i64::MIN,
            ..token()
        };
        let text = longest.sign(&key("an"));
        assert_eq!(UploadToken::verify(&text, &[key("an")]), Ok(longest), "{}", text.len());
        let longer = format!("{}{}", &text[..text.len() - 44], "A".repeat(MAX_LENGTH));
        assert_eq!(UploadToken::verify(&longer, &[key("an")]), Err(UploadTokenError::Invalid));
    }

    proptest! {
        #[test]
        fn any_text_in_a_token_is_read_as_it_was_written(key_text in ".{1,60}", subject in proptest::option::of(".{1,60}"), size: Option<u64>) {
            let token = UploadToken { key: key_text, subject, size, ..token() };
            let text = token.sign(&key("an"));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
            prop_assert_eq!(UploadToken::verify(&text, &[key("an")]), Ok(token));
        }

        #[test]
        fn no_other_text_is_a_token(text in "(u1\\.)?[A-Za-z0-9._=-]{0,80}|.{0,40}") {
            prop_assert_eq!(UploadToken::verify(&text, &[key("an")]), Err(UploadTokenError::Invalid));
        }
    }
}
