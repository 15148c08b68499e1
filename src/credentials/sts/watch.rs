//! How late it is, and how much time an errand has left.

use std::time::Duration;

use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::time::Timestamp;

/// An errand's clock. The wall clock was read once, for the request that waits; from there on time
/// is measured, so that a second attempt does not carry the time of the first.
#[derive(Clone, Copy, Debug)]
pub(in crate::credentials) struct Watch {
    began: Instant,
    now: Timestamp,
    patience: Duration,
}

impl Watch {
    pub(in crate::credentials) fn start(errand: Errand<'_>) -> Self {
        Self { began: Instant::now(), now: errand.now, patience: errand.patience }
    }

    /// Tells the time.
    pub(super) fn now(&self) -> Timestamp {
        self.now.plus(self.began.elapsed())
    }

    /// Tells how long the errand may still take.
    pub(super) fn left(&self) -> Duration {
        self.patience.saturating_sub(self.began.elapsed())
    }

    /// Sends somebody else on the rest of the errand.
    pub(in crate::credentials) fn pass_on<'a>(&self, errand: Errand<'a>) -> Errand<'a> {
        Errand { hint: errand.hint, now: self.now(), patience: self.left() }
    }

    /// Ends what takes longer than the errand may.
    pub(in crate::credentials) async fn limit(
        &self,
        work: impl Future<Output = Result<Credentials, Failure>>,
    ) -> Result<Credentials, Failure> {
        let late = || Err(Failure::temporary("no answer in time"));
        tokio::time::timeout(self.left(), work).await.unwrap_or_else(|_| late())
    }
}
