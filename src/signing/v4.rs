//! The V4 form signature: which fields identify a form, and the field that proves it.
//!
//! ```
//! use oss_upload_signer::secret::Secret;
//! use oss_upload_signer::signature::v4::Signer;
//! use oss_upload_signer::time::Timestamp;
//!
//! let secret = Secret::new("ExampleSecretKey/abcDEF+0123456789=");
//! let now = Timestamp::from_unix(1_732_687_781).unwrap();
//! let signer = Signer {
//!     key_id: "LTAI5tExampleKeyId0001",
//!     secret: &secret,
//!     token: None,
//!     region: "cn-hangzhou",
//!     now,
//! };
//! assert_eq!(signer.stamp()[2].1, "20241127T060941Z");
//! assert_eq!(signer.sign("eyJ9").len(), 64);
//! ```

use crate::crypto::base64;
use crate::crypto::hex;
use crate::crypto::hmac_sha256;
use crate::secret::Secret;
use crate::signing::scope::Scope;
use crate::signing::signing_key;
use crate::time::Timestamp;

/// The value of `x-oss-signature-version` that selects V4.
pub const OSS4_HMAC_SHA256: &str = "OSS4-HMAC-SHA256";

/// The field that carries the policy's base64 text.
pub const POLICY: &str = "policy";
/// The field that names the algorithm.
pub const X_OSS_SIGNATURE_VERSION: &str = "x-oss-signature-version";
/// The field that names the key id and the scope.
pub const X_OSS_CREDENTIAL: &str = "x-oss-credential";
/// The field that carries the moment of signing.
pub const X_OSS_DATE: &str = "x-oss-date";
/// The field that carries the token of a temporary credential.
pub const X_OSS_SECURITY_TOKEN: &str = "x-oss-security-token";
/// The field that carries the signature.
pub const X_OSS_SIGNATURE: &str = "x-oss-signature";

/// Everything one form is signed with, of one moment.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The access key's id.
    pub key_id: &'a str,
    /// The access key's secret.
    pub secret: &'a Secret,
    /// The security token, exactly when the key is a temporary one.
    pub token: Option<&'a Secret>,
    /// The general id of the bucket's region.
    pub region: &'a str,
    /// The one reading of the clock that scope and date both come from.
    pub now: Timestamp,
}

impl Signer<'_> {
    /// Gives the fields that say who signed and when; each has to be a condition of the policy too.
    ///
    /// The token is among them exactly when there is one: OSS refuses a condition on an empty token.
    #[must_use]
    pub fn stamp(&self) -> Vec<(&'static str, String)> {
        let credential = self.scope().credential(self.key_id);
        let mut stamp = vec![
            (X_OSS_SIGNATURE_VERSION, OSS4_HMAC_SHA256.to_owned()),
            (X_OSS_CREDENTIAL, credential),
            (X_OSS_DATE, self.now.basic()),
        ];
        stamp.extend(self.token.map(|token| (X_OSS_SECURITY_TOKEN, token.expose().to_owned())));
        stamp
    }

    /// Signs the policy's base64 text, which is the field `policy` to the letter.
    #[must_use]
    pub fn sign(&self, policy_base64: &str) -> String {
        let key = signing_key::derive(self.secret, &self.scope());
        hex(hmac_sha256(key.as_slice(), policy_base64.as_bytes()).as_slice())
    }

    fn scope(&self) -> Scope {
        Scope::new(self.now, self.region)
    }
}

/// Encodes a policy's JSON as the text that is sent and signed.
#[must_use]
pub fn encode_policy(json: &str) -> String {
    base64(json.as_bytes())
}
