//! The key that signs callbacks, and where its public half is found.
//!
//! Callback page: RSA PKCS#1 v1.5 over MD5. The real public key has 512 bits, so has this one: a
//! verifier that takes no such key would fail in the cloud. It proves nothing to anybody but this
//! machine. It comes from a seed, is made when it is first used, and is never written down.

use std::convert::Infallible;
use std::fmt;
use std::fmt::Display;

use md5::Digest;
use md5::Md5;
use rsa::Pkcs1v15Sign;
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::pkcs8::LineEnding;
use rsa::rand_core::TryCryptoRng;
use rsa::rand_core::TryRng;
use sha2::Sha256;
use tokio::sync::OnceCell;

/// As many as the real key has.
const BITS: usize = 512;

/// Where the public key lies, among the objects. Whoever trusts keys by the beginning of their
/// address trusts all that lies here, so no object may.
const FOLDER: &str = "-/";

/// The documented name, since verifiers may take no other.
const NAME: &str = "callback_pub_key_v1.pem";

/// Returns what the address of the public key begins with, as a verifier is to trust it, for a local
/// OSS that is found at this host and port.
pub fn prefix(authority: impl Display) -> String {
    format!("http://{authority}/{FOLDER}")
}

/// Returns the address of the public key.
pub fn url(authority: impl Display) -> String {
    prefix(authority) + NAME
}

/// Says whether a path is that of the public key.
pub(in crate::oss) fn is_asked_for(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.strip_prefix(FOLDER)) == Some(NAME)
}

/// Says whether an object would lie where only the public key does.
pub(in crate::oss) fn is_reserved(object: &str) -> bool {
    object.starts_with(FOLDER)
}

/// Makes the key when it is first asked for.
pub(in crate::oss) struct KeyMaker {
    seed: [u8; 16],
    made: OnceCell<Key>,
}

/// A key that is made.
pub(in crate::oss) struct Key {
    private: RsaPrivateKey,
    /// The public half.
    pub(in crate::oss) pem: String,
}

impl KeyMaker {
    pub(in crate::oss) fn new(seed: [u8; 16]) -> Self {
        Self { seed, made: OnceCell::new() }
    }

    /// Returns the key; who comes while it is being made waits.
    pub(in crate::oss) async fn get(&self) -> Result<&Key, String> {
        let seed = self.seed;
        let make = || async move {
            let made = tokio::task::spawn_blocking(move || Key::make(seed)).await;
            made.map_err(|error| error.to_string())?
        };
        self.made.get_or_try_init(make).await
    }
}

impl Key {
    fn make(seed: [u8; 16]) -> Result<Self, String> {
        let mut dice = Dice { seed, throws: 0 };
        let private = RsaPrivateKey::new_unchecked(&mut dice, BITS);
        let private = private.map_err(|error| error.to_string())?;
        let pem = private.to_public_key().to_public_key_pem(LineEnding::LF);
        Ok(Self { pem: pem.map_err(|error| error.to_string())?, private })
    }

    /// Signs a text.
    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.private.sign(Pkcs1v15Sign::new::<Md5>(), &Md5::digest(text));
        signature.map_err(|error| error.to_string())
    }
}

/// Shows nothing of the key: not even its seed, of which it is made.
impl fmt::Debug for KeyMaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyMaker").finish_non_exhaustive()
    }
}

/// Throws as the seed wills: SHA-256 of the seed and of how often was thrown.
struct Dice {
    seed: [u8; 16],
    throws: u64,
}

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for some in bytes.chunks_mut(32) {
            let thrown = Sha256::new()
                .chain_update(self.seed)
                .chain_update(self.throws.to_be_bytes())
                .finalize();
            some.copy_from_slice(&thrown[..some.len()]);
            self.throws = self.throws.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_one_key_and_another_seed_another() {
        let pem = |seed| Key::make([seed; 16]).unwrap().pem;
        assert_eq!(pem(1), pem(1));
        assert_ne!(pem(1), pem(2));
        // The bytes of an RSA key of 512 bits with the exponent 65537 begin like this.
        assert!(
            pem(1).starts_with("-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBA")
        );
    }

    #[tokio::test]
    async fn who_comes_first_has_it_made_and_debug_is_silent() {
        let maker = KeyMaker::new([0xab; 16]);
        let (first, second) = tokio::join!(maker.get(), maker.get());
        assert!(std::ptr::eq(first.unwrap(), second.unwrap()));
        assert_eq!(format!("{maker:?}"), "KeyMaker { .. }");
    }

    #[test]
    fn the_key_lies_where_no_object_may() {
        let address = url("127.0.0.1:9100");
        let path = address.strip_prefix("http://127.0.0.1:9100").unwrap();
        assert!(is_asked_for(path) && is_reserved(&path[1..]));
        assert!(address.starts_with(&prefix("127.0.0.1:9100")));
        for other in
            ["", "/", "/callback_pub_key_v1.pem", "/-/", "/-/x", "//-/callback_pub_key_v1.pem"]
        {
            assert!(!is_asked_for(other), "{other}");
        }
        assert!(!is_reserved("-"));
    }
}
