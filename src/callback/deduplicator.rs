//! Answers of back ends that were told already, so that the same event is not told twice and is answered
//! the same.
//!
//! In memory, of one instance, of successes only, and not for ever: what is promised is at least once, and the
//! id of the message lets the back end see that it knows it. Whoever comes with an event that is being
//! told waits for the lock, and finds the answer behind it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The most events that are kept; the answer to one has at most 64 KiB.
const MAX_COUNT: usize = 64;

/// What was answered to one event, if it was; locked by the one who tells.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Bytes>>>;

/// What was answered, to the last events.
#[derive(Debug, Default)]
pub(super) struct Deduplicator(Mutex<VecDeque<(String, Slot)>>);

impl Deduplicator {
    /// Finds the place of an event, or gives it that of the oldest. `id` names the event and all of its content.
    pub(super) fn slot(&self, id: &str) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = slots.iter().find(|(one, _)| one == id) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_COUNT {
            slots.pop_front();
        }
        let slot = Slot::default();
        slots.push_back((id.to_owned(), Arc::clone(&slot)));
        slot
    }
}
