//! A source for tests: it gives what it is told to, and counts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::secret::Secret;

/// Gives what is queued, and after that keys that live for an hour.
#[derive(Debug)]
pub(super) struct Scripted {
    name: &'static str,
    queue: Mutex<VecDeque<Result<(), Failure>>>,
    fetches: AtomicUsize,
}

impl Scripted {
    /// Will give `outcomes` one after the other, and keys from then on.
    pub(super) fn new(name: &'static str, outcomes: Vec<Result<(), Failure>>) -> Arc<Self> {
        let queue = Mutex::new(outcomes.into());
        Arc::new(Self { name, queue, fetches: AtomicUsize::new(0) })
    }

    /// How often it has been asked.
    pub(super) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

impl Provider for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        let outcome = self.queue.lock().unwrap().pop_front().unwrap_or(Ok(()));
        let credentials = Credentials {
            key_id: self.name.to_owned(),
            secret: Secret::new("s"),
            token: Some(Secret::new("t")),
            usable_until: Some(errand.now.plus(Duration::from_hours(1))),
        };
        Box::pin(async { outcome.map(|()| credentials) })
    }
}
