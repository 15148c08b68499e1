//! The shape that the documentation's server-side signing samples answer.
//!
//! The samples disagree on one name, `version` in one language and `x_oss_signature_version` in
//! the others, so both are there.

use serde::Serialize;

use crate::grant::Grant;
use crate::grant::callback_fields;
use crate::signing::v4;

/// A grant in the documentation's shape.
#[derive(Debug, Serialize)]
pub struct Documented<'a> {
    host: &'a str,
    dir: &'a str,
    policy: &'a str,
    signature: &'a str,
    x_oss_signature_version: &'a str,
    version: &'a str,
    x_oss_credential: &'a str,
    x_oss_date: &'a str,
    /// Empty for a long-lived key: the page posts the field in any case, and `undefined` would be
    /// a token that nobody has.
    security_token: &'a str,
    /// Unix seconds.
    expire: i64,
    /// What the documentation's page posts where the answer has it. It posts no variables, so their
    /// values stand in here.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> Documented<'a> {
    /// Puts a grant into this shape.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        let field = |name| grant.field(name).unwrap_or_default();
        Self {
            host: &grant.url,
            dir: &grant.directory,
            policy: field(v4::POLICY),
            signature: field(v4::X_OSS_SIGNATURE),
            x_oss_signature_version: field(v4::X_OSS_SIGNATURE_VERSION),
            version: field(v4::X_OSS_SIGNATURE_VERSION),
            x_oss_credential: field(v4::X_OSS_CREDENTIAL),
            x_oss_date: field(v4::X_OSS_DATE),
            security_token: field(v4::X_OSS_SECURITY_TOKEN),
            expire: grant.expires_at.unix(),
            callback: grant.field(callback_fields::CALLBACK),
            key: grant.key.as_deref(),
        }
    }
}
