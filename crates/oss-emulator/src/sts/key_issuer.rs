//! Issues temporary keys, derived from a seed and a counter, and adds them to the key ring.
//!
//! The keys look random, but the same seed gives the same keys.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::keys::{AccessKey, KeyOwner, KeyRing};
use crate::ram::Permissions;

/// The characters of ids and secrets.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The number of 32-byte blocks in a token, which gives about the length of real ones.
const TOKEN_BLOCKS: u8 = 14;

/// The time for which an expired key is kept, so that it is reported as expired and not as unknown.
const RETENTION: i64 = 24 * 3600;

/// Issues keys.
pub(super) struct KeyIssuer {
    seed: [u8; 16],
    ring: KeyRing,
    count: AtomicU64,
}

/// An issued key.
#[derive(Clone)]
pub(super) struct IssuedKey {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
}

impl KeyIssuer {
    pub(super) fn new(seed: [u8; 16], ring: KeyRing) -> Self {
        Self { seed, ring, count: AtomicU64::new(0) }
    }

    /// Issues a key for a session of a role and adds it to the key ring.
    pub(super) fn issue(
        &self,
        role: String,
        permissions: Permissions,
        now: i64,
        lifetime: i64,
    ) -> IssuedKey {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let token: Vec<u8> =
            (0..TOKEN_BLOCKS).flat_map(|at| self.block(b't', number, at)).collect();
        let issued = IssuedKey {
            id: format!("STS.{}", letters(&self.block(b'i', number, 0)[..25])),
            secret: letters(
                &[self.block(b's', number, 0), self.block(b's', number, 1)].concat()[..44],
            ),
            token: format!("CAIS{}", STANDARD.encode(token)),
            issued_at: now,
            expires_at: now.saturating_add(lifetime),
        };
        self.ring.remove_expired(now.saturating_sub(RETENTION));
        self.ring.add(AccessKey {
            security_token: Some(issued.token.clone()),
            expires_at: Some(issued.expires_at),
            permissions: Some(permissions),
            owner: KeyOwner::Role(role),
            ..AccessKey::new(&issued.id, &issued.secret)
        });
        issued
    }

    /// Creates a metadata token that cannot be guessed without the seed.
    pub(super) fn metadata_token(&self) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        STANDARD.encode(self.block(b'm', number, 0))
    }

    /// Creates the id of the next request, in the form of a UUID.
    pub(super) fn request_id(&self) -> String {
        let block = self.block(b'r', self.count.fetch_add(1, Ordering::Relaxed), 0);
        let text = hex::encode_upper(&block[..16]);
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }

    /// Returns the number of a role in `AssumedRoleId`.
    pub(super) fn role_id(&self, role: &str) -> u64 {
        let digest = Sha256::digest([&self.seed, role.as_bytes()].concat());
        let number = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        // Real numbers have eighteen digits and begin with a three.
        300_000_000_000_000_000 + number % 100_000_000_000_000_000
    }

    fn block(&self, what: u8, number: u64, at: u8) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.seed);
        digest.update([what, at]);
        digest.update(number.to_be_bytes());
        digest.finalize().into()
    }
}

fn letters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(issuer: &KeyIssuer) -> IssuedKey {
        issuer.issue("role".to_owned(), Permissions::default(), 10, 900)
    }

    #[test]
    fn keys_look_real_differ_and_depend_on_the_seed_alone() {
        let issuer = || KeyIssuer::new([7; 16], KeyRing::default());
        let first = issuer();
        let (one, two, again) = (issue(&first), issue(&first), issue(&issuer()));
        assert!(one.id.starts_with("STS.") && one.id.len() == 29, "{}", one.id);
        assert!(one.token.starts_with("CAIS") && one.token.len() > 500);
        assert_eq!((one.secret.len(), one.expires_at), (44, 910));
        assert!(one.id != two.id && one.secret != two.secret && one.token != two.token);
        assert_eq!((one.id, one.secret, one.token), (again.id, again.secret, again.token));
    }

    #[test]
    fn an_issued_key_stays_in_the_ring_until_a_day_after_its_expiry() {
        let ring = KeyRing::default();
        let issuer = KeyIssuer::new([7; 16], ring.clone());
        let key = issue(&issuer);
        assert_eq!(ring.all()[0].id, key.id);
        issuer.issue("role".to_owned(), Permissions::default(), 910 + RETENTION, 900);
        assert_eq!(ring.all().len(), 2);
        issuer.issue("role".to_owned(), Permissions::default(), 911 + RETENTION, 900);
        assert!(ring.all().iter().all(|kept| kept.id != key.id));
    }

    #[test]
    fn a_request_id_looks_like_a_uuid() {
        let issuer = KeyIssuer::new([7; 16], KeyRing::default());
        let lengths: Vec<usize> = issuer.request_id().split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }
}
