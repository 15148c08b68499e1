//! Public keys behind a URL, or whatever else changes seldom: fetched when it is wanted, and kept.
//!
//! One caller at a time fetches: the others wait and look again. Nothing is spawned, since a frozen
//! instance does not tick, and a caller who goes away leaves the turn to the next one. Where what is kept
//! does not do, it is fetched anew, but twice a minute at most, or strangers could make us call out. While
//! nobody answers there, what is old goes on being good for a day.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};

use crate::net::{HttpClient, RequestLimits};
use crate::time::Timestamp;

/// How long after an answer there may be another question. What came is good for that long in any case.
const MIN_AGE: Duration = Duration::from_secs(30);

const NO_USE: &str = "the answer is of no use";

/// How long after a failure nobody tries again.
const PAUSE: Duration = Duration::from_secs(5);

/// How long what is old is good while there is nothing new.
const MAX_STALENESS: Duration = Duration::from_hours(24);

/// What is behind a URL.
pub struct Source {
    /// What it is called in the log.
    pub name: &'static str,
    /// Where it is.
    pub uri: Uri,
    /// The type that is asked for.
    pub accept: &'static str,
    /// How long it is good without asking again; the other end may say less.
    pub max_age: Duration,
    /// How long an answer may take, and be.
    pub limits: RequestLimits,
}

/// What somebody wants of it, and where it is put.
pub trait Wanted: Sync {
    /// Tells whether what is there will do.
    fn will_do(&self) -> bool;

    /// Puts the body of an answer there; one of no use is not taken.
    fn put(&self, body: &[u8]) -> bool;
}

/// Knows of what is behind a URL how good it still is; the thing itself is its owner's.
pub struct Kept {
    source: Source,
    known: Mutex<Known>,
    /// Held by the one who fetches.
    turn: tokio::sync::Mutex<()>,
}

/// What is known of it.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Until when it is good without asking again.
    fresh_until: Option<Timestamp>,
    /// Until when it is good if nobody answers.
    usable_until: Option<Timestamp>,
    /// Before this moment nobody asks.
    next_attempt: Option<Timestamp>,
    /// How often somebody has asked.
    attempts: u64,
}

/// Says that there is nothing that would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whether what is kept is fresh, so that asking again would bring nothing else.
    pub is_known: bool,
    /// After how many seconds asking again may help.
    pub retry_after: u64,
}

impl Kept {
    /// Will look after what is there, and asks for nothing yet.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { source, known: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Tells where it is.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.source.uri
    }

    /// Sees to it that what is there will do.
    pub async fn find(
        &self,
        wanted: &dyn Wanted,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<(), Missing> {
        loop {
            let known = self.known();
            let will_do = wanted.will_do();
            if will_do && is_before(now, known.fresh_until) {
                return Ok(());
            }
            if is_before(now, known.next_attempt) {
                let is_usable = will_do && is_before(now, known.usable_until);
                return if is_usable { Ok(()) } else { Err(known.missing(now)) };
            }
            let _turn = self.turn.lock().await;
            // Whoever held the turn before may have brought what is wanted.
            if self.known().attempts == known.attempts {
                let answer = self.fetch(http).await;
                self.keep(answer, wanted, now);
            }
        }
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, answer: Result<Response<Bytes>, String>, wanted: &dyn Wanted, now: Timestamp) {
        let answer = answer.and_then(|answer| {
            if wanted.put(answer.body()) { Ok(answer) } else { Err(NO_USE.to_owned()) }
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.attempts += 1;
        match answer {
            Ok(answer) => {
                let max_age = max_age(answer.headers(), self.source.max_age);
                known.fresh_until = Some(now.plus(max_age));
                known.usable_until = Some(now.plus(MAX_STALENESS));
                known.next_attempt = Some(now.plus(MIN_AGE));
            }
            Err(error) => {
                known.next_attempt = Some(now.plus(PAUSE));
                tracing::warn!("{} cannot be fetched: {error}", self.source.name);
            }
        }
    }

    async fn fetch(&self, http: &dyn HttpClient) -> Result<Response<Bytes>, String> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.source.uri.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(self.source.accept));
        let answer =
            http.send(request, self.source.limits).await.map_err(|error| error.to_string())?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => Err(format!("it was answered with {}", status.as_u16())),
        }
    }
}

impl Known {
    fn missing(&self, now: Timestamp) -> Missing {
        let next = self.next_attempt.map_or(0, Timestamp::unix);
        let retry_after = u64::try_from(next.saturating_sub(now.unix())).unwrap_or(0).max(1);
        Missing { is_known: is_before(now, self.fresh_until), retry_after }
    }
}

fn is_before(now: Timestamp, end: Option<Timestamp>) -> bool {
    end.is_some_and(|end| now < end)
}

/// An address may hold a key of its own, so only the host shows.
impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Kept({})", self.source.uri.host().unwrap_or_default())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Source({})", self.uri.host().unwrap_or_default())
    }
}

/// Reads how long the other end lets its answer be kept, within our own bounds.
fn max_age(headers: &HeaderMap, most: Duration) -> Duration {
    let mut directives = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let seconds = directives.find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse().ok())?
    });
    seconds.map_or(most, Duration::from_secs).clamp(MIN_AGE, most)
}
