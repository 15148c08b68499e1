//! Keys that verify tokens, from PEM or from a JSON key set.
//!
//! The kind of a key determines its algorithm, so a token cannot choose it: an RSA key never verifies an HMAC, and
//! `none` is never accepted.

use std::fmt;

use ring::signature;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use crate::crypto;
use crate::crypto::public_key;
use crate::secret::Secret;

/// The shortest shared secret in bytes: the length of the HMAC.
pub const MIN_SECRET_LENGTH: usize = 32;

/// The allowed length of an RSA modulus in bytes: 2048 to 8192 bits. Shorter keys can be broken, longer ones are
/// slow.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The signature algorithm of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSA (PKCS #1 v1.5) with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// `EdDSA` on Curve25519.
    EdDsa,
}

impl JwtAlgorithm {
    /// Parses the name in tokens and key sets. Returns `None` for algorithms that are not supported.
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

/// A key that verifies tokens.
#[derive(Clone)]
pub struct VerificationKey {
    /// The id by which tokens name the key.
    pub id: Option<String>,
    material: KeyMaterial,
}

/// The content of a key.
#[derive(Clone)]
pub(super) enum KeyMaterial {
    /// A secret that the issuer and this function share.
    Shared(Secret),
    /// Modulus and exponent of an RSA key.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point on P-256, uncompressed.
    P256([u8; 65]),
    /// A point on Curve25519.
    Ed25519([u8; 32]),
}

/// A key may be a secret, so only its id and its algorithm are shown.
impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// The reason why a text contains no usable key. It contains no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidVerificationKey {
    /// The secret is too short.
    ShortSecret,
    /// The text is neither PEM nor a JSON key set.
    Unreadable,
    /// The text is a private key.
    Private,
    /// The key has an unsupported kind or size.
    Unsupported,
}

impl fmt::Display for InvalidVerificationKey {
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

impl std::error::Error for InvalidVerificationKey {}

impl VerificationKey {
    /// Takes a secret that is shared with the issuer, for HS256.
    pub fn shared(secret: &str) -> Result<Self, InvalidVerificationKey> {
        if secret.len() < MIN_SECRET_LENGTH {
            return Err(InvalidVerificationKey::ShortSecret);
        }
        Ok(Self { id: None, material: KeyMaterial::Shared(Secret::new(secret)) })
    }

    /// Parses public keys: PEM blocks, or a JSON key set.
    pub fn read_public(text: &str) -> Result<Vec<Self>, InvalidVerificationKey> {
        // Environment variables are often written on one line.
        let text = text.replace("\\n", "\n");
        let text = text.trim();
        if !text.starts_with('{') {
            return read_pem(text);
        }
        match read_set(text.as_bytes()) {
            None => Err(InvalidVerificationKey::Unreadable),
            Some(keys) if keys.is_empty() => Err(InvalidVerificationKey::Unsupported),
            Some(keys) => Ok(keys),
        }
    }

    /// Returns a public key, unless its size is not allowed.
    pub(super) fn public(id: Option<String>, material: KeyMaterial) -> Option<Self> {
        let is_allowed = match &material {
            KeyMaterial::Shared(_) => false,
            KeyMaterial::Rsa { n, .. } => RSA_BYTES.contains(&n.len()),
            KeyMaterial::P256(_) | KeyMaterial::Ed25519(_) => true,
        };
        is_allowed.then_some(Self { id, material })
    }

    /// Returns the only algorithm that this key verifies.
    #[must_use]
    pub fn algorithm(&self) -> JwtAlgorithm {
        match self.material {
            KeyMaterial::Shared(_) => JwtAlgorithm::Hs256,
            KeyMaterial::Rsa { .. } => JwtAlgorithm::Rs256,
            KeyMaterial::P256(_) => JwtAlgorithm::Es256,
            KeyMaterial::Ed25519(_) => JwtAlgorithm::EdDsa,
        }
    }

    /// Returns whether `code` is this key's signature of `message`.
    pub(super) fn verifies(&self, message: &[u8], code: &[u8]) -> bool {
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, code).is_ok()
        };
        match &self.material {
            KeyMaterial::Shared(secret) => {
                crypto::verify_hmac_sha256(secret.expose().as_bytes(), message, code)
            }
            KeyMaterial::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, code)
                .is_ok(),
            KeyMaterial::P256(point) => with(&signature::ECDSA_P256_SHA256_FIXED, point),
            KeyMaterial::Ed25519(point) => with(&signature::ED25519, point),
        }
    }
}

/// The largest number of keys in a set.
const MAX_KEYS: usize = 100;

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Parses a JSON key set (RFC 7517). Returns `None` for other texts and for a set that is too large. Keys of other
/// kinds or for other uses are left out, and so are shared secrets: a key set is public.
pub(super) fn read_set(text: &[u8]) -> Option<Vec<VerificationKey>> {
    let KeySet { keys } = serde_json::from_slice(text).ok()?;
    (keys.len() <= MAX_KEYS).then(|| keys.iter().filter_map(read_jwk).collect())
}

fn read_jwk(jwk: &Value) -> Option<VerificationKey> {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| crypto::from_base64_url(member(name)?);
    let material = match (member("kty")?, member("crv")) {
        ("RSA", _) => KeyMaterial::Rsa { n: without_leading_zeros(bytes("n")?), e: bytes("e")? },
        ("EC", Some("P-256")) => {
            let point = [vec![4], bytes("x")?, bytes("y")?].concat();
            KeyMaterial::P256(point.try_into().ok()?)
        }
        ("OKP", Some("Ed25519")) => KeyMaterial::Ed25519(bytes("x")?.try_into().ok()?),
        _ => return None,
    };
    let key = VerificationKey::public(member("kid").map(str::to_owned), material)?;
    let for_signatures = member("use").is_none_or(|key_use| key_use == "sig");
    let for_this =
        member("alg").is_none_or(|name| JwtAlgorithm::parse(name) == Some(key.algorithm()));
    let verifies = jwk.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
    });
    (for_signatures && for_this && verifies).then_some(key)
}

/// Removes leading zeros. Some issuers write the modulus with the sign byte of its DER encoding.
fn without_leading_zeros(bytes: Vec<u8>) -> Vec<u8> {
    match bytes.iter().position(|byte| *byte != 0) {
        None | Some(0) => bytes,
        Some(first) => bytes[first..].to_vec(),
    }
}

/// The DER encoding before a point on P-256: lengths, and the ids of the algorithm and of the curve.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The DER encoding before a point on Curve25519.
const ED25519_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Parses the PEM blocks of a text, in order.
fn read_pem(text: &str) -> Result<Vec<VerificationKey>, InvalidVerificationKey> {
    if text.contains("PRIVATE KEY-----") {
        return Err(InvalidVerificationKey::Private);
    }
    let blocks = public_key::pem_blocks(text)
        .ok_or(InvalidVerificationKey::Unreadable)?
        .into_iter()
        .map(|der| {
            let material = material(&der).ok_or(InvalidVerificationKey::Unsupported)?;
            VerificationKey::public(None, material).ok_or(InvalidVerificationKey::Unsupported)
        });
    let keys = blocks.collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(InvalidVerificationKey::Unreadable) } else { Ok(keys) }
}

fn material(der: &[u8]) -> Option<KeyMaterial> {
    if let Some(point) = der.strip_prefix(&P256_PREFIX) {
        return point.try_into().ok().map(KeyMaterial::P256);
    }
    if let Some(point) = der.strip_prefix(&ED25519_PREFIX) {
        return point.try_into().ok().map(KeyMaterial::Ed25519);
    }
    let (n, e) = public_key::rsa_components(der)?;
    Some(KeyMaterial::Rsa { n: n.to_vec(), e: e.to_vec() })
}
