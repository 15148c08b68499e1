//! Remembers the nonces that were used, for as long as their calls could come again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;

/// The number of nonces from which on those that no longer matter are looked for.
const MANY: usize = 1024;

/// Holds nonces, each with the Unix second until which it matters.
#[derive(Default)]
pub(in crate::emulator::sts) struct Nonces(Mutex<HashMap<String, i64>>);

impl Nonces {
    /// Takes a nonce, and says whether it had not been taken before.
    pub(in crate::emulator::sts) fn take(&self, nonce: &str, now: i64, good_until: i64) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= MANY {
            taken.retain(|_, until| *until >= now);
        }
        match taken.insert(nonce.to_owned(), good_until) {
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
}
