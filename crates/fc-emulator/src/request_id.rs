//! Names for requests, in the shape of Function Compute's: `1-67a59f35-150c1267-f381ba1c085c`.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// Gives every request another name. Names are told apart, not guarded: no randomness is needed,
/// and the same run gives the same names.
#[derive(Debug, Default)]
pub(crate) struct RequestIds {
    count: AtomicU32,
}

impl RequestIds {
    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let (middle, end) = (scatter(count.into()), scatter(!u64::from(count)));
        // The real first part grows with time, and so does the count.
        format!("1-{count:08x}-{:08x}-{:012x}", middle >> 32, end >> 16)
    }
}

/// Spreads neighbouring numbers over all bits, so that names look as different as real ones. Two
/// rounds of a multiplication by an odd constant, each folded onto its low half.
fn scatter(number: u64) -> u64 {
    let round = |number: u64| {
        let product = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ (product >> 32)
    };
    round(round(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_real_shape_and_differ() {
        let ids = RequestIds::default();
        let (one, two) = (ids.next(), ids.next());
        assert_ne!(one, two);
        for id in [one, two] {
            let lengths: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [1, 8, 8, 12], "{id}");
        }
    }
}
