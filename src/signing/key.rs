//! The V4 signing key: secret, day, region and service, combined by a chain of HMACs.
//!
//! The scheme resembles AWS Signature Version 4 with other constants: the secret is prefixed with
//! `aliyun_v4`, the service is `oss`, and the chain ends with `aliyun_v4_request`.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::{Digest, hmac_sha256};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The service in a scope, also for acceleration endpoints and custom domains.
pub const SERVICE: &str = "oss";

/// The last part of every scope.
pub const TERMINATOR: &str = "aliyun_v4_request";

/// The text before the secret in the first HMAC key.
const PREFIX: &[u8] = b"aliyun_v4";

/// One day in one region, for which a signing key is derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The day as `YYYYMMDD` in UTC.
    pub date: String,
    /// The general region id, such as `cn-hangzhou`.
    pub region: String,
}

impl Scope {
    /// Returns the scope of the day of `now`. The same time has to be sent as `x-oss-date`.
    #[must_use]
    pub fn new(now: Timestamp, region: &str) -> Self {
        Self { date: now.date(), region: region.to_owned() }
    }

    /// Returns the value of `x-oss-credential`: the key id, then the scope.
    #[must_use]
    pub fn credential(&self, key_id: &str) -> String {
        format!("{key_id}/{self}")
    }
}

/// The scope's text in a string to sign.
impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{SERVICE}/{TERMINATOR}", self.date, self.region)
    }
}

/// Derives the key that signs within `scope`.
#[must_use]
pub fn derive(secret: &Secret, scope: &Scope) -> Digest {
    let [.., key] = chain(secret, scope);
    key
}

/// Derives all four keys in order, so that a test can compare each with a golden vector.
fn chain(secret: &Secret, scope: &Scope) -> [Digest; 4] {
    let first = Zeroizing::new([PREFIX, secret.expose().as_bytes()].concat());
    let date = hmac_sha256(&first, scope.date.as_bytes());
    let region = hmac_sha256(date.as_slice(), scope.region.as_bytes());
    let service = hmac_sha256(region.as_slice(), SERVICE.as_bytes());
    let signing = hmac_sha256(service.as_slice(), TERMINATOR.as_bytes());
    [date, region, service, signing]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    #[test]
    fn basic_hangzhou_no_token() {
        let secret = Secret::new("ExampleSecretKey/abcDEF+0123456789=");
        let scope = Scope { date: "20241127".into(), region: "cn-hangzhou".into() };
        let keys = chain(&secret, &scope).map(|key| hex(key.as_slice()));
        assert_eq!(
            keys,
            [
                "370c019f63f3e516ceb06d50300b27a525b8d7b1f60fd40663c24c501c4265b9",
                "8a0ba1e16523b6a499b636e59e5f5570d891d164d53fa43e67bb69f3450733bd",
                "ee3d90341ec84a5c0bb747601a268c323d402f2b9114fd01c3e1bf657fc21363",
                "5692380658f70153cea877ff62b579726cc41c098f2fcad9a6bfab989236c5a0",
            ]
        );
    }
}
