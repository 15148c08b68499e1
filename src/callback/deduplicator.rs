//! Responses of back ends to webhooks that have been sent, so that a repeated callback sends no second webhook and
//! gets the same response.
//!
//! The cache is in memory of one instance, holds successful responses only, and is bounded. Where instances share a
//! store, the responses are there too, for an hour. Delivery is therefore at least once; the id of the message lets the
//! back end recognise a repetition. A callback that arrives while its webhook is being sent waits for the lock, or for
//! the other instance, and then finds the response. If the store fails, the instance goes on alone: a callback is never
//! refused for that, because the object is stored already.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use crate::store::{Claim, SharedStore};
use crate::time::Timestamp;

/// The largest number of events that are kept. A response has at most 64 KiB.
const MAX_COUNT: usize = 64;

/// How long the store keeps a response.
const MEMORY: Duration = Duration::from_hours(1);

/// How long another instance may take to send a webhook, a little longer than a callback waits for it.
const CLAIM: Duration = Duration::from_secs(5);

/// The pause between two looks at the work of another instance.
const POLL: Duration = Duration::from_millis(200);

/// The response to one event, if there is one. The lock is held while its webhook is sent.
pub(super) type ResponseSlot = Arc<tokio::sync::Mutex<Option<Bytes>>>;

/// The responses to the latest events.
#[derive(Debug, Default)]
pub(super) struct Deduplicator {
    slots: Mutex<VecDeque<(String, ResponseSlot)>>,
    pub(super) store: Option<Arc<SharedStore>>,
}

impl Deduplicator {
    /// Returns the slot of an event. A new event replaces the oldest one. `id` identifies the event and its content.
    pub(super) fn slot(&self, id: &str) -> ResponseSlot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Returns the response that another instance has got. Without one, this instance is the one to send the webhook.
    /// Waits while another instance is sending it; the caller limits the time.
    pub(super) async fn claim(&self, id: &str, now: Timestamp) -> Option<Bytes> {
        let store = self.store.as_ref()?;
        loop {
            match store.claim(id, CLAIM, now).await {
                Ok(Claim::Known(response)) => return Some(response.into()),
                Ok(Claim::Made) | Err(_) => return None,
                Ok(Claim::Taken) => sleep(POLL).await,
            }
        }
    }

    /// Lets other instances give the same response; without one, they may send the webhook at once.
    pub(super) async fn share(&self, id: &str, response: Option<&Bytes>, now: Timestamp) {
        let Some(store) = &self.store else { return };
        // A failure is in the log already.
        let _ = match response {
            Some(response) => store.remember(id, response, MEMORY, now).await,
            None => store.release(id, now).await,
        };
    }
}
