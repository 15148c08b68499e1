//! The V4 key chain: secret → day → region → service → signing key.
//!
//! It resembles AWS Signature Version 4 and is not it: the secret is prefixed with `aliyun_v4`,
//! the service is `oss` and the chain ends in `aliyun_v4_request`.

use std::cell::RefCell;

use zeroize::Zeroizing;

use crate::crypto::Digest;
use crate::crypto::hmac_sha256;
use crate::secret::Secret;
use crate::signing::scope::SERVICE;
use crate::signing::scope::Scope;
use crate::signing::scope::TERMINATOR;

/// What stands before the secret in the first key.
const PREFIX: &[u8] = b"aliyun_v4";

thread_local! {
    /// The last key that was derived, for its secret and scope. Four of five HMACs of a signature
    /// are these, and they are the same all day. Nothing else of a signature is kept.
    static LAST: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

struct Kept {
    secret: Secret,
    scope: Scope,
    key: Digest,
}

/// Derives the key that signs policies of this scope.
#[must_use]
pub fn derive(secret: &Secret, scope: &Scope) -> Digest {
    LAST.with_borrow_mut(|last| match last {
        Some(kept) if kept.scope == *scope && kept.secret == *secret => kept.key.clone(),
        _ => {
            let [.., key] = chain(secret, scope);
            let (secret, scope) = (secret.clone(), scope.clone());
            last.insert(Kept { secret, scope, key }).key.clone()
        }
    })
}

/// Derives all four keys in order, so that each can be held against a golden vector.
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

    #[test]
    fn a_kept_key_is_given_only_for_its_own_secret_and_scope() {
        let scope = |date: &str, region: &str| Scope { date: date.into(), region: region.into() };
        let first = (Secret::new("a"), scope("20241127", "cn-hangzhou"));
        let others = [
            (Secret::new("b"), scope("20241127", "cn-hangzhou")),
            (Secret::new("a"), scope("20241128", "cn-hangzhou")),
            (Secret::new("a"), scope("20241127", "cn-beijing")),
        ];
        for (secret, scope) in &others {
            let key = derive(&first.0, &first.1);
            assert_eq!(key, derive(&first.0, &first.1));
            assert_ne!(key, derive(secret, scope));
            assert_eq!(derive(secret, scope), chain(secret, scope)[3]);
        }
    }
}
