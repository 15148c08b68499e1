//! The stage of a connection; shared by its byte stream, its requests and the list of connections.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// The stages of a connection's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is accepted, and no byte of a request has arrived.
    Fresh,
    /// Its first request head has begun and is not complete.
    FirstHead,
    /// A later request head has begun and is not complete.
    Head,
    /// A request is being served.
    Busy,
    /// The last request is answered.
    Idle,
    /// The last request is answered, but was not read to its end.
    Unread,
    /// The writing side is closed; what the client still sends is read and discarded.
    Closing,
}

impl Stage {
    /// Returns whether no request head has ever been complete.
    pub(crate) fn is_fresh(self) -> bool {
        matches!(self, Self::Fresh | Self::FirstHead)
    }
}

/// The stage of one connection, and when it began.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionState(Arc<Mutex<(Stage, Instant)>>);

impl ConnectionState {
    /// Describes a connection that is accepted now.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new((Stage::Fresh, Instant::now()))))
    }

    /// Notes that a request head is complete.
    pub(crate) fn begin(&self) {
        self.set(Stage::Busy);
    }

    /// Notes that a request is answered, and whether bytes of it may still arrive.
    pub(crate) fn end(&self, unread: bool) {
        self.set(if unread { Stage::Unread } else { Stage::Idle });
    }

    /// Notes that the writing side is closed.
    pub(crate) fn close(&self) {
        self.set(Stage::Closing);
    }

    /// Notes that bytes have arrived.
    pub(crate) fn arrive(&self, bytes: &[u8]) {
        // Some clients send an extra empty line after a body; it does not begin a head.
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            return;
        }
        match self.stage() {
            Stage::Fresh => self.set(Stage::FirstHead),
            Stage::Idle => self.set(Stage::Head),
            _ => {}
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.get().0
    }

    /// Returns when the current stage began.
    pub(crate) fn since(&self) -> Instant {
        self.get().1
    }

    fn get(&self) -> (Stage, Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, stage: Stage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (stage, Instant::now());
    }
}
