//! The shape that the pages of the V1 time read: one of them calls the key id `accessid`, the other
//! `ossAccessKeyId`, so both are there.
//!
//! Neither page posts a token. With temporary credentials the form has to carry `security_token` in
//! the field `x-oss-security-token`, which a page must be taught; unmodified, both need a function
//! that signs with a long-lived key.

use serde::Serialize;

use crate::grant::Grant;
use crate::grant::callback_fields;
use crate::signing::{v1, v4};

/// A V1 grant in the documentation's shape.
#[derive(Debug, Serialize)]
pub struct DocumentedV1<'a> {
    accessid: &'a str,
    #[serde(rename = "ossAccessKeyId")]
    oss_access_key_id: &'a str,
    host: &'a str,
    dir: &'a str,
    policy: &'a str,
    signature: &'a str,
    /// Unix seconds. The older page asks anew three seconds before them.
    expire: i64,
    /// Empty for a long-lived key.
    security_token: &'a str,
    /// Empty where nobody is called back. The older page posts the field in any case, and its library
    /// would write a missing value as `false`, which OSS refuses to read.
    callback: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> DocumentedV1<'a> {
    /// Puts a grant into this shape.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        let field = |name| grant.field(name).unwrap_or_default();
        Self {
            accessid: field(v1::OSS_ACCESS_KEY_ID),
            oss_access_key_id: field(v1::OSS_ACCESS_KEY_ID),
            host: &grant.url,
            dir: &grant.directory,
            policy: field(v4::POLICY),
            signature: field(v1::SIGNATURE),
            expire: grant.expires_at.unix(),
            security_token: field(v4::X_OSS_SECURITY_TOKEN),
            callback: field(callback_fields::CALLBACK),
            key: grant.key.as_deref(),
        }
    }
}
