//! Public keys in PEM, as `openssl pkey -pubout` writes them (the subject public key of RFC 5280).
//!
//! DER has exactly one encoding of a key, so the bytes around the key itself are compared instead of
//! parsed.

use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

/// The algorithm identifier of RSA, with its NULL parameters.
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Reads every `PUBLIC KEY` block of a text, in order, as DER; text between the blocks is ignored.
/// Returns `None` if a block cannot be read.
#[must_use]
pub fn blocks(text: &str) -> Option<Vec<Vec<u8>>> {
    SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .map(|block| block.ok().map(|der| der.to_vec()))
        .collect()
}

/// Returns modulus and exponent of an RSA key, big-endian, the modulus without leading zeros.
#[must_use]
pub fn rsa(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, []) = element(der, SEQUENCE)? else { return None };
    let (bits, []) = element(inside.strip_prefix(&RSA)?, BIT_STRING)? else { return None };
    let (numbers, []) = element(bits.strip_prefix(&[0])?, SEQUENCE)? else { return None };
    let (n, rest) = element(numbers, INTEGER)?;
    let (e, []) = element(rest, INTEGER)? else { return None };
    // DER puts a zero byte before a number whose highest bit is set.
    Some((n.strip_prefix(&[0]).unwrap_or(n), e))
}

/// Splits a DER element of this kind into its content and the bytes after it.
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
