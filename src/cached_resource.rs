//! A value behind a URL, such as a set of public keys: fetched when it is needed, and shared.
//!
//! One caller at a time fetches; the others wait and look again. Nothing is spawned, because a frozen instance
//! does not run tasks, and a caller that goes away leaves the fetch to the next one. A caller that cannot use
//! the value may demand a newer one, but there are at most two fetches a minute: otherwise strangers could
//! make the function send requests without end. While fetches fail, the old value stays usable for a day.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};

use crate::net::{HttpClient, RequestLimits};
use crate::time::Timestamp;

/// Pause after a successful fetch, and the least time for which its value is fresh.
const MIN_AGE: Duration = Duration::from_secs(30);

/// Pause after a failed fetch.
const BACKOFF: Duration = Duration::from_secs(5);

/// How long a value stays usable while fetches fail.
const MAX_STALENESS: Duration = Duration::from_hours(24);

/// Describes a resource and how it is read.
pub struct ResourceOptions<T> {
    /// Its name in log messages.
    pub name: &'static str,
    /// Its URL, which may contain a secret.
    pub uri: Uri,
    /// The value of the `Accept` header.
    pub accept: &'static str,
    /// Reads the body of a response; `None` for an unusable one.
    pub parse: fn(&[u8]) -> Option<T>,
    /// How long a value is fresh, unless the server's `Cache-Control` says less.
    pub max_age: Duration,
    /// The limits of one fetch.
    pub limits: RequestLimits,
}

/// One resource and its cached value.
pub struct CachedResource<T> {
    options: ResourceOptions<T>,
    state: Mutex<State<T>>,
    /// Held by the caller that fetches.
    fetch_lock: tokio::sync::Mutex<()>,
}

/// There is no usable value now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceUnavailable {
    /// Seconds after which another attempt may succeed.
    pub retry_after: u64,
}

impl<T> CachedResource<T> {
    /// Fetches nothing yet.
    #[must_use]
    pub fn new(options: ResourceOptions<T>) -> Self {
        Self { options, state: Mutex::default(), fetch_lock: tokio::sync::Mutex::default() }
    }

    /// Returns the URL.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.options.uri
    }

    /// Returns the value: the cached one while it is fresh, otherwise a fetched one. After a failed fetch
    /// this is the old value, as long as it is usable.
    pub async fn get(
        &self,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Arc<T>, ResourceUnavailable> {
        self.find(None, now, http).await
    }

    /// Returns a newer value than `rejected`, which [`get`](Self::get) has returned before. This is
    /// `rejected` itself when the last successful fetch was a moment ago.
    pub async fn get_newer(
        &self,
        rejected: &Arc<T>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Arc<T>, ResourceUnavailable> {
        self.find(Some(rejected), now, http).await
    }

    async fn find(
        &self,
        rejected: Option<&Arc<T>>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Arc<T>, ResourceUnavailable> {
        loop {
            let (answer, attempts) = {
                let state = self.state();
                (state.answer(rejected, now), state.attempts)
            };
            if let Some(answer) = answer {
                return answer;
            }
            let _lock = self.fetch_lock.lock().await;
            // The previous holder of the lock may have fetched.
            if self.state().attempts == attempts {
                let fetched = self.fetch(http).await;
                self.store(fetched, now);
            }
        }
    }

    async fn fetch(&self, http: &dyn HttpClient) -> Result<(T, Duration), String> {
        let ResourceOptions { uri, accept, parse, max_age, limits, .. } = &self.options;
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        let response: Response<Bytes> =
            http.send(request, *limits).await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("it was answered with {}", response.status().as_u16()));
        }
        let value = parse(response.body()).ok_or_else(|| "the answer is of no use".to_owned())?;
        Ok((value, fresh_for(response.headers(), *max_age)))
    }

    fn store(&self, fetched: Result<(T, Duration), String>, now: Timestamp) {
        let mut state = self.state();
        state.attempts += 1;
        match fetched {
            Ok((value, fresh_for)) => {
                state.value = Some(Arc::new(value));
                state.fresh_until = Some(now.plus(fresh_for));
                state.usable_until = Some(now.plus(MAX_STALENESS));
                state.next_attempt = Some(now.plus(MIN_AGE));
            }
            Err(error) => {
                state.next_attempt = Some(now.plus(BACKOFF));
                tracing::warn!("{} cannot be fetched: {error}", self.options.name);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State<T> {
    value: Option<Arc<T>>,
    /// Until then the value is returned without a fetch.
    fresh_until: Option<Timestamp>,
    /// Until then the value is returned when a fetch fails.
    usable_until: Option<Timestamp>,
    /// There is no fetch before.
    next_attempt: Option<Timestamp>,
    /// The number of fetches so far.
    attempts: u64,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { value: None, fresh_until: None, usable_until: None, next_attempt: None, attempts: 0 }
    }
}

impl<T> State<T> {
    /// Returns what a caller gets without a fetch; `None` when a fetch is due.
    fn answer(
        &self,
        rejected: Option<&Arc<T>>,
        now: Timestamp,
    ) -> Option<Result<Arc<T>, ResourceUnavailable>> {
        let is_fresh = is_before(now, self.fresh_until);
        let is_wanted = |value: &&Arc<T>| !rejected.is_some_and(|old| Arc::ptr_eq(old, value));
        let wanted = self.value.as_ref().filter(is_wanted);
        if let Some(value) = wanted.filter(|_| is_fresh) {
            return Some(Ok(Arc::clone(value)));
        }
        if !is_before(now, self.next_attempt) {
            return None;
        }
        let usable = wanted.filter(|_| is_before(now, self.usable_until));
        // A fresh value is the newest that there is, rejected or not.
        let value = usable.or(self.value.as_ref().filter(|_| is_fresh));
        let next = self.next_attempt.map_or(0, Timestamp::unix);
        let retry_after = u64::try_from(next.saturating_sub(now.unix())).unwrap_or(0).max(1);
        Some(value.map(Arc::clone).ok_or(ResourceUnavailable { retry_after }))
    }
}

fn is_before(now: Timestamp, end: Option<Timestamp>) -> bool {
    end.is_some_and(|end| now < end)
}

/// Reads how long the server lets its response be cached, within our own bounds.
fn fresh_for(headers: &HeaderMap, max_age: Duration) -> Duration {
    let mut directives = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let seconds = directives.find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse().ok())?
    });
    seconds.map_or(max_age, Duration::from_secs).clamp(MIN_AGE, max_age)
}

/// The URL may contain a secret, so only its host is shown.
impl<T> fmt::Debug for CachedResource<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.options.uri.host().unwrap_or_default();
        write!(formatter, "CachedResource({host})")
    }
}

impl<T> fmt::Debug for ResourceOptions<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ResourceOptions({})", self.uri.host().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::net::{ResponseFuture, SendError};

    /// Returns the queued bodies, `None` as a failure, and panics when there are no more.
    #[derive(Debug)]
    struct Server(Mutex<VecDeque<Option<&'static str>>>);

    impl Server {
        fn new(bodies: &[Option<&'static str>]) -> Self {
            Self(Mutex::new(bodies.iter().copied().collect()))
        }
    }

    impl HttpClient for Server {
        fn send(&self, _: Request<Bytes>, _: RequestLimits) -> ResponseFuture<'_> {
            let body = self.0.lock().unwrap().pop_front().unwrap();
            Box::pin(async move {
                tokio::task::yield_now().await;
                body.map(|body| Response::new(Bytes::from(body))).ok_or(SendError::TimedOut)
            })
        }
    }

    fn resource() -> CachedResource<String> {
        CachedResource::new(ResourceOptions {
            name: "the resource",
            uri: Uri::from_static("https://keys.example/marker"),
            accept: "*/*",
            parse: |body| String::from_utf8(body.to_vec()).ok().filter(|text| !text.is_empty()),
            max_age: Duration::from_mins(10),
            limits: RequestLimits {
                timeout: Duration::from_secs(1),
                max_body: 10,
                use_proxy: false,
            },
        })
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + seconds).unwrap()
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_fetch_and_one_value() {
        let (resource, server) = (resource(), Server::new(&[Some("a")]));
        let (first, second) =
            tokio::join!(resource.get(at(0), &server), resource.get(at(0), &server));
        assert!(Arc::ptr_eq(&first.unwrap(), &second.unwrap()));
    }

    #[tokio::test]
    async fn an_old_value_is_replaced_and_survives_failures_for_a_day() {
        let day = 24 * 60 * 60;
        let (resource, server) = (resource(), Server::new(&[Some("a"), None, Some(""), None]));
        assert_eq!(*resource.get(at(0), &server).await.unwrap(), "a");
        assert_eq!(*resource.get(at(599), &server).await.unwrap(), "a");
        assert_eq!(*resource.get(at(600), &server).await.unwrap(), "a");
        assert_eq!(*resource.get(at(604), &server).await.unwrap(), "a");
        assert_eq!(*resource.get(at(605), &server).await.unwrap(), "a");
        let missing = resource.get(at(day), &server).await;
        assert_eq!(missing, Err(ResourceUnavailable { retry_after: 5 }));
        let missing = resource.get(at(day + 4), &server).await;
        assert_eq!(missing, Err(ResourceUnavailable { retry_after: 1 }));
        assert!(server.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_rejected_value_is_fetched_anew_at_most_twice_a_minute() {
        let (resource, server) = (resource(), Server::new(&[Some("a"), Some("b"), None]));
        let first = resource.get(at(0), &server).await.unwrap();
        let same = resource.get_newer(&first, at(29), &server).await.unwrap();
        assert!(Arc::ptr_eq(&first, &same));
        let second = resource.get_newer(&first, at(30), &server).await.unwrap();
        assert_eq!(*second, "b");
        // Another caller rejects the first value only now, and gets the second without a fetch.
        let newer = resource.get_newer(&first, at(60), &server).await.unwrap();
        assert!(Arc::ptr_eq(&second, &newer));
        // The fetch fails, and the second value is still fresh: there is no newer one.
        let same = resource.get_newer(&second, at(60), &server).await.unwrap();
        assert!(Arc::ptr_eq(&second, &same));
    }

    #[tokio::test]
    async fn a_rejected_value_that_is_no_longer_fresh_is_not_returned() {
        let (resource, server) = (resource(), Server::new(&[Some("a"), None]));
        let old = resource.get(at(0), &server).await.unwrap();
        let missing = resource.get_newer(&old, at(600), &server).await;
        assert_eq!(missing, Err(ResourceUnavailable { retry_after: 5 }));
    }

    #[test]
    fn debug_output_shows_the_host_only() {
        assert_eq!(format!("{:?}", resource()), "CachedResource(keys.example)");
    }
}
