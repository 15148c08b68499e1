//! A provider for tests: it returns given outcomes, and counts the fetches.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::credentials::{Credentials, FetchFuture, FetchRequest, Provider, ProviderError};
use crate::secret::Secret;

/// Returns the queued outcomes, then keys that live for an hour.
#[derive(Debug)]
pub(super) struct TestProvider {
    name: &'static str,
    queue: Mutex<VecDeque<Result<(), ProviderError>>>,
    fetches: AtomicUsize,
}

impl TestProvider {
    pub(super) fn new(name: &'static str, outcomes: Vec<Result<(), ProviderError>>) -> Arc<Self> {
        let queue = Mutex::new(outcomes.into());
        Arc::new(Self { name, queue, fetches: AtomicUsize::new(0) })
    }

    pub(super) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

impl Provider for TestProvider {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        let outcome = self.queue.lock().unwrap().pop_front().unwrap_or(Ok(()));
        let credentials = Credentials {
            key_id: self.name.to_owned(),
            secret: Secret::new("s"),
            token: Some(Secret::new("t")),
            usable_until: Some(request.now.plus(Duration::from_hours(1))),
        };
        Box::pin(async { outcome.map(|()| credentials) })
    }
}
