//! A pool of role sessions, one for each caller: a caller's key gives access to that caller's directory only.
//!
//! Each session costs a request to STS, which accepts a hundred a second from a whole account. So there are
//! at most [`MAX_SESSIONS`] at a time, at most [`SESSIONS_PER_SECOND`] new ones a second, and one fetch for
//! each session, however many requests wait for it. Beyond that, requests fail: a caller never gets the key of
//! a wider session instead. The rate is that of one instance, or of all of them where they share a store.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::credentials::cache::{CredentialCache, EMPTY_TIMEOUT, RefreshError};
use crate::credentials::{
    Credentials, FetchFuture, FetchRequest, PlatformKeys, Provider, ProviderError, RandomSource,
};
use crate::crypto;
use crate::store::{Admission, Admitted, SharedBudget, SharedStore};
use crate::time::Timestamp;

/// The size of the pool. The session that was used longest ago is dropped for a new one.
pub const MAX_SESSIONS: usize = 1000;

/// The most new sessions in a second, of one instance or of all that share a store: half of what an account may open.
pub const SESSIONS_PER_SECOND: u32 = 50;

/// The longest session name that both the old and the new documentation of STS allow.
const MAX_NAME: usize = 32;

/// Identifies a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleSession {
    /// The session policy.
    pub policy: String,
    /// The name in audit logs.
    pub name: String,
    /// The lifetime, if it is not that of the role's other sessions.
    pub duration: Option<Duration>,
}

impl RoleSession {
    /// Names the session after the caller, in the characters and the length that STS accepts. A changed name
    /// gets a hash of the original, so that two callers do not share one.
    #[must_use]
    pub fn for_subject(subject: &str, policy: String) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_');
        if (2..=MAX_NAME).contains(&subject.len()) && subject.chars().all(plain) {
            return Self { policy, name: subject.to_owned(), duration: None };
        }
        let hash = crypto::hex(&crypto::hmac_sha256(b"session", subject.as_bytes())[..4]);
        let kept: String = subject.chars().filter(|c| plain(*c)).take(MAX_NAME - 9).collect();
        Self { policy, name: format!("{kept}-{hash}"), duration: None }
    }
}

/// Creates the provider of one session.
pub type OpenSession =
    Box<dyn Fn(&RoleSession) -> Result<Arc<dyn Provider>, ProviderError> + Send + Sync>;

/// The open sessions.
pub struct SessionPool {
    open: OpenSession,
    longest_form: Duration,
    random: RandomSource,
    limit: Arc<SessionRateLimit>,
    entries: Mutex<HashMap<RoleSession, SessionEntry>>,
}

struct SessionEntry {
    cache: Arc<CredentialCache>,
    last_used: Instant,
}

impl SessionPool {
    /// Opens sessions with `open`, for forms that last up to `longest_form`.
    #[must_use]
    pub fn new(open: OpenSession, longest_form: Duration, random: RandomSource) -> Self {
        Self {
            open,
            longest_form,
            random,
            limit: Arc::new(SessionRateLimit::new(None)),
            entries: Mutex::default(),
        }
    }

    /// Counts new sessions in a store, together with those of all other instances.
    #[must_use]
    pub fn with_store(self, store: Arc<SharedStore>) -> Self {
        Self { limit: Arc::new(SessionRateLimit::new(Some(store))), ..self }
    }

    /// Returns credentials of this session that are usable at `now`.
    pub async fn provide(
        &self,
        session: &RoleSession,
        platform_keys: Option<&PlatformKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, RefreshError> {
        let failed = |error| RefreshError { error, retry_after: Duration::ZERO };
        self.find(session).map_err(failed)?.provide(platform_keys, now).await
    }

    /// Opens a session whose credentials leave the function. It is not kept, so that they have their whole lifetime
    /// before them.
    pub async fn open_once(
        &self,
        session: &RoleSession,
        platform_keys: Option<&PlatformKeys>,
        now: Timestamp,
    ) -> Result<Credentials, ProviderError> {
        let limit = Arc::clone(&self.limit);
        let provider = LimitedProvider { provider: (self.open)(session)?, limit };
        provider.fetch(FetchRequest { platform_keys, now, timeout: EMPTY_TIMEOUT }).await
    }

    fn find(&self, session: &RoleSession) -> Result<Arc<CredentialCache>, ProviderError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let last_used = Instant::now();
        if let Some(found) = entries.get_mut(session) {
            found.last_used = last_used;
            return Ok(Arc::clone(&found.cache));
        }
        if entries.len() >= MAX_SESSIONS {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.last_used);
            let oldest = oldest.map(|(session, _)| session.clone());
            oldest.and_then(|session| entries.remove(&session));
        }
        let limit = Arc::clone(&self.limit);
        let provider = Arc::new(LimitedProvider { provider: (self.open)(session)?, limit });
        let random = Arc::clone(&self.random);
        let cache = Arc::new(CredentialCache::new(provider, self.longest_form, random));
        entries.insert(session.clone(), SessionEntry { cache: Arc::clone(&cache), last_used });
        Ok(cache)
    }
}

impl fmt::Debug for SessionPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SessionPool").finish_non_exhaustive()
    }
}

/// Calls its provider only as often as the limit allows.
#[derive(Debug)]
struct LimitedProvider {
    provider: Arc<dyn Provider>,
    limit: Arc<SessionRateLimit>,
}

impl Provider for LimitedProvider {
    fn name(&self) -> &'static str {
        self.provider.name()
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(async move {
            if self.limit.acquire(request.now).await {
                return self.provider.fetch(request).await;
            }
            let reason = format!("{SESSIONS_PER_SECOND} sessions a second are opened and no more");
            Err(ProviderError::temporary(reason))
        })
    }
}

/// Limits the rate of new sessions: by a token bucket, or in the store.
#[derive(Debug)]
struct SessionRateLimit {
    bucket: Mutex<TokenBucket>,
    store: Option<Arc<SharedStore>>,
}

#[derive(Debug)]
struct TokenBucket {
    tokens: f64,
    updated: Instant,
}

impl SessionRateLimit {
    fn new(store: Option<Arc<SharedStore>>) -> Self {
        let tokens = f64::from(SESSIONS_PER_SECOND);
        Self { bucket: Mutex::new(TokenBucket { tokens, updated: Instant::now() }), store }
    }

    async fn acquire(&self, now: Timestamp) -> bool {
        let Some(store) = &self.store else { return self.acquire_here(Instant::now()) };
        let budget = SharedBudget {
            name: store.name(&["sessions"]),
            grants: Some(SESSIONS_PER_SECOND.into()),
            bytes: None,
            window: Duration::from_secs(1),
        };
        let admission = Admission { budgets: &[budget], ticket: None, sizes: &[0] };
        match store.count(&admission, now).await {
            Ok(Admitted::Counted(waits)) => waits.iter().all(Option::is_none),
            Ok(Admitted::TicketUsed) => false,
            // STS has a limit of its own, so nothing is given away if each instance counts by itself for a moment.
            Err(_) => self.acquire_here(Instant::now()),
        }
    }

    fn acquire_here(&self, now: Instant) -> bool {
        let capacity = f64::from(SESSIONS_PER_SECOND);
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(bucket.updated).as_secs_f64();
        bucket.tokens = capacity.min(bucket.tokens + since * capacity);
        bucket.updated = now;
        let is_acquired = bucket.tokens >= 1.0;
        if is_acquired {
            bucket.tokens -= 1.0;
        }
        is_acquired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::test_provider::TestProvider;

    /// The providers that were opened, in order.
    type Opened = Arc<Mutex<Vec<Arc<TestProvider>>>>;

    fn sessions(sources: &Opened) -> SessionPool {
        let sources = Arc::clone(sources);
        let open: OpenSession = Box::new(move |_| {
            let source = TestProvider::new("assume-role", vec![]);
            sources.lock().unwrap().push(Arc::clone(&source));
            Ok(source)
        });
        SessionPool::new(open, Duration::from_mins(10), Arc::new(|| Ok([128; 16])))
    }

    fn session(number: usize) -> RoleSession {
        RoleSession { policy: format!("policy-{number}"), name: "same".to_owned(), duration: None }
    }

    fn now() -> Timestamp {
        Timestamp::from_unix(1_000).unwrap()
    }

    #[test]
    fn a_session_is_named_after_its_caller() {
        let name = |subject: &str| RoleSession::for_subject(subject, String::new()).name;
        assert_eq!(name("alice@example.com"), "alice@example.com");
        let odd = ["a", "用户", "al ice", "al  ice", "alice|1", &"x".repeat(33), &"x".repeat(64)];
        let mut names = odd.map(name);
        assert!(names.iter().all(|name| (9..=MAX_NAME).contains(&name.len())), "{names:?}");
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_policy_has_its_own_session_and_one_fetch() {
        let sources = Opened::default();
        let sessions = sessions(&sources);
        for _ in 0..3 {
            for number in 0..5 {
                sessions.provide(&session(number), None, now()).await.unwrap();
            }
        }
        let opened = sources.lock().unwrap();
        assert_eq!(opened.len(), 5);
        assert!(opened.iter().all(|source| source.fetches() == 1));
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_new_sessions_are_refused_and_never_replaced_by_a_wider_one() {
        let sources = Opened::default();
        let sessions = sessions(&sources);
        let mut refused = Vec::new();
        for number in 0..60 {
            refused.extend(sessions.provide(&session(number), None, now()).await.err());
        }
        assert_eq!(refused.len(), 10);
        assert_eq!(refused[0].error.reason, "50 sessions a second are opened and no more");
        assert!(!refused[0].retry_after.is_zero());
        // An open session stays, and a second later new ones can be opened.
        sessions.provide(&session(0), None, now()).await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        sessions.provide(&session(59), None, now()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_session_that_was_used_longest_ago_is_dropped_for_a_new_one() {
        let sources = Opened::default();
        let sessions = sessions(&sources);
        for number in 0..=MAX_SESSIONS {
            tokio::time::advance(Duration::from_millis(25)).await;
            sessions.provide(&session(number), None, now()).await.unwrap();
            sessions.provide(&session(0), None, now()).await.unwrap();
        }
        assert_eq!(sessions.entries.lock().unwrap().len(), MAX_SESSIONS);
        sessions.provide(&session(0), None, now()).await.unwrap();
        assert_eq!(sources.lock().unwrap().len(), MAX_SESSIONS + 1);
        sessions.provide(&session(1), None, now()).await.unwrap();
        assert_eq!(sources.lock().unwrap().len(), MAX_SESSIONS + 2);
    }
}
