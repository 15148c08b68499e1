//! Budgets: how much may be granted in a period, counted within one instance.
//!
//! The platform runs several instances, each counts by itself, and a new one starts at zero. So without the shared store
//! this slows down a faulty page and is not a security boundary. Callers with a subject are counted one by one. All
//! other callers share one limit, because an address proves nothing behind a gateway, unless the settings name the
//! header of a trusted one. Event invocations are not counted.
//!
//! A period begins with the first grant. The bytes of a grant are the largest size that it allows. Of each budget, at
//! most ten thousand periods are kept; then the oldest one is removed, and its caller gets a new period a little early.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::auth::Caller;
use crate::crypto;
use crate::time::Timestamp;

/// The largest number of periods that are kept of one budget, in less than a megabyte.
const MAX_CALLERS: usize = 10_000;

/// The largest number of budgets.
pub const MAX_BUDGETS: usize = 16;

/// The default length of a period.
pub const DEFAULT_WINDOW: Duration = Duration::from_mins(1);

/// The largest amount that may be granted in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The number of grants.
    pub grants: Option<u64>,
    /// The bytes that the grants allow together.
    pub bytes: Option<u64>,
    /// The length of a period.
    pub window: Duration,
}

/// A limit, and what is counted together against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What is counted together.
    pub scope: BudgetScope,
    /// The limit.
    pub limit: RateLimit,
}

/// Which grants are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetScope {
    /// Those of one subject; those of all callers without a subject.
    Caller,
    /// Those of one address, as the header of a trusted gateway names it.
    Address,
    /// Those of one route.
    Route,
    /// Those for one bucket.
    Bucket,
    /// All.
    Total,
}

impl BudgetScope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::Caller, Self::Address, Self::Route, Self::Bucket, Self::Total];

    /// Returns the word of the setting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Address => "address",
            Self::Route => "route",
            Self::Bucket => "bucket",
            Self::Total => "total",
        }
    }
}

/// What a signing call is counted for.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// The name of the route.
    pub route: &'a str,
    /// The name of the bucket.
    pub bucket: &'a str,
    /// The address that the trusted gateway names.
    pub address: Option<IpAddr>,
}

impl Charge<'_> {
    /// Returns what distinguishes the grants of a scope. No subject, route or bucket is empty, so the empty name is that
    /// of all callers without a subject, and of all calls without an address.
    #[must_use]
    pub fn name(&self, scope: BudgetScope) -> Cow<'_, str> {
        match scope {
            BudgetScope::Caller => self.caller.subject.as_deref().unwrap_or_default().into(),
            BudgetScope::Address => {
                self.address.map(|address| address.to_string()).unwrap_or_default().into()
            }
            BudgetScope::Route => self.route.into(),
            BudgetScope::Bucket => self.bucket.into(),
            BudgetScope::Total => "".into(),
        }
    }

    /// Returns a hash of the name: its length is fixed, whatever that of the subject.
    fn hash(&self, scope: BudgetScope) -> CallerHash {
        *crypto::hmac_sha256(b"oss-upload-budget", self.name(scope).as_bytes())
    }
}

/// The limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitExceeded {
    /// Seconds until the next period.
    pub retry_after: u64,
}

type CallerHash = [u8; 32];

/// Counts grants.
#[derive(Debug)]
pub struct RateLimiter {
    budgets: Vec<Budget>,
    /// The periods of each budget.
    windows: Mutex<Vec<RateWindows>>,
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
    /// Starts with empty counters. There are at most [`MAX_BUDGETS`] budgets.
    #[must_use]
    pub fn new(mut budgets: Vec<Budget>) -> Self {
        budgets.truncate(MAX_BUDGETS);
        let windows = budgets.iter().map(|_| RateWindows::default()).collect();
        Self { budgets, windows: Mutex::new(windows) }
    }

    /// Returns the budgets.
    #[must_use]
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// Counts one grant against every budget, unless it exceeds one of them. Then it is counted against none.
    pub fn acquire(
        &self,
        charge: &Charge<'_>,
        bytes: u64,
        now: Timestamp,
    ) -> Result<(), RateLimitExceeded> {
        let mut windows = self.lock();
        let mut names = [CallerHash::default(); MAX_BUDGETS];
        let mut wait = None;
        for ((budget, windows), name) in self.budgets.iter().zip(&mut *windows).zip(&mut names) {
            windows.remove_ended(now);
            *name = charge.hash(budget.scope);
            let window = windows.with_grant(name, budget, bytes, now);
            if window.exceeds(&budget.limit) {
                wait = wait.max(Some(window.ends_at.since(now).as_secs()));
            }
        }
        if let Some(wait) = wait {
            return Err(RateLimitExceeded { retry_after: wait.max(1) });
        }
        for ((budget, windows), name) in self.budgets.iter().zip(&mut *windows).zip(names) {
            let window = windows.with_grant(&name, budget, bytes, now);
            windows.insert(name, window);
        }
        Ok(())
    }

    /// Counts one grant that was made elsewhere, also if it exceeds a budget.
    pub fn record(&self, charge: &Charge<'_>, bytes: u64, now: Timestamp) {
        for (budget, windows) in self.budgets.iter().zip(&mut *self.lock()) {
            windows.remove_ended(now);
            let name = charge.hash(budget.scope);
            let window = windows.with_grant(&name, budget, bytes, now);
            windows.insert(name, window);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RateWindows>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateWindow {
    fn exceeds(&self, limit: &RateLimit) -> bool {
        limit.grants.is_some_and(|max| self.grants > max)
            || limit.bytes.is_some_and(|max| self.bytes > max)
    }
}

impl RateWindows {
    /// Returns the period of a caller with one more grant.
    fn with_grant(
        &self,
        name: &CallerHash,
        budget: &Budget,
        bytes: u64,
        now: Timestamp,
    ) -> RateWindow {
        let new = RateWindow { ends_at: now.plus(budget.limit.window), grants: 0, bytes: 0 };
        let window = self.by_caller.get(name).copied().unwrap_or(new);
        let (grants, bytes) = (window.grants + 1, window.bytes.saturating_add(bytes));
        RateWindow { grants, bytes, ..window }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::AuthMethod;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_732_687_781 + seconds).unwrap()
    }

    fn named(subject: &str) -> Caller {
        Caller { subject: Some(subject.to_owned()), ..Caller::without_subject(AuthMethod::Jwt) }
    }

    fn limiter(grants: Option<u64>, bytes: Option<u64>) -> RateLimiter {
        let limit = RateLimit { grants, bytes, window: DEFAULT_WINDOW };
        RateLimiter::new(vec![Budget { scope: BudgetScope::Caller, limit }])
    }

    fn charge(caller: &Caller) -> Charge<'_> {
        Charge { caller, route: "photos", bucket: "my-bucket", address: None }
    }

    #[test]
    fn each_caller_has_a_window_of_their_own() {
        let limiter = limiter(Some(2), None);
        let exceeded = |retry_after| Err(RateLimitExceeded { retry_after });
        assert_eq!(limiter.acquire(&charge(&named("a")), 1, at(0)), Ok(()));
        assert_eq!(limiter.acquire(&charge(&named("b")), 1, at(10)), Ok(()));
        assert_eq!(limiter.acquire(&charge(&named("a")), 1, at(20)), Ok(()));
        assert_eq!(limiter.acquire(&charge(&named("a")), 1, at(20)), exceeded(40));
        assert_eq!(limiter.acquire(&charge(&named("b")), 1, at(59)), Ok(()));
        assert_eq!(limiter.acquire(&charge(&named("a")), 1, at(59)), exceeded(1));
        assert_eq!(limiter.acquire(&charge(&named("a")), 1, at(60)), Ok(()));
        assert_eq!(limiter.acquire(&charge(&named("b")), 1, at(60)), exceeded(10));
    }

    #[test]
    fn bytes_are_counted_and_a_refused_grant_is_not() {
        let limiter = limiter(None, Some(100));
        assert_eq!(limiter.acquire(&charge(&named("a")), 60, at(0)), Ok(()));
        assert!(limiter.acquire(&charge(&named("a")), 41, at(0)).is_err());
        assert_eq!(limiter.acquire(&charge(&named("a")), 40, at(0)), Ok(()));
        assert!(limiter.acquire(&charge(&named("a")), u64::MAX, at(0)).is_err());
        assert!(limiter.acquire(&charge(&named("b")), u64::MAX, at(0)).is_err());
    }

    #[test]
    fn callers_without_a_subject_share_one_limit() {
        let limiter = limiter(Some(1), None);
        let anonymous = Caller::without_subject(AuthMethod::Anonymous);
        assert_eq!(limiter.acquire(&charge(&anonymous), 1, at(0)), Ok(()));
        let of_page = Caller::without_subject(AuthMethod::Origin);
        assert!(limiter.acquire(&charge(&of_page), 1, at(0)).is_err());
    }

    #[test]
    fn a_grant_is_counted_against_every_budget_or_none() {
        let budget = |scope, grants, seconds| {
            let window = Duration::from_secs(seconds);
            Budget { scope, limit: RateLimit { grants: Some(grants), bytes: None, window } }
        };
        let limiter = RateLimiter::new(vec![
            budget(BudgetScope::Caller, 1, 60),
            budget(BudgetScope::Route, 2, 600),
            budget(BudgetScope::Address, 2, 3600),
            budget(BudgetScope::Total, 3, 86_400),
        ]);
        let acquire = |subject: &str, route, last| {
            let address = Some(IpAddr::from([192, 0, 2, last]));
            let caller = named(subject);
            let charge = Charge { route, address, ..charge(&caller) };
            limiter.acquire(&charge, 1, at(0)).map_err(|exceeded| exceeded.retry_after)
        };
        assert_eq!(acquire("a", "photos", 1), Ok(()));
        assert_eq!(acquire("a", "photos", 1), Err(60), "the caller's");
        assert_eq!(acquire("b", "photos", 1), Ok(()));
        assert_eq!(acquire("c", "photos", 2), Err(600), "the route's");
        assert_eq!(acquire("c", "videos", 1), Err(3600), "the address's");
        assert_eq!(acquire("a", "videos", 1), Err(3600), "the longest wait counts");
        assert_eq!(acquire("c", "videos", 2), Ok(()));
        assert_eq!(acquire("d", "videos", 2), Err(86_400), "all");
    }

    #[test]
    fn grants_of_the_shared_store_are_recorded_beyond_the_limit() {
        let limiter = limiter(Some(1), None);
        for _ in 0..3 {
            limiter.record(&charge(&named("a")), 1, at(0));
        }
        assert!(limiter.acquire(&charge(&named("a")), 1, at(1)).is_err());
        assert_eq!(limiter.acquire(&charge(&named("a")), 1, at(60)), Ok(()));
    }

    #[test]
    fn the_oldest_window_is_removed_when_there_are_too_many() {
        let limiter = limiter(Some(1), None);
        for number in 0..=MAX_CALLERS {
            assert_eq!(limiter.acquire(&charge(&named(&number.to_string())), 1, at(0)), Ok(()));
        }
        let count = || limiter.lock()[0].by_caller.len();
        assert_eq!(count(), MAX_CALLERS);
        assert_eq!(limiter.acquire(&charge(&named("0")), 1, at(1)), Ok(()), "removed");
        assert!(limiter.acquire(&charge(&named("2")), 1, at(1)).is_err(), "kept");
        assert_eq!(limiter.acquire(&charge(&named("new")), 1, at(60)), Ok(()));
        assert_eq!(count(), 2);
    }
}
