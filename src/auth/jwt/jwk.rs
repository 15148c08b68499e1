//! Keys as issuers publish them: a JSON key set (RFC 7517).
//!
//! Keys of other kinds or for other uses are left out, as is a shared secret: who can write the set
//! must not be able to bring a secret that everybody can read.

use serde::Deserialize;
use serde_json::Value;

use crate::auth::jwt::key::{Algorithm, Key, Material};
use crate::crypto;

/// The most keys that a set may have.
const MAX_KEYS: usize = 100;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// Reads a key set; what is none, or is far too long, is none.
pub(super) fn read_set(text: &[u8]) -> Option<Vec<Key>> {
    let Set { keys } = serde_json::from_slice(text).ok()?;
    (keys.len() <= MAX_KEYS).then(|| keys.iter().filter_map(read).collect())
}

fn read(written: &Value) -> Option<Key> {
    let member = |name: &str| written.get(name).and_then(Value::as_str);
    let bytes = |name: &str| crypto::from_base64_url(member(name)?);
    let material = match (member("kty")?, member("crv")) {
        ("RSA", _) => Material::Rsa { n: without_zeros(bytes("n")?), e: bytes("e")? },
        ("EC", Some("P-256")) => {
            let point = [vec![4], bytes("x")?, bytes("y")?].concat();
            Material::P256(point.try_into().ok()?)
        }
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?.try_into().ok()?),
        _ => return None,
    };
    let key = Key::public(member("kid").map(str::to_owned), material)?;
    let for_signatures = member("use").is_none_or(|key_use| key_use == "sig");
    let for_this = member("alg").is_none_or(|name| Algorithm::parse(name) == Some(key.algorithm()));
    let verifies = written.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
    });
    (for_signatures && for_this && verifies).then_some(key)
}

/// Some issuers write a modulus with the sign byte of its DER form, which counts for nothing.
fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    match bytes.iter().position(|byte| *byte != 0) {
        None | Some(0) => bytes,
        Some(first) => bytes[first..].to_vec(),
    }
}
