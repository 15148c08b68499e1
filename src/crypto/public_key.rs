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

/// Reads every `PUBLIC KEY` block of a text, in order, as DER; text between the blocks is ignored.
/// Returns `None` if a block cannot be read.
#[must_use]
pub fn pem_blocks(text: &str) -> Option<Vec<Vec<u8>>> {
    SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .map(|block| block.ok().map(|der| der.to_vec()))
        .collect()
}

/// Returns modulus and exponent of an RSA key, big-endian, the modulus without leading zeros.
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

/// Bytes of the largest number that is computed with.
const WIDTH: usize = 512;

/// Keys from 512 bits, since the one that OSS has signed with for years is that short, up to what is
/// computed with.
const KEY_BYTES: RangeInclusive<usize> = 64..=WIDTH;

/// The exponent of every key that is made today.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// How often a number is squared to raise it to that exponent but for the last factor.
const SQUARINGS: u32 = 16;

/// What stands before an MD5 hash in a signature: the lengths, and the name of the hash.
const MD5_INFO: [u8; 18] = [
    0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00,
    0x04, 0x10,
];

/// The public half of a key. A clone shares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    modulus: Arc<[u8]>,
}

impl RsaPublicKey {
    /// Takes a modulus without zeros in front and an exponent, unless they are of a size that is not
    /// taken.
    #[must_use]
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let is_key = KEY_BYTES.contains(&modulus.len())
            && modulus.first().is_some_and(|first| *first != 0)
            && modulus.last().is_some_and(|last| last % 2 == 1);
        (is_key && exponent == EXPONENT).then(|| Self { modulus: modulus.into() })
    }

    /// Tells whether `signature` is this key's of the MD5 of `message`.
    #[must_use]
    pub fn verify_md5(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == self.modulus.len()
            && self.unpack(signature) == Some(block(message, self.modulus.len()))
    }

    /// Raises a number to the exponent; one that is not below the modulus is no signature.
    fn unpack(&self, signature: &[u8]) -> Option<[u8; WIDTH]> {
        let modulus = NonZero::new(number(&self.modulus)).into_option()?;
        let signature = number(signature);
        if signature >= *modulus {
            return None;
        }
        // Squaring has a function of its own, which is not worth its bytes here.
        let times = |power: U4096, factor: &U4096| power.mul_mod_vartime(factor, &modulus);
        let squared = (0..SQUARINGS).fold(signature, |power, _| times(power, &power));
        times(squared, &signature).to_be_bytes().as_ref().try_into().ok()
    }
}

/// Writes what a signature of `message` unpacks to under a key of `length` bytes.
fn block(message: &[u8], length: usize) -> [u8; WIDTH] {
    let hash = Md5::digest(message);
    let mut block = [0; WIDTH];
    let (rest, end) = block.split_at_mut(WIDTH - hash.len());
    end.copy_from_slice(&hash);
    let (rest, end) = rest.split_at_mut(rest.len() - MD5_INFO.len());
    end.copy_from_slice(&MD5_INFO);
    // Between the two bytes in front, of which the first is zero like all before it, and the zero at
    // the end stands nothing but ones.
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
