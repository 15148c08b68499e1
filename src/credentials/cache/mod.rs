//! One set of credentials, kept as long as it is good and fetched anew by whoever needs it.
//!
//! Fresh is not valid: between the soft margin and the hard one the key still works, so callers are
//! served at once while one of them fetches the next; below the hard margin everybody waits for
//! that one fetch. Nothing is spawned: the caller that fetches does it inside its own request, so a
//! frozen instance has nothing half done, and a caller that goes away leaves the flight to the next.
//!
//! A failure never replaces a key that still works, and is remembered only for a moment.

mod lease;

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::FailureKind;
use crate::credentials::Provider;
use crate::credentials::RandomSource;
use crate::credentials::RoleKeys;
use crate::credentials::Unavailable;
use crate::time::Timestamp;
use lease::Lease;
use lease::Margins;
use lease::State;

/// How long a failed fetch is remembered: long enough that a crowd does not run into it one by
/// one, short enough that nobody notices once the source is back.
const SETBACK: Duration = Duration::from_secs(2);

/// How long a fetch may take while the old key still works and the caller could be served with it.
const SPARE_PATIENCE: Duration = Duration::from_secs(3);

/// How long a fetch may take while there is nothing to serve: below the ten seconds of a request.
const LAST_PATIENCE: Duration = Duration::from_secs(8);

/// Keeps what one provider gives.
pub struct Cache {
    source: Arc<dyn Provider>,
    margins: Margins,
    draw: RandomSource,
    lease: Mutex<Option<Arc<Lease>>>,
    /// Held by the one caller that fetches; what it guards is the last failure.
    flight: tokio::sync::Mutex<Option<Setback>>,
}

struct Setback {
    until: Instant,
    failure: Failure,
}

/// Says why there are no credentials, and when to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Empty {
    /// What the provider said.
    pub failure: Failure,
    /// When asking again may help.
    pub retry_after: Duration,
}

impl From<Empty> for Unavailable {
    fn from(Empty { failure, retry_after }: Empty) -> Self {
        match failure.kind {
            FailureKind::Absent => Self::Missing(failure.reason),
            FailureKind::Temporary | FailureKind::Permanent => {
                Self::Failing { reason: failure.reason, retry_after }
            }
        }
    }
}

impl Cache {
    /// Will keep what `source` gives, for forms that last `longest`.
    #[must_use]
    pub fn new(source: Arc<dyn Provider>, longest: Duration, draw: RandomSource) -> Self {
        Self {
            source,
            margins: Margins::for_forms_of(longest),
            draw,
            lease: Mutex::default(),
            flight: tokio::sync::Mutex::default(),
        }
    }

    /// Gives credentials that are usable at `now`, fetching them if need be.
    pub async fn provide(
        &self,
        hint: Option<&RoleKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, Empty> {
        match self.look(now) {
            Look::Good(credentials) => Ok(credentials),
            Look::Spare(credentials) => {
                // Whoever finds the flight free fetches; everybody else goes on with the old key.
                let Ok(flight) = self.flight.try_lock() else {
                    return Ok(credentials);
                };
                let errand = Errand { hint, now, patience: SPARE_PATIENCE };
                Ok(self.fetch(flight, errand).await.unwrap_or(credentials))
            }
            Look::Nothing => {
                let flight = self.flight.lock().await;
                // Whoever held the flight before may have brought what is wanted.
                match self.look(now) {
                    Look::Good(credentials) | Look::Spare(credentials) => Ok(credentials),
                    Look::Nothing => {
                        let errand = Errand { hint, now, patience: LAST_PATIENCE };
                        self.fetch(flight, errand).await
                    }
                }
            }
        }
    }

    fn look(&self, now: Timestamp) -> Look {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lease) = lease.as_ref() else {
            return Look::Nothing;
        };
        match lease.state(now, Instant::now()) {
            State::Fresh(credentials) => Look::Good(credentials),
            State::Ageing(credentials) => Look::Spare(credentials),
            State::Over => Look::Nothing,
        }
    }

    async fn fetch(
        &self,
        mut flight: MutexGuard<'_, Option<Setback>>,
        errand: Errand<'_>,
    ) -> Result<Arc<Credentials>, Empty> {
        if let Some(setback) = flight.as_ref() {
            let wait = setback.until.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                return Err(Empty { failure: setback.failure.clone(), retry_after: wait });
            }
        }
        let started = Instant::now();
        let fetched = tokio::time::timeout(errand.patience, self.source.fetch(errand)).await;
        let late = || Err(Failure::temporary(format!("{}: no answer in time", self.source.name())));
        let outcome = fetched.unwrap_or_else(|_| late()).and_then(|credentials| {
            let lease = Lease::new(credentials, errand.now, started, self.margins, &self.draw)?;
            Ok(Arc::new(lease))
        });
        match outcome {
            Ok(lease) => {
                *flight = None;
                let credentials = lease.credentials();
                *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
                tracing::info!(
                    source = self.source.name(),
                    until = credentials.usable_until.map(tracing::field::display),
                    "took new credentials"
                );
                Ok(credentials)
            }
            Err(failure) => {
                if failure.kind != FailureKind::Absent {
                    tracing::warn!(source = self.source.name(), "no new credentials: {failure}");
                }
                *flight =
                    Some(Setback { until: Instant::now() + SETBACK, failure: failure.clone() });
                Err(Empty { failure, retry_after: SETBACK })
            }
        }
    }
}

enum Look {
    Good(Arc<Credentials>),
    Spare(Arc<Credentials>),
    Nothing,
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").field("source", &self.source.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
