//! One set of credentials and how long it is good for, by two clocks.
//!
//! The wall clock may jump, and the clock of a frozen instance may stand still, so each alone would
//! let a key live too long. What is left of a key is the lesser of what the two say; a jump
//! forward costs one early fetch, a jump back nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::credentials::Failure;
use crate::credentials::RandomSource;
use crate::time::Timestamp;

/// Below this a key is as good as gone: a form ends a minute before its key, and a form of less
/// than half a minute helps nobody.
const HARD_MARGIN: Duration = Duration::from_secs(90);

/// The least soft margin of a key that lives for half an hour or more.
const SOFT_MARGIN: Duration = Duration::from_mins(10);

/// How much longer than the longest form a key should live, or forms are cut short.
const FORM_MARGIN: Duration = Duration::from_mins(1);

/// Shorter-lived keys have a soft margin in proportion: with a fixed one, a key of fifteen minutes
/// would be fetched anew for every request.
const SHORT_LIFE: Duration = Duration::from_mins(30);

/// The least time between two fetches that went well: a source that rotates its key only shortly
/// before the end gives the same one again until then.
const LEAST_PAUSE: Duration = Duration::from_mins(1);

/// How often a source of long-lived keys is looked at again, should its file have changed.
const LONG_LIVED_PAUSE: Duration = Duration::from_mins(5);

/// How far the two clocks may differ before an answer's end is corrected.
const CLOCK_NOISE: Duration = Duration::from_secs(5);

/// How early a key is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Margins {
    soft: Duration,
}

impl Margins {
    /// Chooses margins such that forms that last `longest` are not cut short.
    #[must_use]
    pub(super) fn for_forms_of(longest: Duration) -> Self {
        Self { soft: SOFT_MARGIN.max(longest.saturating_add(FORM_MARGIN)) }
    }

    /// The soft margin for a key that has `left` to live, moved by up to a tenth either way so that
    /// replicas that started together do not fetch together.
    fn soft(self, left: Duration, draw: &RandomSource) -> Duration {
        let spare = left.saturating_sub(HARD_MARGIN);
        let soft =
            if left < SHORT_LIFE { HARD_MARGIN + spare / 3 } else { self.soft.min(left / 2) };
        let byte = draw().map_or(128, |bytes| bytes[0]);
        soft.mul_f64(0.9 + 0.2 * f64::from(byte) / 255.0)
    }
}

/// Credentials, and when they were fetched.
#[derive(Debug)]
pub(super) struct Lease {
    credentials: Arc<Credentials>,
    /// By the wall clock and by the other: the moment before they were asked for.
    taken: (Timestamp, Instant),
    /// How long they live from then on; none for a long-lived key.
    life: Option<Duration>,
    /// How long after that moment they are fetched anew.
    renew_after: Duration,
}

/// What a lease is good for at a moment.
#[derive(Debug)]
pub(super) enum State {
    /// Use it.
    Fresh(Arc<Credentials>),
    /// Use it, and fetch the next.
    Ageing(Arc<Credentials>),
    /// Do not use it.
    Over,
}

impl Lease {
    /// Takes over what a source gave when it was asked at `taken` by the wall clock and `started`
    /// by the other.
    ///
    /// # Errors
    /// The key ends before anything could be done with it.
    pub(super) fn new(
        credentials: Credentials,
        taken: Timestamp,
        started: Instant,
        margins: Margins,
        draw: &RandomSource,
    ) -> Result<Self, Failure> {
        let life = credentials.usable_until.map(|end| end.since(taken));
        let renew_after = match life {
            None => LONG_LIVED_PAUSE,
            Some(life) if life <= HARD_MARGIN => {
                return Err(Failure::temporary(
                    "the key that was given ends within moments; is this machine's clock right?",
                ));
            }
            Some(life) => {
                let pause = LEAST_PAUSE.min(life.saturating_sub(HARD_MARGIN) / 2);
                life.saturating_sub(margins.soft(life, draw)).max(pause)
            }
        };
        let credentials = Arc::new(credentials);
        Ok(Self { credentials, taken: (taken, started), life, renew_after })
    }

    /// Gives the credentials as they were fetched.
    #[must_use]
    pub(super) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.credentials)
    }

    /// Says what they are good for at `now`, which is `instant` by the other clock.
    #[must_use]
    pub(super) fn state(&self, now: Timestamp, instant: Instant) -> State {
        let by_wall = now.since(self.taken.0);
        let by_other = instant.saturating_duration_since(self.taken.1);
        let age = by_wall.max(by_other);
        let Some(life) = self.life else {
            return self.usable(age, self.credentials());
        };
        let left = life.saturating_sub(age);
        if left < HARD_MARGIN {
            return State::Over;
        }
        self.usable(age, self.ending(now, left))
    }

    fn usable(&self, age: Duration, credentials: Arc<Credentials>) -> State {
        if age < self.renew_after { State::Fresh(credentials) } else { State::Ageing(credentials) }
    }

    /// Says the end in terms of the wall clock as it stands now, which may have been set back.
    fn ending(&self, now: Timestamp, left: Duration) -> Arc<Credentials> {
        let end = now.plus(left);
        if self.credentials.usable_until.is_none_or(|told| told.since(end) <= CLOCK_NOISE) {
            return self.credentials();
        }
        Arc::new(Credentials { usable_until: Some(end), ..Credentials::clone(&self.credentials) })
    }
}
