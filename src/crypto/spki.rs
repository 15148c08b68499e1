//! Public keys in PEM, as `openssl pkey -pubout` writes them (RFC 5280's subject public key).
//!
//! DER has one way to write a key, so what stands around the key itself is compared byte for byte;
//! nothing has to be understood that is not wanted.

use crate::crypto;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// The name of RSA, with the nothing that stands behind it.
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Reads the blocks of a text, one after the other, as DER; what stands between them does not matter.
/// A text with a block that cannot be read is none.
#[must_use]
pub fn blocks(text: &str) -> Option<Vec<Vec<u8>>> {
    let blocks = text.split(BEGIN).skip(1).map(|block| {
        let (block, _) = block.split_once(END)?;
        let block: String = block.split_ascii_whitespace().collect();
        crypto::from_base64(&block)
    });
    blocks.collect()
}

/// Reads modulus and exponent of an RSA key, without zeros in front of the modulus.
#[must_use]
pub fn rsa(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, []) = element(der, SEQUENCE)? else { return None };
    let (bits, []) = element(inside.strip_prefix(&RSA)?, BIT_STRING)? else { return None };
    let (numbers, []) = element(bits.strip_prefix(&[0])?, SEQUENCE)? else { return None };
    let (n, rest) = element(numbers, INTEGER)?;
    let (e, []) = element(rest, INTEGER)? else { return None };
    // A byte of zeros keeps a number positive.
    Some((n.strip_prefix(&[0]).unwrap_or(n), e))
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
