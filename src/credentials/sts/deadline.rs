//! The time that one fetch of credentials has left, and the time of day during it.

use std::time::Duration;

use tokio::time::Instant;

use crate::credentials::{Credentials, FetchRequest, ProviderError};
use crate::time::Timestamp;

/// The clock of one fetch. The wall clock is read once, for the request that waits; from then on time is
/// measured, so that a second attempt does not carry the time of the first.
#[derive(Clone, Copy, Debug)]
pub(in crate::credentials) struct Deadline {
    started: Instant,
    now: Timestamp,
    timeout: Duration,
}

impl Deadline {
    pub(in crate::credentials) fn start(request: FetchRequest<'_>) -> Self {
        Self { started: Instant::now(), now: request.now, timeout: request.timeout }
    }

    /// Returns the time of day.
    pub(super) fn now(&self) -> Timestamp {
        self.now.plus(self.started.elapsed())
    }

    /// Returns the time that is left.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    /// Returns `request` with the time of now and what is left of its limit, for another provider.
    pub(in crate::credentials) fn remaining<'a>(
        &self,
        request: FetchRequest<'a>,
    ) -> FetchRequest<'a> {
        FetchRequest { now: self.now(), timeout: self.left(), ..request }
    }

    /// Cancels a fetch that takes longer than its limit.
    pub(in crate::credentials) async fn limit(
        &self,
        fetch: impl Future<Output = Result<Credentials, ProviderError>>,
    ) -> Result<Credentials, ProviderError> {
        let late = || Err(ProviderError::temporary("no answer in time"));
        tokio::time::timeout(self.left(), fetch).await.unwrap_or_else(|_| late())
    }
}
