//! The V4 signature of a form: the fields that identify the signer, and the signature.
//!
//! ```
//! use oss_upload_signer::secret::Secret;
//! use oss_upload_signer::signing::v4::V4Signer;
//! use oss_upload_signer::time::Timestamp;
//!
//! let secret = Secret::new("ExampleSecretKey/abcDEF+0123456789=");
//! let now = Timestamp::from_unix(1_732_687_781).unwrap();
//! let signer = V4Signer {
//!     key_id: "LTAI5tExampleKeyId0001",
//!     secret: &secret,
//!     token: None,
//!     region: "cn-hangzhou",
//!     now,
//! };
//! assert_eq!(signer.identity_fields()[2].1, "20241127T060941Z");
//! assert_eq!(signer.sign("eyJ9").len(), 64);
//! ```

use crate::crypto::{base64, hex, hmac_sha256};
use crate::secret::Secret;
use crate::signing::key::{self, Scope};
use crate::time::Timestamp;

/// The value of `x-oss-signature-version` that selects V4.
pub const OSS4_HMAC_SHA256: &str = "OSS4-HMAC-SHA256";

/// The field that carries the policy's base64 text.
pub const POLICY: &str = "policy";
/// The field that names the algorithm.
pub const X_OSS_SIGNATURE_VERSION: &str = "x-oss-signature-version";
/// The field that names the key id and the scope.
pub const X_OSS_CREDENTIAL: &str = "x-oss-credential";
/// The field that carries the time of signing.
pub const X_OSS_DATE: &str = "x-oss-date";
/// The field that carries the security token of a temporary key.
pub const X_OSS_SECURITY_TOKEN: &str = "x-oss-security-token";
/// The field that carries the signature.
pub const X_OSS_SIGNATURE: &str = "x-oss-signature";

/// The access key, region and time that one form is signed with.
#[derive(Clone, Copy, Debug)]
pub struct V4Signer<'a> {
    /// The id of the access key.
    pub key_id: &'a str,
    /// The secret of the access key.
    pub secret: &'a Secret,
    /// The security token; present exactly when the key is temporary.
    pub token: Option<&'a Secret>,
    /// The general id of the bucket's region, such as `cn-hangzhou`.
    pub region: &'a str,
    /// The time of signing. Scope and `x-oss-date` both come from it, so they never disagree.
    pub now: Timestamp,
}

impl V4Signer<'_> {
    /// Returns the fields that identify the signer, in the order of the form. OSS requires each of
    /// them to be a condition of the policy too.
    ///
    /// The token is present exactly when there is one: OSS refuses a condition on an empty token.
    #[must_use]
    pub fn identity_fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            (X_OSS_SIGNATURE_VERSION, OSS4_HMAC_SHA256.to_owned()),
            (X_OSS_CREDENTIAL, self.scope().credential(self.key_id)),
            (X_OSS_DATE, self.now.basic()),
        ];
        fields.extend(self.token.map(|token| (X_OSS_SECURITY_TOKEN, token.expose().to_owned())));
        fields
    }

    /// Signs the policy's base64 text, which is sent unchanged as the field `policy`. Returns 64
    /// lower-case hex digits.
    #[must_use]
    pub fn sign(&self, policy_base64: &str) -> String {
        let key = key::derive(self.secret, &self.scope());
        hex(hmac_sha256(key.as_slice(), policy_base64.as_bytes()).as_slice())
    }

    fn scope(&self) -> Scope {
        Scope::new(self.now, self.region)
    }
}

/// Encodes a policy's JSON as the base64 text that is sent and signed.
#[must_use]
pub fn encode_policy(json: &str) -> String {
    base64(json.as_bytes())
}
