//! A session of a role for each caller: whoever finds a caller's key can reach that caller's folder
//! and no other.
//!
//! Each costs a call to STS, which takes a hundred a second from a whole account; so there are at
//! most [`MAX_SESSIONS`] at a time, at most [`SESSIONS_PER_SECOND`] new ones a second, and one fetch
//! for each however many ask at once. What does not fit is refused: a caller is never given the key
//! of a wider session instead.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::RandomSource;
use crate::credentials::RoleKeys;
use crate::credentials::cache::Cache;
use crate::credentials::cache::Empty;
use crate::crypto;
use crate::time::Timestamp;

/// How many sessions are kept; the one that was used longest ago makes room.
pub const MAX_SESSIONS: usize = 1000;

/// How many new sessions are asked for in a second, by one instance: half of what an account has.
pub const SESSIONS_PER_SECOND: u32 = 50;

/// The longest name of a session that old and new texts of STS agree on.
const MAX_NAME: usize = 32;

/// Which session a caller needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// The session policy.
    pub policy: String,
    /// The name in audit logs.
    pub name: String,
}

impl Session {
    /// Names the session of this caller, in the characters and the length that STS takes. Two names
    /// that would look the same get a trace of what they were.
    #[must_use]
    pub fn of(subject: &str, policy: String) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_');
        if (2..=MAX_NAME).contains(&subject.len()) && subject.chars().all(plain) {
            return Self { policy, name: subject.to_owned() };
        }
        let trace = crypto::hex(&crypto::hmac_sha256(b"session", subject.as_bytes())[..4]);
        let kept: String = subject.chars().filter(|c| plain(*c)).take(MAX_NAME - 9).collect();
        Self { policy, name: format!("{kept}-{trace}") }
    }
}

/// Makes the provider of one session.
pub type Open = Box<dyn Fn(&Session) -> Result<Arc<dyn Provider>, Failure> + Send + Sync>;

/// The sessions that are open.
pub struct Sessions {
    open: Open,
    longest: Duration,
    draw: RandomSource,
    limit: Arc<Limit>,
    kept: Mutex<HashMap<Session, Kept>>,
}

struct Kept {
    cache: Arc<Cache>,
    used: Instant,
}

impl Sessions {
    /// Will open sessions with `open`, for forms that last `longest`.
    #[must_use]
    pub fn new(open: Open, longest: Duration, draw: RandomSource) -> Self {
        Self { open, longest, draw, limit: Arc::new(Limit::new()), kept: Mutex::default() }
    }

    /// Gives credentials of this session that are usable at `now`.
    pub async fn provide(
        &self,
        session: &Session,
        hint: Option<&RoleKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, Empty> {
        let refused = |failure| Empty { failure, retry_after: Duration::ZERO };
        self.find(session).map_err(refused)?.provide(hint, now).await
    }

    fn find(&self, session: &Session) -> Result<Arc<Cache>, Failure> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let used = Instant::now();
        if let Some(found) = kept.get_mut(session) {
            found.used = used;
            return Ok(Arc::clone(&found.cache));
        }
        if kept.len() >= MAX_SESSIONS {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.used);
            let oldest = oldest.map(|(session, _)| session.clone());
            oldest.and_then(|session| kept.remove(&session));
        }
        let source = Limited { source: (self.open)(session)?, limit: Arc::clone(&self.limit) };
        let cache = Arc::new(Cache::new(Arc::new(source), self.longest, Arc::clone(&self.draw)));
        kept.insert(session.clone(), Kept { cache: Arc::clone(&cache), used });
        Ok(cache)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// A provider that is asked only as often as the limit allows.
#[derive(Debug)]
struct Limited {
    source: Arc<dyn Provider>,
    limit: Arc<Limit>,
}

impl Provider for Limited {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        if self.limit.take(Instant::now()) {
            return self.source.fetch(errand);
        }
        let reason = format!("{SESSIONS_PER_SECOND} sessions a second are opened and no more");
        Box::pin(async { Err(Failure::temporary(reason)) })
    }
}

/// A bucket of turns that fills as time goes by.
#[derive(Debug)]
struct Limit(Mutex<Turns>);

#[derive(Debug)]
struct Turns {
    left: f64,
    counted: Instant,
}

impl Limit {
    fn new() -> Self {
        let turns = Turns { left: f64::from(SESSIONS_PER_SECOND), counted: Instant::now() };
        Self(Mutex::new(turns))
    }

    fn take(&self, now: Instant) -> bool {
        let most = f64::from(SESSIONS_PER_SECOND);
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(turns.counted).as_secs_f64();
        turns.left = most.min(turns.left + since * most);
        turns.counted = now;
        let enough = turns.left >= 1.0;
        if enough {
            turns.left -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::scripted::Scripted;

    /// The sources that were opened, in order.
    type Opened = Arc<Mutex<Vec<Arc<Scripted>>>>;

    fn sessions(sources: &Opened) -> Sessions {
        let sources = Arc::clone(sources);
        let open: Open = Box::new(move |_| {
            let source = Scripted::new("assume-role", vec![]);
            sources.lock().unwrap().push(Arc::clone(&source));
            Ok(source)
        });
        Sessions::new(open, Duration::from_mins(10), Arc::new(|| Ok([128; 16])))
    }

    fn session(number: usize) -> Session {
        Session { policy: format!("policy-{number}"), name: "same".to_owned() }
    }

    fn now() -> Timestamp {
        Timestamp::from_unix(1_000).unwrap()
    }

    #[test]
    fn a_session_is_named_after_its_caller() {
        let name = |subject: &str| Session::of(subject, String::new()).name;
        assert_eq!(name("alice@example.com"), "alice@example.com");
        let odd = ["a", "用户", "al ice", "al  ice", "alice|1", &"x".repeat(33), &"x".repeat(64)];
        let mut names = odd.map(name);
        assert!(names.iter().all(|name| (9..=MAX_NAME).contains(&name.len())), "{names:?}");
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_policy_has_a_session_of_its_own_and_one_fetch() {
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
    async fn too_many_new_sessions_are_refused_and_never_widened() {
        let sources = Opened::default();
        let sessions = sessions(&sources);
        let mut refused = Vec::new();
        for number in 0..60 {
            refused.extend(sessions.provide(&session(number), None, now()).await.err());
        }
        assert_eq!(refused.len(), 10);
        assert_eq!(refused[0].failure.reason, "50 sessions a second are opened and no more");
        assert!(!refused[0].retry_after.is_zero());
        // Who has a session keeps it, and a second later there are turns again.
        sessions.provide(&session(0), None, now()).await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        sessions.provide(&session(59), None, now()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_session_that_was_used_longest_ago_makes_room() {
        let sources = Opened::default();
        let sessions = sessions(&sources);
        for number in 0..=MAX_SESSIONS {
            tokio::time::advance(Duration::from_millis(25)).await;
            sessions.provide(&session(number), None, now()).await.unwrap();
            sessions.provide(&session(0), None, now()).await.unwrap();
        }
        assert_eq!(sessions.kept.lock().unwrap().len(), MAX_SESSIONS);
        sessions.provide(&session(0), None, now()).await.unwrap();
        assert_eq!(sources.lock().unwrap().len(), MAX_SESSIONS + 1);
        sessions.provide(&session(1), None, now()).await.unwrap();
        assert_eq!(sources.lock().unwrap().len(), MAX_SESSIONS + 2);
    }
}
