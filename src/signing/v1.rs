//! The V1 form signature: HMAC-SHA1 under the bare secret, for the pages and buckets that speak it.
//!
//! The rule and the spelling of the fields are those of the PostObject page. OSS has closed V1 to
//! accounts opened since 2025-03-01 and to buckets created since 2025-09-01, so a route has to ask
//! for it by name.
//!
//! There is no scope and no date: what ends a V1 form is its policy's expiration alone. No field of
//! the signature has to be a condition. The token of a temporary key is a plain field that OSS
//! looks up together with the key id; a condition on it would prove nothing more, and would put the
//! token into a text that OSS may echo when it refuses.
//!
//! ```
//! use oss_upload_signer::secret::Secret;
//! use oss_upload_signer::signature::v1::Signer;
//!
//! let secret = Secret::new("ExampleSecretKey/abcDEF+0123456789=");
//! let signer = Signer { key_id: "LTAI5tExampleKeyId0001", secret: &secret, token: None };
//! assert_eq!(signer.sign("eyJ9").len(), 28);
//! ```

use crate::crypto::base64;
use crate::crypto::hmac_sha1;
use crate::secret::Secret;
use crate::signing::v4::X_OSS_SECURITY_TOKEN;

/// The field that names the key id.
pub const OSS_ACCESS_KEY_ID: &str = "OSSAccessKeyId";
/// The field that carries the signature. OSS does not mind case here; this is how it is documented.
pub const SIGNATURE: &str = "Signature";

/// Everything one form is signed with.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The access key's id.
    pub key_id: &'a str,
    /// The access key's secret.
    pub secret: &'a Secret,
    /// The security token, exactly when the key is a temporary one.
    pub token: Option<&'a Secret>,
}

impl Signer<'_> {
    /// Gives the fields that say who signed; the token is among them exactly when there is one.
    #[must_use]
    pub fn stamp(&self) -> Vec<(&'static str, String)> {
        let mut stamp = vec![(OSS_ACCESS_KEY_ID, self.key_id.to_owned())];
        stamp.extend(self.token.map(|token| (X_OSS_SECURITY_TOKEN, token.expose().to_owned())));
        stamp
    }

    /// Signs the policy's base64 text, which is the field `policy` to the letter.
    #[must_use]
    pub fn sign(&self, policy_base64: &str) -> String {
        base64(&hmac_sha1(self.secret.expose().as_bytes(), policy_base64.as_bytes()))
    }
}
