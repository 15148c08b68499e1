//! One set of credentials, cached while it is usable and refreshed by the callers that need it.
//!
//! Stale credentials still work: below the refresh margin, callers get them at once while one caller fetches
//! the next ones. Below [`HARD_MARGIN`] everybody waits for that fetch. Nothing is spawned: the caller fetches
//! within its own request, so a freeze interrupts nothing, and a caller that goes away leaves the fetch to the
//! next one. A failed fetch never replaces usable credentials, and is remembered for a moment only.
//!
//! The age of credentials is measured with two clocks. The wall clock may jump, and the monotonic clock of a
//! frozen instance may stand still, so each alone would let a key live too long. The greater age counts: a
//! jump forward costs one early fetch, a jump back nothing.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::Instant;

use crate::credentials::{
    Credentials, CredentialsError, FetchRequest, PlatformKeys, Provider, ProviderError,
    ProviderErrorKind, RandomSource,
};
use crate::time::Timestamp;

/// How long a failed fetch is remembered: long enough that waiting callers do not repeat it one by one, short
/// enough that it does not delay a recovery noticeably.
pub(super) const BACKOFF: Duration = Duration::from_secs(2);

/// Limit of a fetch while the old credentials are usable.
const STALE_TIMEOUT: Duration = Duration::from_secs(3);

/// Limit of a fetch while there are no usable credentials: below the ten seconds of a request.
pub(super) const EMPTY_TIMEOUT: Duration = Duration::from_secs(8);

/// Credentials with less time than this are not used: a form ends a minute before its key, and a form of
/// less than half a minute is of no use.
const HARD_MARGIN: Duration = Duration::from_secs(90);

/// The least refresh margin of a key that lives for half an hour or more.
const MIN_REFRESH_MARGIN: Duration = Duration::from_mins(10);

/// The refresh margin exceeds the lifetime of the longest form by this. Otherwise the end of the key would
/// shorten the form.
const FORM_MARGIN: Duration = Duration::from_mins(1);

/// Keys with a shorter life have a refresh margin in proportion: with a fixed one, a key of fifteen minutes
/// would be refreshed for every request.
const SHORT_LIFE: Duration = Duration::from_mins(30);

/// The least time between two successful fetches. A provider that renews its key only shortly before the end
/// returns the same one until then.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_mins(1);

/// How often long-lived keys are read again, in case their file has changed.
const LONG_LIVED_REFRESH_INTERVAL: Duration = Duration::from_mins(5);

/// Up to this difference between the two clocks the end of a key is not corrected.
const CLOCK_NOISE: Duration = Duration::from_secs(5);

/// Caches the credentials of one provider.
pub struct CredentialCache {
    provider: Arc<dyn Provider>,
    /// See [`MIN_REFRESH_MARGIN`] and [`FORM_MARGIN`].
    refresh_margin: Duration,
    random: RandomSource,
    cached: Mutex<Option<CachedCredentials>>,
    /// Held by the caller that fetches; contains the last failure.
    refresh_lock: tokio::sync::Mutex<Option<Backoff>>,
}

struct Backoff {
    until: Instant,
    error: ProviderError,
}

/// The reason why the cache has no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshError {
    /// The provider's error.
    pub error: ProviderError,
    /// Pause before the next attempt.
    pub retry_after: Duration,
}

impl From<RefreshError> for CredentialsError {
    fn from(RefreshError { error, retry_after }: RefreshError) -> Self {
        match error.kind {
            ProviderErrorKind::Absent => Self::Missing(error.reason),
            ProviderErrorKind::Temporary | ProviderErrorKind::Permanent => {
                Self::Failing { reason: error.reason, retry_after }
            }
        }
    }
}

impl CredentialCache {
    /// Caches the credentials of `provider` for forms that last up to `longest_form`. Fetches nothing yet.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, longest_form: Duration, random: RandomSource) -> Self {
        Self {
            provider,
            refresh_margin: MIN_REFRESH_MARGIN.max(longest_form.saturating_add(FORM_MARGIN)),
            random,
            cached: Mutex::default(),
            refresh_lock: tokio::sync::Mutex::default(),
        }
    }

    /// Returns credentials that are usable at `now`, and fetches them if necessary.
    pub async fn provide(
        &self,
        platform_keys: Option<&PlatformKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, RefreshError> {
        match self.state(now) {
            CacheState::Fresh(credentials) => Ok(credentials),
            CacheState::Stale(credentials) => {
                // The first caller to get the lock fetches; the others use the old credentials.
                let Ok(lock) = self.refresh_lock.try_lock() else {
                    return Ok(credentials);
                };
                let request = FetchRequest { platform_keys, now, timeout: STALE_TIMEOUT };
                Ok(self.refresh(lock, request).await.unwrap_or(credentials))
            }
            CacheState::Empty => {
                let lock = self.refresh_lock.lock().await;
                // The previous holder of the lock may have fetched.
                match self.state(now) {
                    CacheState::Fresh(credentials) | CacheState::Stale(credentials) => {
                        Ok(credentials)
                    }
                    CacheState::Empty => {
                        let request = FetchRequest { platform_keys, now, timeout: EMPTY_TIMEOUT };
                        self.refresh(lock, request).await
                    }
                }
            }
        }
    }

    fn state(&self, now: Timestamp) -> CacheState {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().map_or(CacheState::Empty, |cached| cached.state(now, Instant::now()))
    }

    async fn refresh(
        &self,
        mut lock: MutexGuard<'_, Option<Backoff>>,
        request: FetchRequest<'_>,
    ) -> Result<Arc<Credentials>, RefreshError> {
        if let Some(backoff) = lock.as_ref() {
            let wait = backoff.until.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                return Err(RefreshError { error: backoff.error.clone(), retry_after: wait });
            }
        }
        match self.fetch(request).await {
            Ok(cached) => {
                *lock = None;
                let credentials = Arc::clone(&cached.credentials);
                *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached);
                tracing::info!(
                    source = self.provider.name(),
                    until = credentials.usable_until.map(tracing::field::display),
                    "took new credentials"
                );
                Ok(credentials)
            }
            Err(error) => {
                if error.kind != ProviderErrorKind::Absent {
                    tracing::warn!(source = self.provider.name(), "no new credentials: {error}");
                }
                *lock = Some(Backoff { until: Instant::now() + BACKOFF, error: error.clone() });
                Err(RefreshError { error, retry_after: BACKOFF })
            }
        }
    }

    async fn fetch(&self, request: FetchRequest<'_>) -> Result<CachedCredentials, ProviderError> {
        let started = Instant::now();
        let credentials = tokio::time::timeout(request.timeout, self.provider.fetch(request))
            .await
            .map_err(|_| {
                ProviderError::temporary(format!("{}: no answer in time", self.provider.name()))
            })??;
        let refresh_after = match credentials.usable_until.map(|end| end.since(request.now)) {
            None => LONG_LIVED_REFRESH_INTERVAL,
            Some(life) if life <= HARD_MARGIN => {
                return Err(ProviderError::temporary(
                    "the key that was given ends within moments; is this machine's clock right?",
                ));
            }
            Some(life) => {
                let interval = MIN_REFRESH_INTERVAL.min(life.saturating_sub(HARD_MARGIN) / 2);
                life.saturating_sub(self.margin(life)).max(interval)
            }
        };
        let credentials = Arc::new(credentials);
        Ok(CachedCredentials { credentials, fetched_at: request.now, started, refresh_after })
    }

    /// Returns the refresh margin of a key that lives for `life`, changed at random by up to a tenth: replicas
    /// that have started together do not fetch together.
    fn margin(&self, life: Duration) -> Duration {
        let margin = if life < SHORT_LIFE {
            HARD_MARGIN + life.saturating_sub(HARD_MARGIN) / 3
        } else {
            self.refresh_margin.min(life / 2)
        };
        let byte = (self.random)().map_or(128, |bytes| bytes[0]);
        margin.mul_f64(0.9 + 0.2 * f64::from(byte) / 255.0)
    }
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.provider.name();
        formatter.debug_struct("CredentialCache").field("source", &name).finish_non_exhaustive()
    }
}

/// Credentials and the time at which they were fetched.
struct CachedCredentials {
    credentials: Arc<Credentials>,
    /// The wall clock before the fetch.
    fetched_at: Timestamp,
    /// The monotonic clock before the fetch.
    started: Instant,
    /// From this age on they are stale.
    refresh_after: Duration,
}

/// What the cache contains at a moment.
enum CacheState {
    /// Credentials to use.
    Fresh(Arc<Credentials>),
    /// Credentials to use while the next ones are fetched.
    Stale(Arc<Credentials>),
    /// No usable credentials.
    Empty,
}

impl CachedCredentials {
    fn state(&self, now: Timestamp, instant: Instant) -> CacheState {
        let wall_age = now.since(self.fetched_at);
        let age = wall_age.max(instant.saturating_duration_since(self.started));
        let credentials = match self.credentials.usable_until {
            None => Arc::clone(&self.credentials),
            Some(end) => {
                let left = end.since(self.fetched_at).saturating_sub(age);
                if left < HARD_MARGIN {
                    return CacheState::Empty;
                }
                self.ending_at(end, now.plus(left))
            }
        };
        if age < self.refresh_after {
            CacheState::Fresh(credentials)
        } else {
            CacheState::Stale(credentials)
        }
    }

    /// Corrects the end of a key if the wall clock has been set back since: `stated` is the provider's,
    /// `measured` that of the wall clock as it is now.
    fn ending_at(&self, stated: Timestamp, measured: Timestamp) -> Arc<Credentials> {
        if stated.since(measured) <= CLOCK_NOISE {
            return Arc::clone(&self.credentials);
        }
        let credentials = Credentials::clone(&self.credentials);
        Arc::new(Credentials { usable_until: Some(measured), ..credentials })
    }
}

#[cfg(test)]
mod tests;
