//! Public keys in PEM of the kinds that sign tokens.

use crate::auth::jwt::key::{InvalidKey, Key, Material};
use crate::crypto::spki;

/// What stands before a point on P-256: the lengths, and the names of the kind and of the curve.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// What stands before a point on Curve25519.
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Reads the blocks of a text, one after the other.
pub(super) fn read(text: &str) -> Result<Vec<Key>, InvalidKey> {
    if text.contains("PRIVATE KEY-----") {
        return Err(InvalidKey::Private);
    }
    let blocks = spki::blocks(text).ok_or(InvalidKey::Unreadable)?.into_iter().map(|der| {
        let material = material(&der).ok_or(InvalidKey::Unsupported)?;
        Key::public(None, material).ok_or(InvalidKey::Unsupported)
    });
    let keys = blocks.collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(InvalidKey::Unreadable) } else { Ok(keys) }
}

fn material(der: &[u8]) -> Option<Material> {
    if let Some(point) = der.strip_prefix(&P256) {
        return point.try_into().ok().map(Material::P256);
    }
    if let Some(point) = der.strip_prefix(&ED25519) {
        return point.try_into().ok().map(Material::Ed25519);
    }
    let (n, e) = spki::rsa(der)?;
    Some(Material::Rsa { n: n.to_vec(), e: e.to_vec() })
}
