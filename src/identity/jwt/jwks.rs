//! Keys behind a URL, as identity providers publish them.
//!
//! Fetched when they are wanted, by one caller at a time: the others wait and look again. Nothing is
//! spawned, since a frozen instance does not tick, and a caller who goes away leaves the turn to the
//! next one. Keys are kept for ten minutes at most; an id that nobody knows asks for them anew, but
//! twice a minute at most, or strangers could make us call out. While the issuer cannot be reached,
//! old keys go on being good for a day.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::StatusCode;
use http::Uri;
use http::header::ACCEPT;
use http::header::CACHE_CONTROL;

use crate::http_client::HttpClient;
use crate::http_client::Terms;
use crate::identity::denied::Denied;
use crate::identity::jwt::head::Head;
use crate::identity::jwt::jwk;
use crate::identity::jwt::key::Key;
use crate::time::Timestamp;

/// How long keys are good without asking again; an issuer may say less.
const MAX_AGE: Duration = Duration::from_mins(10);

/// How long after an answer an unknown id may ask again. Keys are good for that long in any case.
const MIN_AGE: Duration = Duration::from_secs(30);

/// How long after a failure nobody tries again.
const PAUSE: Duration = Duration::from_secs(5);

/// How long old keys are good while there are no new ones.
const MAX_STALENESS: Duration = Duration::from_hours(24);

const TERMS: Terms = Terms { time: Duration::from_secs(3), max_body: 256 * 1024, proxy: true };

/// The address of a key set.
#[derive(Clone, PartialEq, Eq)]
pub struct JwksUrl(Uri);

impl JwksUrl {
    /// Reads `https://…`; on this machine itself `http://` will do.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const PROBLEM: &str =
            "a key set is at 'https://…', or at 'http://…' on this machine, without a password";
        let uri: Uri = text.parse().map_err(|_| PROBLEM)?;
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_here =
            bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let is_safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_here,
            _ => false,
        };
        let is_plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if is_safe && is_plain && !host.is_empty() { Ok(Self(uri)) } else { Err(PROBLEM) }
    }
}

/// A query may hold a key of its own, so only the host shows.
impl fmt::Debug for JwksUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JwksUrl({})", self.0.host().unwrap_or_default())
    }
}

/// A key set and what is known of it.
#[derive(Debug)]
pub(super) struct Jwks {
    url: JwksUrl,
    known: Mutex<Known>,
    /// Held by the one who fetches.
    turn: tokio::sync::Mutex<()>,
}

/// What is known of a key set.
#[derive(Clone, Debug, Default)]
struct Known {
    keys: Arc<[Key]>,
    /// Until when the keys are good without asking again.
    fresh_until: Option<Timestamp>,
    /// Until when they are good if nobody answers.
    usable_until: Option<Timestamp>,
    /// Before this moment nobody asks.
    next_attempt: Option<Timestamp>,
    /// How often somebody has asked.
    attempts: u64,
}

impl Jwks {
    pub(super) fn new(url: JwksUrl) -> Self {
        Self { url, known: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Finds the keys that could have signed a token.
    pub(super) async fn find(
        &self,
        head: &Head,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Vec<Key>, Denied> {
        loop {
            let known = self.known();
            let found = head.select(&known.keys);
            if !found.is_empty() && known.is_fresh(now) {
                return Ok(found);
            }
            if known.next_attempt.is_some_and(|next| now < next) {
                return known.settle(found, now);
            }
            let _turn = self.turn.lock().await;
            // Whoever held the turn before may have brought what is wanted.
            if self.known().attempts == known.attempts {
                let answer = self.fetch(http).await;
                self.keep(answer, now);
            }
        }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, answer: Result<Fetched, String>, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.attempts += 1;
        match answer {
            Ok(Fetched { keys, max_age }) => {
                known.keys = keys.into();
                known.fresh_until = Some(now.plus(max_age));
                known.usable_until = Some(now.plus(MAX_STALENESS));
                known.next_attempt = Some(now.plus(MIN_AGE));
            }
            Err(error) => {
                known.next_attempt = Some(now.plus(PAUSE));
                tracing::warn!("the key set behind UPLOAD_JWKS_URL cannot be fetched: {error}");
            }
        }
    }

    async fn fetch(&self, http: &dyn HttpClient) -> Result<Fetched, String> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.url.0.clone();
        let accept = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(ACCEPT, accept);
        let answer = http.send(request, TERMS).await.map_err(|error| error.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it was answered with {}", answer.status().as_u16()));
        }
        let keys = jwk::read_set(answer.body()).unwrap_or_default();
        if keys.is_empty() {
            return Err("the answer is no key set with a key that could be used".to_owned());
        }
        Ok(Fetched { keys, max_age: max_age(answer.headers()) })
    }
}

struct Fetched {
    keys: Vec<Key>,
    max_age: Duration,
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fresh_until.is_some_and(|end| now < end)
    }

    /// Decides with what is known, at a moment when nobody may ask.
    fn settle(&self, found: Vec<Key>, now: Timestamp) -> Result<Vec<Key>, Denied> {
        let is_usable = self.usable_until.is_some_and(|end| now < end);
        if is_usable && !found.is_empty() {
            return Ok(found);
        }
        if self.is_fresh(now) {
            return Err(Denied::TokenKeyUnknown);
        }
        let next = self.next_attempt.map_or(0, Timestamp::unix);
        let retry_after = u64::try_from(next.saturating_sub(now.unix())).unwrap_or(0).max(1);
        Err(Denied::JwksUnavailable { retry_after })
    }
}

/// Reads how long the issuer lets its keys be kept, within our own bounds.
fn max_age(headers: &HeaderMap) -> Duration {
    let mut directives = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let seconds = directives.find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse().ok())?
    });
    seconds.map_or(MAX_AGE, Duration::from_secs).clamp(MIN_AGE, MAX_AGE)
}
