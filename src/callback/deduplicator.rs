//! Responses of back ends to webhooks that have been sent, so that a repeated callback sends no second webhook and
//! gets the same response.
//!
//! The cache is in memory of one instance, holds successful responses only, and is bounded. Delivery is therefore
//! at least once; the id of the message lets the back end recognise a repetition. A callback that arrives while its
//! webhook is being sent waits for the lock and then finds the response.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The largest number of events that are kept. A response has at most 64 KiB.
const MAX_COUNT: usize = 64;

/// The response to one event, if there is one. The lock is held while its webhook is sent.
pub(super) type ResponseSlot = Arc<tokio::sync::Mutex<Option<Bytes>>>;

/// The responses to the latest events.
#[derive(Debug, Default)]
pub(super) struct Deduplicator(Mutex<VecDeque<(String, ResponseSlot)>>);

impl Deduplicator {
    /// Returns the slot of an event. A new event replaces the oldest one. `id` identifies the event and its content.
    pub(super) fn slot(&self, id: &str) -> ResponseSlot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = slots.iter().find(|(one, _)| one == id) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_COUNT {
            slots.pop_front();
        }
        let slot = ResponseSlot::default();
        slots.push_back((id.to_owned(), Arc::clone(&slot)));
        slot
    }
}
