//! Issues temporary keys: makes them from the seed and a counter, and hangs them on the ring.
//!
//! They look as random as real ones, and no randomness is drawn: the same seed gives the same keys.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;
use sha2::Sha256;

use crate::keys::AccessKey;
use crate::keys::Holder;
use crate::keys::KeyRing;
use crate::ram::Permissions;

/// The characters of ids and secrets.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The blocks of 32 bytes in a token: about as long as real ones are.
const TOKEN_BLOCKS: u8 = 14;

/// How long a key is remembered after its end, so that it is refused as expired and not as unknown.
const MEMORY: i64 = 24 * 3600;

/// Makes keys.
pub(super) struct Mint {
    seed: [u8; 16],
    ring: KeyRing,
    count: AtomicU64,
}

/// A key as it is handed out.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) since: i64,
    pub(super) until: i64,
}

impl Mint {
    pub(super) fn new(seed: [u8; 16], ring: KeyRing) -> Self {
        Self { seed, ring, count: AtomicU64::new(0) }
    }

    /// Issues a key of a role's session; it works wherever the ring is asked.
    pub(super) fn issue(
        &self,
        role: String,
        permissions: Permissions,
        now: i64,
        lifetime: i64,
    ) -> Issued {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let token: Vec<u8> =
            (0..TOKEN_BLOCKS).flat_map(|at| self.block(b't', number, at)).collect();
        let issued = Issued {
            id: format!("STS.{}", letters(&self.block(b'i', number, 0)[..25])),
            secret: letters(
                &[self.block(b's', number, 0), self.block(b's', number, 1)].concat()[..44],
            ),
            token: format!("CAIS{}", STANDARD.encode(token)),
            since: now,
            until: now.saturating_add(lifetime),
        };
        self.ring.forget(now.saturating_sub(MEMORY));
        self.ring.add(AccessKey {
            security_token: Some(issued.token.clone()),
            expires_at: Some(issued.until),
            permissions: Some(permissions),
            holder: Holder::Role(role),
            ..AccessKey::new(&issued.id, &issued.secret)
        });
        issued
    }

    /// Makes an opaque text that nobody can guess without the seed: a metadata token.
    pub(super) fn opaque(&self) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        STANDARD.encode(self.block(b'm', number, 0))
    }

    /// Makes the next request's id, in the shape of a UUID.
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

    /// Makes the number that stands for a role in `AssumedRoleId`.
    pub(super) fn role_id(&self, role: &str) -> u64 {
        let digest = Sha256::digest([&self.seed, role.as_bytes()].concat());
        let number = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        // Real ones have eighteen digits and begin with a three.
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

    fn issue(mint: &Mint) -> Issued {
        mint.issue("role".to_owned(), Permissions::default(), 10, 900)
    }

    #[test]
    fn keys_have_the_real_shape_differ_and_come_from_the_seed_alone() {
        let mint = || Mint::new([7; 16], KeyRing::default());
        let first = mint();
        let (one, two, again) = (issue(&first), issue(&first), issue(&mint()));
        assert!(one.id.starts_with("STS.") && one.id.len() == 29, "{}", one.id);
        assert!(one.token.starts_with("CAIS") && one.token.len() > 500);
        assert_eq!((one.secret.len(), one.until), (44, 910));
        assert!(one.id != two.id && one.secret != two.secret && one.token != two.token);
        assert_eq!((one.id, one.secret, one.token), (again.id, again.secret, again.token));
    }

    #[test]
    fn an_issued_key_hangs_on_the_ring_until_a_day_after_its_end() {
        let ring = KeyRing::default();
        let mint = Mint::new([7; 16], ring.clone());
        let key = issue(&mint);
        assert_eq!(ring.all()[0].id, key.id);
        mint.issue("role".to_owned(), Permissions::default(), 910 + MEMORY, 900);
        assert_eq!(ring.all().len(), 2);
        mint.issue("role".to_owned(), Permissions::default(), 911 + MEMORY, 900);
        assert!(ring.all().iter().all(|kept| kept.id != key.id));
    }

    #[test]
    fn a_request_id_looks_like_a_uuid() {
        let mint = Mint::new([7; 16], KeyRing::default());
        let lengths: Vec<usize> = mint.request_id().split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }
}
