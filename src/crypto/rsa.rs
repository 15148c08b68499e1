//! RSA signatures with MD5 (RFC 8017's RSASSA-PKCS1-v1_5): what OSS signs its callbacks with, and
//! nothing else does any more.
//!
//! Verifies only, so there is no secret that time could tell of. The padding is not parsed: the whole
//! block that a genuine signature unpacks to is written down and compared, so there is no room in it
//! for a forger to hide anything in.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crypto_bigint::{NonZero, U4096};
use md5::{Digest, Md5};

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
pub struct PublicKey {
    modulus: Arc<[u8]>,
}

impl PublicKey {
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
    pub fn signed_md5(&self, message: &[u8], signature: &[u8]) -> bool {
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
