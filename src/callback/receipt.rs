//! Receipts: a signed text that says what a grant allows, and that comes back with the stored object.
//!
//! ```text
//! receipt = "r1." base64url(payload) "." base64url(HMAC-SHA256(key, signed))
//! signed  = "oss-upload-receipt.r1." base64url(payload)
//! payload = {"id":"…","route":"photos","bucket":"my-bucket","key":"photos/a.png","min":1,"max":1024,
//!            "types":["image/*"],"sub":"alice","iat":1732687781,"exp":1732688381,"vars":"…","once":true}
//! ```
//!
//! Every grant of a route with a callback contains a receipt. OSS sends it back when the object is stored. It
//! proves under which grant the object was uploaded: the allowed key, size and types, and the subject. Anyone
//! who has a key can verify it without a request. This file is pure: the time, the keys and the id are arguments.
//!
//! * base64url has no padding. `iat` and `exp` are whole Unix seconds; `min` and `max` are bytes, inclusive.
//! * `key` is the whole object key. `prefix` replaces it where the client chooses the file name.
//! * `types` and `sub` are left out where the grant restricts no type or names no subject.
//! * Unknown members are an error.
//! * The prefix of the signed text separates the uses of a key: a ticket never verifies as a receipt.
//!
//! `vars` is the hash of the callback's variables, names and values, as [`variables_hash`] computes it. Every
//! receipt has it, also where the route sets no variable. A receipt without it was issued by an earlier version
//! and proves no variable. `once` is present, and true, where no other grant has the same key and the object
//! cannot be overwritten.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::crypto;
use crate::policy::content_type::{ContentType, TypePattern, is_allowed};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest accepted receipt in bytes: a key of 1023 bytes, a subject and types, all of them escaped.
const MAX_LENGTH: usize = 8192;

/// The shortest key in bytes: the length of the HMAC.
pub const MIN_KEY_LENGTH: usize = 32;

/// The longest subject in a receipt, in bytes. No identity provider issues longer ones.
pub const MAX_SUBJECT_BYTES: usize = 255;

/// How long after the end of its grant a stored object is accepted. OSS accepts a form until that moment, and a
/// large upload over a slow connection takes time.
pub const GRACE: Duration = Duration::from_hours(24);

const PREFIX: &str = "r1.";
const SIGNED_PREFIX: &str = "oss-upload-receipt.";

/// Custom variables of a callback: names without `x:`, and values.
pub type Variables = Vec<(String, String)>;

/// The content of a receipt: what was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// A random id of 32 lower-case hex digits.
    pub id: String,
    /// The name of the route.
    pub route: String,
    /// The name of the bucket.
    pub bucket: String,
    /// The allowed object keys.
    pub scope: ReceiptScope,
    /// The smallest allowed size in bytes.
    pub min_size: u64,
    /// The largest allowed size in bytes.
    pub max_size: u64,
    /// The allowed types, as `image/png` or `image/*`, without parameters; empty allows every type.
    pub types: Vec<String>,
    /// The caller's subject, if there is one.
    pub subject: Option<String>,
    /// The time of the grant, in Unix seconds.
    pub issued_at: i64,
    /// The last moment at which OSS accepts the form, in Unix seconds.
    pub expires_at: i64,
    /// The hash of the callback's variables; `None` in a receipt of an earlier version.
    pub variables_hash: Option<String>,
    /// Whether no other grant has this key and no upload can replace the object, so that all callbacks with this
    /// receipt report the same event.
    pub once: bool,
}

/// The object keys that a grant allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptScope {
    /// Exactly this key.
    Key(String),
    /// Every key that begins with this text.
    Prefix(String),
}

/// The properties of a stored object, as OSS reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredObject<'a> {
    /// The bucket's name.
    pub bucket: &'a str,
    /// The object's key.
    pub key: &'a str,
    /// The size in bytes.
    pub size: u64,
    /// The content type.
    pub content_type: &'a str,
}

/// The reason why a text is not a receipt for this object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// The text does not have the format of a receipt.
    Malformed,
    /// No key of this function has signed it.
    SignatureInvalid,
    /// The object was stored too long after the end of the grant.
    Expired,
    /// Another route has issued it.
    WrongRoute,
    /// The object is in another bucket.
    WrongBucket,
    /// The object has a key that was not granted.
    WrongKey,
}

/// A property in which the object at the granted key differs from the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptMismatch {
    /// The object is larger or smaller than allowed.
    Size,
    /// The object has a type that is not allowed.
    Type,
    /// The callback's variables are not those of the grant.
    Variables,
}

impl ReceiptMismatch {
    /// Returns the name that webhooks and logs use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Type => "type",
            Self::Variables => "variables",
        }
    }
}

/// Returns the id that consists of sixteen random bytes.
#[must_use]
pub fn receipt_id(bytes: &[u8; 16]) -> String {
    crypto::hex(bytes)
}

/// Returns the canonical form of a stored object's type. A text that is not a content type is returned unchanged;
/// no receipt allows it.
#[must_use]
pub fn canonical_type(text: String) -> String {
    ContentType::parse(&text).map_or(text, |parsed| parsed.as_str().to_owned())
}

/// Computes the hash of custom variables that a receipt contains. They are given by name without `x:`.
///
/// ```text
/// hash = base64url(SHA-256(for each variable, sorted by name: netstring(name) netstring(value)))
/// netstring(text) = length in bytes, in decimal ":" text ","
/// ```
///
/// The lengths make the text unambiguous: two different sets of variables are never hashed as the same bytes.
#[must_use]
pub fn variables_hash(variables: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = variables.iter().collect();
    sorted.sort();
    let mut text = String::new();
    for part in sorted.into_iter().flat_map(|(name, value)| [name, value]) {
        text.extend([&part.len().to_string(), ":", part, ","]);
    }
    crypto::base64_url(&crypto::sha256(text.as_bytes()))
}

impl Receipt {
    /// Writes the receipt and signs it with `key`.
    #[must_use]
    pub fn sign(&self, key: &Secret) -> String {
        let text = format!("{PREFIX}{}", crypto::base64_url(&self.to_json()));
        let code = crypto::hmac_sha256(key.expose().as_bytes(), signed(&text).as_bytes());
        format!("{text}.{}", crypto::base64_url(code.as_slice()))
    }

    /// Parses a receipt that one of the keys has signed. Its content is not checked.
    pub fn verify(text: &str, keys: &[Secret]) -> Result<Self, ReceiptError> {
        if text.len() > MAX_LENGTH {
            return Err(ReceiptError::Malformed);
        }
        let (text, code) = text.rsplit_once('.').ok_or(ReceiptError::Malformed)?;
        let payload = text.strip_prefix(PREFIX).ok_or(ReceiptError::Malformed)?;
        let code = crypto::from_base64_url(code).ok_or(ReceiptError::Malformed)?;
        let payload = crypto::from_base64_url(payload).ok_or(ReceiptError::Malformed)?;
        let signed = signed(text);
        let has_signed = |key: &Secret| {
            crypto::verify_hmac_sha256(key.expose().as_bytes(), signed.as_bytes(), &code)
        };
        if !keys.iter().any(has_signed) {
            return Err(ReceiptError::SignatureInvalid);
        }
        Self::from_json(&payload).ok_or(ReceiptError::Malformed)
    }

    /// Checks that the receipt has not expired, and that this route has granted the key of the object.
    ///
    /// # Errors
    /// The first property that differs. Then the callback reports another object, or none of this function.
    pub fn check_location(
        &self,
        route: &str,
        stored: &StoredObject<'_>,
        now: Timestamp,
    ) -> Result<(), ReceiptError> {
        let grace = i64::try_from(GRACE.as_secs()).unwrap_or(0);
        let is_in_scope = match &self.scope {
            ReceiptScope::Key(key) => stored.key == key,
            ReceiptScope::Prefix(prefix) => stored.key.starts_with(prefix.as_str()),
        };
        let checks = [
            (now.unix() <= self.expires_at.saturating_add(grace), ReceiptError::Expired),
            (self.route == route, ReceiptError::WrongRoute),
            (self.bucket == stored.bucket, ReceiptError::WrongBucket),
            (is_in_scope, ReceiptError::WrongKey),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Returns the properties in which the object differs from the grant; empty if it conforms.
    #[must_use]
    pub fn mismatches(&self, stored: &StoredObject<'_>) -> Vec<ReceiptMismatch> {
        let checks = [
            ((self.min_size..=self.max_size).contains(&stored.size), ReceiptMismatch::Size),
            (self.allows_type(stored.content_type), ReceiptMismatch::Type),
        ];
        checks.into_iter().filter(|(holds, _)| !holds).map(|(_, mismatch)| mismatch).collect()
    }

    /// Returns whether the grant set exactly these variables. A receipt of an earlier version proves none.
    #[must_use]
    pub fn has_variables(&self, variables: &[(String, String)]) -> bool {
        self.variables_hash.as_ref().is_some_and(|hash| *hash == variables_hash(variables))
    }

    fn allows_type(&self, content_type: &str) -> bool {
        // Also if every type is allowed: a text that a browser may read as another type is not a content type.
        let patterns: Option<Vec<_>> =
            self.types.iter().map(|text| TypePattern::parse(text)).collect();
        patterns
            .zip(ContentType::parse(content_type))
            .is_some_and(|(patterns, one)| is_allowed(&patterns, &one))
    }
}

fn signed(text: &str) -> String {
    format!("{SIGNED_PREFIX}{text}")
}

/// The payload of a receipt, with its members in the order in which they are written and signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptPayload<'a> {
    id: Cow<'a, str>,
    route: Cow<'a, str>,
    bucket: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<Cow<'a, str>>,
    min: u64,
    max: u64,
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    types: Cow<'a, [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<Cow<'a, str>>,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vars: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    once: bool,
}

impl Receipt {
    fn to_json(&self) -> Vec<u8> {
        let (key, prefix) = match &self.scope {
            ReceiptScope::Key(key) => (Some(key.as_str()), None),
            ReceiptScope::Prefix(prefix) => (None, Some(prefix.as_str())),
        };
        let payload = ReceiptPayload {
            id: self.id.as_str().into(),
            route: self.route.as_str().into(),
            bucket: self.bucket.as_str().into(),
            key: key.map(Cow::from),
            prefix: prefix.map(Cow::from),
            min: self.min_size,
            max: self.max_size,
            types: Cow::Borrowed(&self.types),
            sub: self.subject.as_deref().map(Cow::from),
            iat: self.issued_at,
            exp: self.expires_at,
            vars: self.variables_hash.as_deref().map(Cow::from),
            once: self.once,
        };
        // JSON can express texts and numbers under text keys, so this cannot fail.
        serde_json::to_vec(&payload).unwrap_or_default()
    }

    /// Reads a payload. Returns `None` if it has both a key and a prefix, or neither.
    fn from_json(json: &[u8]) -> Option<Self> {
        let payload: ReceiptPayload<'_> = serde_json::from_slice(json).ok()?;
        let scope = match (payload.key, payload.prefix) {
            (Some(key), None) => ReceiptScope::Key(key.into_owned()),
            (None, Some(prefix)) => ReceiptScope::Prefix(prefix.into_owned()),
            _ => return None,
        };
        Some(Self {
            id: payload.id.into_owned(),
            route: payload.route.into_owned(),
            bucket: payload.bucket.into_owned(),
            scope,
            min_size: payload.min,
            max_size: payload.max,
            types: payload.types.into_owned(),
            subject: payload.sub.map(Cow::into_owned),
            issued_at: payload.iat,
            expires_at: payload.exp,
            variables_hash: payload.vars.map(Cow::into_owned),
            once: payload.once,
        })
    }
}

#[cfg(test)]
mod tests;
