//! Public keys in PEM, as `openssl pkey -pubout` writes them (RFC 5280's subject public key).
//!
//! DER has one way to write each of these keys, so what stands around the key itself is compared
//! byte for byte; nothing has to be understood that is not wanted.

use crate::crypto;
use crate::identity::jwt::key::InvalidKey;
use crate::identity::jwt::key::Key;
use crate::identity::jwt::key::Material;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// What stands before a point on P-256: the lengths, and the names of the kind and of the curve.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// What stands before a point on Curve25519.
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The name of RSA, with the nothing that stands behind it.
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Reads the blocks of a text, one after the other; what stands between them does not matter.
pub(super) fn read(text: &str) -> Result<Vec<Key>, InvalidKey> {
    if text.contains("PRIVATE KEY-----") {
        return Err(InvalidKey::Private);
    }
    let blocks = text.split(BEGIN).skip(1).map(|block| {
        let (block, _) = block.split_once(END).ok_or(InvalidKey::Unreadable)?;
        let block: String = block.split_ascii_whitespace().collect();
        let der = crypto::from_base64(&block).ok_or(InvalidKey::Unreadable)?;
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
    let (inside, []) = element(der, SEQUENCE)? else { return None };
    let (bits, []) = element(inside.strip_prefix(&RSA)?, BIT_STRING)? else { return None };
    let (numbers, []) = element(bits.strip_prefix(&[0])?, SEQUENCE)? else { return None };
    let (n, rest) = element(numbers, INTEGER)?;
    let (e, []) = element(rest, INTEGER)? else { return None };
    // A byte of zeros keeps a number positive.
    let n = n.strip_prefix(&[0]).unwrap_or(n);
    Some(Material::Rsa { n: n.to_vec(), e: e.to_vec() })
}

/// Parts an element of this kind from what stands behind it.
fn element(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match *der {
        [first, 0x82, high, low, ..] if first == kind => {
            (usize::from(high) << 8 | usize::from(low), &der[4..])
        }
        [first, 0x81, low, ..] if first == kind => (usize::from(low), &der[3..]),
        [first, short, ..] if first == kind && short < 0x80 => (usize::from(short), &der[2..]),
        _ => return None,
    };
    rest.split_at_checked(length)
}
