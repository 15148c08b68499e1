//! Rate limits: how much one caller may be granted in a period, within one instance.
//!
//! The platform runs several instances, each counts by itself, and a new one starts at zero. So this slows down a
//! faulty page and is not a security boundary. Callers with a subject are counted one by one. All other callers
//! share one limit, because an address proves nothing behind a gateway. Event invocations are not counted.
//!
//! A caller's period begins with the first grant. The bytes of a grant are the largest size that it allows. At most
//! ten thousand callers are kept; then the one with the oldest period is removed, who gets a new period a little
//! early.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::auth::{AuthMethod, Caller};
use crate::crypto;
use crate::time::Timestamp;

/// The largest number of callers that are kept, in less than a megabyte.
const MAX_CALLERS: usize = 10_000;

/// The default length of a period.
pub const DEFAULT_WINDOW: Duration = Duration::from_mins(1);

/// The largest amount that one caller may be granted in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The number of grants.
    pub grants: Option<u64>,
    /// The bytes that the grants allow together.
    pub bytes: Option<u64>,
    /// The length of a period.
    pub window: Duration,
}

/// The limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitExceeded {
    /// Seconds until the caller's next period.
    pub retry_after: u64,
}

/// A hash of the caller's subject: its length is fixed, whatever that of the subject.
type CallerHash = [u8; 32];

/// Counts the grants of each caller.
#[derive(Debug)]
pub struct RateLimiter {
    limit: RateLimit,
    windows: Mutex<RateWindows>,
}

#[derive(Debug, Default)]
struct RateWindows {
    by_caller: HashMap<CallerHash, RateWindow>,
    /// The callers in the order in which their periods end.
    order: VecDeque<CallerHash>,
}

#[derive(Clone, Copy, Debug)]
struct RateWindow {
    ends_at: Timestamp,
    grants: u64,
    bytes: u64,
}

impl RateLimiter {
    /// Starts with empty counters.
    #[must_use]
    pub fn new(limit: RateLimit) -> Self {
        Self { limit, windows: Mutex::default() }
    }

    /// Counts one grant, unless it exceeds the limit.
    pub fn acquire(
        &self,
        caller: &Caller,
        bytes: u64,
        now: Timestamp,
    ) -> Result<(), RateLimitExceeded> {
        if caller.method == AuthMethod::Platform {
            return Ok(());
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.remove_ended(now);
        let name = caller_hash(caller);
        let new = RateWindow { ends_at: now.plus(self.limit.window), grants: 0, bytes: 0 };
        let mut window = windows.by_caller.get(&name).copied().unwrap_or(new);
        window.grants += 1;
        window.bytes = window.bytes.saturating_add(bytes);
        let is_over = self.limit.grants.is_some_and(|max| window.grants > max)
            || self.limit.bytes.is_some_and(|max| window.bytes > max);
        if is_over {
            let wait = window.ends_at.unix().saturating_sub(now.unix());
            return Err(RateLimitExceeded { retry_after: u64::try_from(wait).unwrap_or(0).max(1) });
        }
        windows.insert(name, window);
        Ok(())
    }
}

impl RateWindows {
    fn remove_ended(&mut self, now: Timestamp) {
        while let Some(first) = self.order.front() {
            if self.by_caller.get(first).is_some_and(|window| window.ends_at > now) {
                break;
            }
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) {
        if let Some(first) = self.order.pop_front() {
            self.by_caller.remove(&first);
        }
    }

    fn insert(&mut self, name: CallerHash, window: RateWindow) {
        if self.by_caller.insert(name, window).is_none() {
            self.order.push_back(name);
        }
        if self.order.len() > MAX_CALLERS {
            self.remove_oldest();
        }
    }
}

fn caller_hash(caller: &Caller) -> CallerHash {
    let subject = caller.subject.as_deref();
    // No subject is empty, so this value is that of all callers without a subject.
    *crypto::hmac_sha256(b"oss-upload-budget", subject.unwrap_or_default().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_732_687_781 + seconds).unwrap()
    }

    fn named(subject: &str) -> Caller {
        Caller { subject: Some(subject.to_owned()), ..Caller::without_subject(AuthMethod::Jwt) }
    }

    fn limiter(grants: Option<u64>, bytes: Option<u64>) -> RateLimiter {
        RateLimiter::new(RateLimit { grants, bytes, window: DEFAULT_WINDOW })
    }

    #[test]
    fn each_caller_has_a_window_of_their_own() {
        let limiter = limiter(Some(2), None);
        let exceeded = |retry_after| Err(RateLimitExceeded { retry_after });
        assert_eq!(limiter.acquire(&named("a"), 1, at(0)), Ok(()));
        assert_eq!(limiter.acquire(&named("b"), 1, at(10)), Ok(()));
        assert_eq!(limiter.acquire(&named("a"), 1, at(20)), Ok(()));
        assert_eq!(limiter.acquire(&named("a"), 1, at(20)), exceeded(40));
        assert_eq!(limiter.acquire(&named("b"), 1, at(59)), Ok(()));
        assert_eq!(limiter.acquire(&named("a"), 1, at(59)), exceeded(1));
        assert_eq!(limiter.acquire(&named("a"), 1, at(60)), Ok(()));
        assert_eq!(limiter.acquire(&named("b"), 1, at(60)), exceeded(10));
    }

    #[test]
    fn bytes_are_counted_and_a_refused_grant_is_not() {
        let limiter = limiter(None, Some(100));
        assert_eq!(limiter.acquire(&named("a"), 60, at(0)), Ok(()));
        assert!(limiter.acquire(&named("a"), 41, at(0)).is_err());
        assert_eq!(limiter.acquire(&named("a"), 40, at(0)), Ok(()));
        assert!(limiter.acquire(&named("a"), u64::MAX, at(0)).is_err());
        assert!(limiter.acquire(&named("b"), u64::MAX, at(0)).is_err());
    }

    #[test]
    fn callers_without_a_subject_share_one_limit_and_the_platform_has_none() {
        let limiter = limiter(Some(1), None);
        assert_eq!(
            limiter.acquire(&Caller::without_subject(AuthMethod::Anonymous), 1, at(0)),
            Ok(())
        );
        assert!(limiter.acquire(&Caller::without_subject(AuthMethod::Origin), 1, at(0)).is_err());
        for _ in 0..3 {
            assert_eq!(
                limiter.acquire(&Caller::without_subject(AuthMethod::Platform), 1, at(0)),
                Ok(())
            );
        }
    }

    #[test]
    fn the_oldest_window_is_removed_when_there_are_too_many() {
        let limiter = limiter(Some(1), None);
        for number in 0..=MAX_CALLERS {
            assert_eq!(limiter.acquire(&named(&number.to_string()), 1, at(0)), Ok(()));
        }
        let count = || limiter.windows.lock().unwrap().by_caller.len();
        assert_eq!(count(), MAX_CALLERS);
        assert_eq!(limiter.acquire(&named("0"), 1, at(1)), Ok(()), "removed");
        assert!(limiter.acquire(&named("2"), 1, at(1)).is_err(), "kept");
        assert_eq!(limiter.acquire(&named("new"), 1, at(60)), Ok(()));
        assert_eq!(count(), 2);
    }
}
