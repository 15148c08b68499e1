//! CRC-64/XZ, the checksum that OSS calls `crc64ecma`: of bytes as they arrive, and of joined parts.
//!
//! A CRC is the remainder of a polynomial division. The CRC of two joined byte strings follows from
//! their CRCs and the length of the second one, so an object's CRC needs no second reading of its parts.
//! Bits are reflected: the highest bit of a number is the coefficient of 1.

use crc::{CRC_64_XZ, Crc, Digest, Table};

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// The polynomial without its highest power, reflected.
const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;

/// The polynomial 1.
const ONE: u64 = 1 << 63;

/// The polynomial `x` to the power of 8: a shift by one byte.
const ONE_BYTE: u64 = ONE >> 8;

/// Starts the CRC of a byte string.
#[must_use]
pub fn digest() -> Digest<'static, u64, Table<16>> {
    CRC64.digest()
}

/// Returns the CRC of two joined byte strings, from their CRCs and the length of the second one.
#[must_use]
pub fn combine(first: u64, second: u64, second_length: u64) -> u64 {
    multiply(first, power(ONE_BYTE, second_length)) ^ second
}

/// Multiplies two polynomials modulo the polynomial of the CRC.
fn multiply(left: u64, right: u64) -> u64 {
    let mut product = 0;
    let mut shifted = right;
    for exponent in 0..u64::BITS {
        if left & (ONE >> exponent) != 0 {
            product ^= shifted;
        }
        let overflows = shifted & 1 == 1;
        shifted >>= 1;
        if overflows {
            shifted ^= POLYNOMIAL;
        }
    }
    product
}

/// Raises a polynomial to a power, modulo the polynomial of the CRC.
fn power(base: u64, mut exponent: u64) -> u64 {
    let mut result = ONE;
    let mut square = base;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(bytes: &[u8]) -> u64 {
        let mut digest = digest();
        digest.update(bytes);
        digest.finalize()
    }

    #[test]
    fn the_check_value_of_the_catalogue_is_computed() {
        assert_eq!(crc(b"123456789"), 0x995d_c9bb_df19_39fa);
    }

    #[test]
    fn the_crc_of_many_zeros_is_that_of_its_halves() {
        let half = vec![0; 1 << 20];
        let whole = vec![0; 2 << 20];
        assert_eq!(combine(crc(&half), crc(&half), 1 << 20), crc(&whole));
    }

    proptest::proptest! {
        #[test]
        fn the_crc_of_joined_strings_follows_from_their_crcs(
            first: Vec<u8>, second: Vec<u8>, third: Vec<u8>,
        ) {
            let joined = [first.as_slice(), &second, &third].concat();
            let two = combine(crc(&first), crc(&second), second.len() as u64);
            let three = combine(two, crc(&third), third.len() as u64);
            proptest::prop_assert_eq!(three, crc(&joined));
        }

        #[test]
        fn joining_is_associative_for_any_length(
            crcs: [u64; 3], second in 0..u64::from(u32::MAX), third in 0..u64::from(u32::MAX),
        ) {
            let [a, b, c] = crcs;
            let left = combine(combine(a, b, second), c, third);
            let right = combine(a, combine(b, c, third), second + third);
            proptest::prop_assert_eq!(left, right);
        }
    }
}
