//! Public keys: PEM and its content, and the verification of RSA signatures with MD5.
//!
//! OSS signs its callbacks with RSASSA-PKCS1-v1_5 and MD5 (RFC 8017), which other libraries no longer verify for
//! its 512-bit key. Verification uses no secret, so its duration reveals nothing. The padding is not parsed: the
//! expected block is built and compared as a whole, so a forged signature cannot hide bytes in it.
//!
//! Keys are in PEM, as `openssl pkey -pubout` writes them (`SubjectPublicKeyInfo` of RFC 5280). DER has exactly one
//! encoding of a key, so the bytes around it are compared and not parsed.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crypto_bigint::{NonZero, U4096};
use md5::{Digest, Md5};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

/// The algorithm identifier of RSA, with its NULL parameters.
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Parses every `PUBLIC KEY` block of a PEM text, in order, as DER. Text between the blocks is ignored. Returns
/// `None` if a block is malformed.
#[must_use]
pub fn pem_blocks(text: &str) -> Option<Vec<Vec<u8>>> {
    SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .map(|block| block.ok().map(|der| der.to_vec()))
        .collect()
}

/// Returns modulus and exponent of an RSA key, big-endian; the modulus has no leading zeros.
#[must_use]
pub fn rsa_components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, []) = element(der, SEQUENCE)? else { return None };
    let (bits, []) = element(inside.strip_prefix(&RSA_ALGORITHM)?, BIT_STRING)? else {
        return None;
    };
    let (numbers, []) = element(bits.strip_prefix(&[0])?, SEQUENCE)? else { return None };
    let (n, rest) = element(numbers, INTEGER)?;
    let (e, []) = element(rest, INTEGER)? else { return None };
    // DER puts a zero byte before a number whose highest bit is set.
    Some((n.strip_prefix(&[0]).unwrap_or(n), e))
}

/// Splits a DER element with the tag `kind` into its content and the bytes after it.
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

/// The largest modulus in bytes.
const WIDTH: usize = 512;

/// The allowed length of a modulus in bytes. It begins at 512 bits, the length of OSS's key.
const KEY_BYTES: RangeInclusive<usize> = 64..=WIDTH;

/// The public exponent 65537, which is that of every modern key.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// The number of squarings in the exponentiation by 65537.
const SQUARINGS: u32 = 16;

/// The DER encoding before an MD5 hash in a signature: lengths, and the id of the hash.
const MD5_INFO: [u8; 18] = [
    0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00,
    0x04, 0x10,
];

/// An RSA public key. A clone shares its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    modulus: Arc<[u8]>,
}

impl RsaPublicKey {
    /// Returns a key, unless modulus or exponent are not allowed. The modulus has no leading zeros.
    #[must_use]
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let is_key = KEY_BYTES.contains(&modulus.len())
            && modulus.first().is_some_and(|first| *first != 0)
            && modulus.last().is_some_and(|last| last % 2 == 1);
        (is_key && exponent == EXPONENT).then(|| Self { modulus: modulus.into() })
    }

    /// Returns whether `signature` is this key's signature of the MD5 hash of `message`.
    #[must_use]
    pub fn verify_md5(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == self.modulus.len()
            && self.unpack(signature) == Some(block(message, self.modulus.len()))
    }

    /// Raises a number to the exponent. Returns `None` if it is not below the modulus.
    fn unpack(&self, signature: &[u8]) -> Option<[u8; WIDTH]> {
        let modulus = NonZero::new(number(&self.modulus)).into_option()?;
        let signature = number(signature);
        if signature >= *modulus {
            return None;
        }
        // A separate function for squaring would be faster, but makes the binary larger.
        let times = |power: U4096, factor: &U4096| power.mul_mod_vartime(factor, &modulus);
        let squared = (0..SQUARINGS).fold(signature, |power, _| times(power, &power));
        times(squared, &signature).to_be_bytes().as_ref().try_into().ok()
    }
}

/// Returns the padded block that a genuine signature of `message` decrypts to, for a key of `length` bytes.
fn block(message: &[u8], length: usize) -> [u8; WIDTH] {
    let hash = Md5::digest(message);
    let mut block = [0; WIDTH];
    let (rest, end) = block.split_at_mut(WIDTH - hash.len());
    end.copy_from_slice(&hash);
    let (rest, end) = rest.split_at_mut(rest.len() - MD5_INFO.len());
    end.copy_from_slice(&MD5_INFO);
    // The bytes before the hash: 0x00 0x01, then 0xff up to the last one, which is 0x00.
    let start = WIDTH - length;
    rest[start + 1] = 1;
    let ones = start + 2..rest.len() - 1;
    rest[ones].fill(0xff);
    block
}

fn number(bytes: &[u8]) -> U4096 {
    let mut wide = [0; WIDTH];
    wide[WIDTH - bytes.len()..].copy_from_slice(bytes);
    U4096::from_be_slice(&wide)
}
