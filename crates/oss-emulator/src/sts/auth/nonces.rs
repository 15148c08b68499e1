//! Remembers the nonces that were used, for as long as their calls could come again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;

/// The number of nonces below which it is not worth looking for those that no longer matter.
const FEW: usize = 1024;

/// Holds nonces, each with the Unix second until which it matters.
#[derive(Default)]
pub(in crate::sts) struct Nonces(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    until: HashMap<String, i64>,
    /// How many were left the last time that the others were thrown away.
    left: usize,
}

impl Nonces {
    /// Takes a nonce, and says whether it had not been taken before.
    pub(in crate::sts) fn take(&self, nonce: &str, now: i64, good_until: i64) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Waiting until they have doubled keeps the cost of a call the same, however many there are.
        if taken.until.len() >= FEW.max(2 * taken.left) {
            taken.until.retain(|_, until| *until >= now);
            taken.left = taken.until.len();
        }
        match taken.until.insert(nonce.to_owned(), good_until) {
            None => true,
            Some(until) => until < now,
        }
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Nonces(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_until_its_time_is_over() {
        let nonces = Nonces::default();
        assert!(nonces.take("a", 0, 10));
        assert!(nonces.take("b", 0, 10));
        assert!(!nonces.take("a", 10, 20));
        assert!(nonces.take("a", 21, 31));
    }

    #[test]
    fn those_that_no_longer_matter_are_thrown_away() {
        let nonces = Nonces::default();
        for number in 0..3 * FEW {
            let now = i64::try_from(number).unwrap();
            assert!(nonces.take(&number.to_string(), now, now + 10));
        }
        assert!(nonces.0.lock().unwrap().until.len() <= FEW);
    }
}
