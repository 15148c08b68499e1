//! Keys that verify tokens. The kind of a key decides the algorithm, so the token cannot: there is no
//! way to say that an RSA key verifies an HMAC, or that nothing verifies `none`.

use std::fmt;

use ring::signature;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

use crate::auth::jwt::{jwk, pem};
use crate::crypto;
use crate::secret::Secret;

/// The shortest shared secret, in bytes: as long as what it signs with.
pub const MIN_SECRET_LENGTH: usize = 32;

/// RSA keys from 2048 to 8192 bits; shorter ones can be broken, longer ones cost too much.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSA (PKCS #1 v1.5) with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// `EdDSA` on Curve25519.
    EdDsa,
}

impl Algorithm {
    /// Reads the name that tokens and key sets use; what is not taken here is none.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// One key.
#[derive(Clone)]
pub struct Key {
    /// The name that tokens call it by.
    pub id: Option<String>,
    material: Material,
}

/// What a key is made of.
#[derive(Clone)]
pub(super) enum Material {
    /// A secret that issuer and function share.
    Shared(Secret),
    /// Modulus and exponent.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point on P-256, uncompressed.
    P256([u8; 65]),
    /// A point on Curve25519.
    Ed25519([u8; 32]),
}

/// A key may be a secret, so only its name and algorithm show.
impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// Says why a text holds no key. Shows none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidKey {
    /// The secret is too short to be one.
    ShortSecret,
    /// It is neither PEM nor a JSON key set.
    Unreadable,
    /// It is a private key, which has no business here.
    Private,
    /// It is a key of another kind or size.
    Unsupported,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ShortSecret => "a secret for HS256 has at least 32 bytes",
            Self::Unreadable => "it is neither a public key in PEM nor a JSON key set",
            Self::Private => "it is a private key; only its public half belongs here",
            Self::Unsupported => {
                "keys are RSA from 2048 to 8192 bits, P-256 or Ed25519, made for signatures"
            }
        })
    }
}

impl std::error::Error for InvalidKey {}

impl Key {
    /// Takes a secret that is shared with the issuer, for HS256.
    pub fn shared(secret: &str) -> Result<Self, InvalidKey> {
        if secret.len() < MIN_SECRET_LENGTH {
            return Err(InvalidKey::ShortSecret);
        }
        Ok(Self { id: None, material: Material::Shared(Secret::new(secret)) })
    }

    /// Reads public keys: PEM blocks, one after the other, or a JSON key set.
    pub fn read_public(text: &str) -> Result<Vec<Self>, InvalidKey> {
        // Variables are often written on one line.
        let text = text.replace("\\n", "\n");
        let text = text.trim();
        if !text.starts_with('{') {
            return pem::read(text);
        }
        match jwk::read_set(text.as_bytes()) {
            None => Err(InvalidKey::Unreadable),
            Some(keys) if keys.is_empty() => Err(InvalidKey::Unsupported),
            Some(keys) => Ok(keys),
        }
    }

    /// Takes a public key, unless it is of a size that is not taken.
    pub(super) fn public(id: Option<String>, material: Material) -> Option<Self> {
        let fits = match &material {
            Material::Shared(_) => false,
            Material::Rsa { n, .. } => RSA_BYTES.contains(&n.len()),
            Material::P256(_) | Material::Ed25519(_) => true,
        };
        fits.then_some(Self { id, material })
    }

    /// Gives the one algorithm that this key verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Shared(_) => Algorithm::Hs256,
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Tells whether `code` is this key's signature of `message`.
    pub(super) fn verifies(&self, message: &[u8], code: &[u8]) -> bool {
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, code).is_ok()
        };
        match &self.material {
            Material::Shared(secret) => {
                crypto::hmac_sha256_is(secret.expose().as_bytes(), message, code)
            }
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, code)
                .is_ok(),
            Material::P256(point) => with(&signature::ECDSA_P256_SHA256_FIXED, point),
            Material::Ed25519(point) => with(&signature::ED25519, point),
        }
    }
}
