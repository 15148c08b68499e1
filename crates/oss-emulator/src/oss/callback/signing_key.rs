//! The key that signs callbacks, and the address of its public half.
//!
//! Callback page: RSA PKCS#1 v1.5 over MD5. The real public key has 512 bits, and so has this one:
//! a verifier that rejects such keys would fail in the cloud. The key is generated from a seed when
//! it is first used, and is never written to disk.

use std::convert::Infallible;
use std::fmt;
use std::fmt::Display;

use md5::{Digest, Md5};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::{Pkcs1v15Sign, PrivateKey};
use sha2::Sha256;
use tokio::sync::OnceCell;

/// The size of the real key.
const BITS: usize = 512;

/// The folder of the public key, in the key space of objects. A verifier that trusts an address
/// prefix trusts everything in this folder, so no object may be stored there.
const FOLDER: &str = "-/";

/// The documented name; verifiers may reject any other.
const NAME: &str = "callback_pub_key_v1.pem";

/// Returns the address prefix that a verifier should trust, for a local OSS at this host and port.
pub fn prefix(authority: impl Display) -> String {
    format!("http://{authority}/{FOLDER}")
}

/// Returns the address of the public key.
pub fn url(authority: impl Display) -> String {
    prefix(authority) + NAME
}

/// Returns whether a path is that of the public key.
pub(in crate::oss) fn is_key_path(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.strip_prefix(FOLDER)) == Some(NAME)
}

/// Returns whether an object key is in the folder that is reserved for the public key.
pub(in crate::oss) fn is_reserved(object: &str) -> bool {
    object.starts_with(FOLDER)
}

/// Generates the key at the first use.
pub(in crate::oss) struct LazyCallbackKey {
    seed: [u8; 16],
    key: OnceCell<CallbackKey>,
}

/// A generated key.
pub(in crate::oss) struct CallbackKey {
    private: PrivateKey,
    /// The public half in PEM.
    pub(in crate::oss) pem: String,
}

impl LazyCallbackKey {
    pub(in crate::oss) fn new(seed: [u8; 16]) -> Self {
        Self { seed, key: OnceCell::new() }
    }

    /// Returns the key. Callers wait while it is being generated.
    pub(in crate::oss) async fn get(&self) -> Result<&CallbackKey, String> {
        let seed = self.seed;
        let make = || async move {
            let made = tokio::task::spawn_blocking(move || CallbackKey::generate(seed)).await;
            made.map_err(|error| error.to_string())?
        };
        self.key.get_or_try_init(make).await
    }
}

impl CallbackKey {
    fn generate(seed: [u8; 16]) -> Result<Self, String> {
        let mut rng = SeededRng { seed, counter: 0 };
        let private = PrivateKey::new_unchecked(&mut rng, BITS);
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

/// Prints neither the key nor its seed.
impl fmt::Debug for LazyCallbackKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyMaker").finish_non_exhaustive()
    }
}

/// A deterministic random number generator: SHA-256 of the seed and a counter.
struct SeededRng {
    seed: [u8; 16],
    counter: u64,
}

impl TryRng for SeededRng {
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
            let block = Sha256::new()
                .chain_update(self.seed)
                .chain_update(self.counter.to_be_bytes())
                .finalize();
            some.copy_from_slice(&block[..some.len()]);
            self.counter = self.counter.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_gives_its_own_key() {
        let pem = |seed| CallbackKey::generate([seed; 16]).unwrap().pem;
        assert_eq!(pem(1), pem(1));
        assert_ne!(pem(1), pem(2));
        // The DER of a 512-bit RSA key with the exponent 65537 begins like this.
        assert!(
            pem(1).starts_with("-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBA")
        );
    }

    #[tokio::test]
    async fn the_key_is_generated_once_and_not_in_debug_output() {
        let maker = LazyCallbackKey::new([0xab; 16]);
        let (first, second) = tokio::join!(maker.get(), maker.get());
        assert!(std::ptr::eq(first.unwrap(), second.unwrap()));
        assert_eq!(format!("{maker:?}"), "KeyMaker { .. }");
    }

    #[test]
    fn the_key_is_in_a_folder_reserved_for_it() {
        let address = url("127.0.0.1:9100");
        let path = address.strip_prefix("http://127.0.0.1:9100").unwrap();
        assert!(is_key_path(path) && is_reserved(&path[1..]));
        assert!(address.starts_with(&prefix("127.0.0.1:9100")));
        for other in
            ["", "/", "/callback_pub_key_v1.pem", "/-/", "/-/x", "//-/callback_pub_key_v1.pem"]
        {
            assert!(!is_key_path(other), "{other}");
        }
        assert!(!is_reserved("-"));
    }
}
