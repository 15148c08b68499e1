//! Public keys behind a URL, or whatever else changes seldom: fetched when it is wanted, and kept.
//!
//! One caller at a time fetches: the others wait and look again. Nothing is spawned, since a frozen
//! instance does not tick, and a caller who goes away leaves the turn to the next one. Where what is kept
//! does not do, it is fetched anew, but twice a minute at most, or strangers could make us call out. While
//! nobody answers there, what is old goes on being good for a day.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Uri;
use http::header::ACCEPT;
use http::header::CACHE_CONTROL;

use crate::http_client::HttpClient;
use crate::http_client::Terms;
use crate::time::Timestamp;

/// How long after an answer there may be another question. What came is good for that long in any case.
const MIN_AGE: Duration = Duration::from_secs(30);

/// How long after a failure nobody tries again.
const PAUSE: Duration = Duration::from_secs(5);

/// How long what is old is good while there is nothing new.
const MAX_STALENESS: Duration = Duration::from_hours(24);

/// What is behind a URL.
pub struct Source<T> {
    /// What it is called in the log.
    pub name: &'static str,
    /// Where it is.
    pub uri: Uri,
    /// The type that is asked for.
    pub accept: &'static str,
    /// How long it is good without asking again; the other end may say less.
    pub max_age: Duration,
    /// How long an answer may take, and be.
    pub terms: Terms,
    /// Reads an answer's body; one of no use is none.
    pub read: fn(&[u8]) -> Option<T>,
}

/// Keeps what is behind a URL.
pub struct Kept<T> {
    source: Source<T>,
    known: Mutex<Known<T>>,
    /// Held by the one who fetches.
    turn: tokio::sync::Mutex<()>,
}

/// What is known of it.
#[derive(Clone)]
struct Known<T> {
    value: Option<T>,
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

impl<T: Clone> Kept<T> {
    /// Will keep what is there, and asks for nothing yet.
    #[must_use]
    pub fn new(source: Source<T>) -> Self {
        let known = Known {
            value: None,
            fresh_until: None,
            usable_until: None,
            next_attempt: None,
            attempts: 0,
        };
        Self { source, known: Mutex::new(known), turn: tokio::sync::Mutex::default() }
    }

    /// Tells where it is.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.source.uri
    }

    /// Tells whether nothing would be lost without it: there is nothing, and nobody has just looked.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let known = self.known();
        !known.is_usable(now) && known.next_attempt.is_none_or(|next| next <= now)
    }

    /// Gives what is there if it will do.
    pub async fn find(
        &self,
        will_do: &(dyn Fn(&T) -> bool + Sync),
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<T, Missing> {
        loop {
            let known = self.known();
            let found = known.value.as_ref().filter(|value| will_do(value));
            if let Some(found) = found.filter(|_| known.is_fresh(now)) {
                return Ok(found.clone());
            }
            if known.next_attempt.is_some_and(|next| now < next) {
                let usable = found.filter(|_| known.is_usable(now));
                return usable.cloned().ok_or_else(|| known.missing(now));
            }
            let _turn = self.turn.lock().await;
            // Whoever held the turn before may have brought what is wanted.
            if self.known().attempts == known.attempts {
                let answer = fetch(self.request(), self.source.terms, http).await;
                self.keep(answer, now);
            }
        }
    }

    fn known(&self) -> Known<T> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, answer: Result<Response<Bytes>, String>, now: Timestamp) {
        let read = answer.and_then(|answer| {
            let value = (self.source.read)(answer.body()).ok_or("the answer is of no use")?;
            Ok((value, max_age(answer.headers(), self.source.max_age)))
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.attempts += 1;
        match read {
            Ok((value, max_age)) => {
                known.value = Some(value);
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

    fn request(&self) -> Request<Bytes> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.source.uri.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(self.source.accept));
        request
    }
}

impl<T> Known<T> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fresh_until.is_some_and(|end| now < end)
    }

    fn is_usable(&self, now: Timestamp) -> bool {
        self.usable_until.is_some_and(|end| now < end)
    }

    fn missing(&self, now: Timestamp) -> Missing {
        let next = self.next_attempt.map_or(0, Timestamp::unix);
        let retry_after = u64::try_from(next.saturating_sub(now.unix())).unwrap_or(0).max(1);
        Missing { is_known: self.is_fresh(now), retry_after }
    }
}

/// An address may hold a key of its own, so only the host shows.
impl<T> fmt::Debug for Source<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Source({})", self.uri.host().unwrap_or_default())
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Kept").field("source", &self.source).finish_non_exhaustive()
    }
}

async fn fetch(
    request: Request<Bytes>,
    terms: Terms,
    http: &dyn HttpClient,
) -> Result<Response<Bytes>, String> {
    let answer = http.send(request, terms).await.map_err(|error| error.to_string())?;
    if answer.status() == StatusCode::OK {
        Ok(answer)
    } else {
        Err(format!("it was answered with {}", answer.status().as_u16()))
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
