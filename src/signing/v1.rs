//! The V1 signature of a form: HMAC-SHA1 with the bare secret, for clients and buckets that need it.
//!
//! Rule and field names follow the PostObject page. OSS has closed V1 to accounts opened since
//! 2025-03-01 and to buckets created since 2025-09-01, so a route has to choose it by name.
//!
//! V1 has no scope and no date: only the policy's expiration ends a form. No identity field has to
//! be a condition of the policy. The security token is a plain field that OSS looks up together with
//! the key id; a condition on it would add nothing, and would put the token into a text that OSS may
//! return in an error.
//!
//! ```
//! use oss_upload_signer::secret::Secret;
//! use oss_upload_signer::signing::v1::V1Signer;
//!
//! let secret = Secret::new("ExampleSecretKey/abcDEF+0123456789=");
//! let signer = V1Signer { key_id: "LTAI5tExampleKeyId0001", secret: &secret, token: None };
//! assert_eq!(signer.sign("eyJ9").len(), 28);
//! ```

use crate::crypto::{base64, hmac_sha1};
use crate::secret::Secret;
use crate::signing::v4::X_OSS_SECURITY_TOKEN;

/// The field that names the key id.
pub const OSS_ACCESS_KEY_ID: &str = "OSSAccessKeyId";
/// The field that carries the signature. OSS does not mind case here; this is how it is documented.
pub const SIGNATURE: &str = "Signature";

/// The access key that one form is signed with.
#[derive(Clone, Copy, Debug)]
pub struct V1Signer<'a> {
    /// The id of the access key.
    pub key_id: &'a str,
    /// The secret of the access key.
    pub secret: &'a Secret,
    /// The security token; present exactly when the key is temporary.
    pub token: Option<&'a Secret>,
}

impl V1Signer<'_> {
    /// Returns the fields that identify the signer: the key id, and the token if there is one.
    #[must_use]
    pub fn identity_fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![(OSS_ACCESS_KEY_ID, self.key_id.to_owned())];
        fields.extend(self.token.map(|token| (X_OSS_SECURITY_TOKEN, token.expose().to_owned())));
        fields
    }

    /// Signs the policy's base64 text, which is sent unchanged as the field `policy`. Returns 28
    /// characters of base64.
    #[must_use]
    pub fn sign(&self, policy_base64: &str) -> String {
        base64(&hmac_sha1(self.secret.expose().as_bytes(), policy_base64.as_bytes()))
    }
}
