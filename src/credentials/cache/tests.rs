//! The cache with a scripted provider, in paused time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::time::advance;

use super::*;
use crate::credentials::FetchFuture;
use crate::secret::Secret;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Returns the queued outcomes, then keys that live for `life` seconds.
#[derive(Debug)]
struct QueuedProvider {
    life: u64,
    outcomes: Mutex<VecDeque<Result<Credentials, ProviderError>>>,
    fetches: AtomicUsize,
    /// A fetch waits for one permit.
    permits: Semaphore,
}

impl Provider for QueuedProvider {
    fn name(&self) -> &'static str {
        "test"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        let number = self.fetches.fetch_add(1, Ordering::Relaxed) + 1;
        let queued = self.outcomes.lock().unwrap().pop_front();
        let end = request.now.plus(Duration::from_secs(self.life));
        Box::pin(async move {
            self.permits.acquire().await.unwrap().forget();
            queued.unwrap_or_else(|| Ok(key(&format!("key-{number}"), Some(end))))
        })
    }
}

fn key(id: &str, end: Option<Timestamp>) -> Credentials {
    let secret = Secret::new("s");
    Credentials { key_id: id.to_owned(), secret, token: None, usable_until: end }
}

/// A cache, its provider, and a wall clock that can differ from the monotonic one.
struct CacheFixture {
    provider: Arc<QueuedProvider>,
    cache: Arc<CredentialCache>,
    start: Instant,
    jump: i64,
}

impl CacheFixture {
    fn new(life: u64) -> Self {
        let provider = Arc::new(QueuedProvider {
            life,
            outcomes: Mutex::default(),
            fetches: AtomicUsize::new(0),
            permits: Semaphore::new(1_000_000),
        });
        let cache = CredentialCache::new(
            Arc::clone(&provider) as Arc<dyn Provider>,
            Duration::from_mins(10),
            Arc::new(|| Ok([128; 16])),
        );
        Self { provider, cache: Arc::new(cache), start: Instant::now(), jump: 0 }
    }

    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.start.elapsed().as_secs()).unwrap();
        Timestamp::from_unix(1_732_687_781 + elapsed + self.jump).unwrap()
    }

    async fn provide(&self) -> Result<String, String> {
        let outcome = self.cache.provide(None, self.now()).await;
        outcome.map(|found| found.key_id.clone()).map_err(|error| error.error.reason)
    }

    /// Starts a task that calls the cache; it runs when the test waits.
    fn start(&self) -> tokio::task::JoinHandle<Result<String, String>> {
        let (cache, now) = (Arc::clone(&self.cache), self.now());
        tokio::spawn(async move {
            let outcome = cache.provide(None, now).await;
            outcome.map(|found| found.key_id.clone()).map_err(|error| error.error.reason)
        })
    }

    fn fetches(&self) -> usize {
        self.provider.fetches.load(Ordering::Relaxed)
    }

    fn queue(&self, outcome: Result<Credentials, ProviderError>) {
        self.provider.outcomes.lock().unwrap().push_back(outcome);
    }

    fn hold(&self) {
        self.provider.permits.forget_permits(usize::MAX);
    }

    fn release(&self) {
        self.provider.permits.add_permits(1_000_000);
    }
}

async fn pass(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_requests_at_a_cold_start_cause_one_fetch() {
    let fixture = CacheFixture::new(HOUR);
    fixture.hold();
    let provided: Vec<_> = (0..10_000).map(|_| fixture.start()).collect();
    settle().await;
    assert_eq!(fixture.fetches(), 1);
    fixture.release();
    for provide in provided {
        assert_eq!(provide.await.unwrap().unwrap(), "key-1");
    }
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_key_is_returned_at_once_while_one_caller_fetches() {
    let fixture = CacheFixture::new(HOUR);
    assert_eq!(fixture.provide().await.unwrap(), "key-1");
    pass(48 * MINUTE).await;
    assert_eq!(fixture.provide().await.unwrap(), "key-1");
    assert_eq!(fixture.fetches(), 1, "still fresh");
    pass(2 * MINUTE).await;
    fixture.hold();
    let fetching = fixture.start();
    settle().await;
    for _ in 0..100 {
        assert_eq!(fixture.provide().await.unwrap(), "key-1");
    }
    assert_eq!(fixture.fetches(), 2);
    fixture.release();
    assert_eq!(fetching.await.unwrap().unwrap(), "key-2");
    assert_eq!(fixture.provide().await.unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn a_slow_fetch_does_not_delay_a_caller_for_whom_there_is_a_usable_key() {
    let fixture = CacheFixture::new(HOUR);
    fixture.provide().await.unwrap();
    pass(50 * MINUTE).await;
    fixture.hold();
    let before = Instant::now();
    assert_eq!(fixture.provide().await.unwrap(), "key-1");
    assert_eq!(before.elapsed(), STALE_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_keeps_the_old_key_and_is_remembered_for_a_moment() {
    let fixture = CacheFixture::new(HOUR);
    fixture.provide().await.unwrap();
    pass(50 * MINUTE).await;
    fixture.queue(Err(ProviderError::temporary("down")));
    for _ in 0..100 {
        assert_eq!(fixture.provide().await.unwrap(), "key-1");
    }
    assert_eq!(fixture.fetches(), 2);
    pass(2).await;
    assert_eq!(fixture.provide().await.unwrap(), "key-3");
}

#[tokio::test(start_paused = true)]
async fn below_the_hard_margin_callers_wait_or_get_the_time_of_the_next_attempt() {
    let fixture = CacheFixture::new(HOUR);
    fixture.provide().await.unwrap();
    pass(59 * MINUTE).await;
    fixture.queue(Err(ProviderError::temporary("down")));
    let error = fixture.cache.provide(None, fixture.now()).await.unwrap_err();
    assert_eq!((error.error.reason.as_str(), error.retry_after), ("down", BACKOFF));
    pass(1).await;
    let error = fixture.cache.provide(None, fixture.now()).await.unwrap_err();
    assert_eq!(error.retry_after, Duration::from_secs(1));
    assert_eq!(fixture.fetches(), 2);
    pass(1).await;
    assert_eq!(fixture.provide().await.unwrap(), "key-3");
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_ends_before_the_request_does() {
    let fixture = CacheFixture::new(HOUR);
    fixture.hold();
    let before = Instant::now();
    assert_eq!(fixture.provide().await.unwrap_err(), "test: no answer in time");
    assert_eq!(before.elapsed(), EMPTY_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_fetch_to_the_next() {
    let fixture = CacheFixture::new(HOUR);
    fixture.hold();
    let (first, second) = (fixture.start(), fixture.start());
    settle().await;
    assert_eq!(fixture.fetches(), 1);
    first.abort();
    settle().await;
    assert_eq!(fixture.fetches(), 2);
    fixture.release();
    assert_eq!(second.await.unwrap().unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_between_requests() {
    let fixture = CacheFixture::new(HOUR);
    fixture.provide().await.unwrap();
    pass(48 * HOUR).await;
    settle().await;
    assert_eq!(fixture.fetches(), 1);
    assert_eq!(fixture.provide().await.unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_ahead_causes_one_fetch() {
    let mut fixture = CacheFixture::new(HOUR);
    fixture.provide().await.unwrap();
    fixture.jump = 3_600;
    assert_eq!(fixture.provide().await.unwrap(), "key-2");
    assert_eq!(fixture.provide().await.unwrap(), "key-2");
    // The wall clock is right again: the end that was stated by the wrong clock is corrected.
    fixture.jump = 0;
    let credentials = fixture.cache.provide(None, fixture.now()).await.unwrap();
    assert_eq!(credentials.usable_until.unwrap().since(fixture.now()), Duration::from_secs(HOUR));
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_does_not_lengthen_a_key() {
    let mut fixture = CacheFixture::new(HOUR);
    fixture.provide().await.unwrap();
    fixture.jump = -7_200;
    pass(45 * MINUTE).await;
    let credentials = fixture.cache.provide(None, fixture.now()).await.unwrap();
    assert_eq!(credentials.usable_until.unwrap().since(fixture.now()), Duration::from_mins(15));
    pass(14 * MINUTE).await;
    assert_eq!(fixture.provide().await.unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn a_key_of_fifteen_minutes_is_not_fetched_for_every_request() {
    let fixture = CacheFixture::new(15 * MINUTE);
    for _ in 0..HOUR {
        fixture.provide().await.unwrap();
        pass(1).await;
    }
    assert_eq!(fixture.fetches(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_renews_late_is_not_called_by_every_request() {
    let fixture = CacheFixture::new(HOUR);
    let end = fixture.now().plus(Duration::from_secs(HOUR));
    // The provider returns the same key until five minutes before its end.
    for _ in 0..60 {
        fixture.queue(Ok(key("same", Some(end))));
    }
    for _ in 0..55 * MINUTE {
        assert_eq!(fixture.provide().await.unwrap(), "same");
        pass(1).await;
    }
    assert!((2..20).contains(&fixture.fetches()), "{}", fixture.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_long_lived_key_is_read_again_now_and_then_and_kept_if_that_fails() {
    let fixture = CacheFixture::new(HOUR);
    fixture.queue(Ok(key("file", None)));
    fixture.queue(Err(ProviderError::permanent("the file is broken")));
    fixture.queue(Ok(key("rotated", None)));
    assert_eq!(fixture.provide().await.unwrap(), "file");
    pass(6 * MINUTE).await;
    assert_eq!(fixture.provide().await.unwrap(), "file");
    pass(2).await;
    assert_eq!(fixture.provide().await.unwrap(), "rotated");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_ends_within_moments_is_rejected() {
    let fixture = CacheFixture::new(60);
    let reason = fixture.provide().await.unwrap_err();
    assert!(reason.starts_with("the key that was given ends within moments"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn replicas_that_have_started_together_do_not_fetch_together() {
    let renewed_after = |byte: u8| async move {
        let mut fixture = CacheFixture::new(HOUR);
        let cache = CredentialCache::new(
            Arc::clone(&fixture.provider) as Arc<dyn Provider>,
            Duration::from_mins(10),
            Arc::new(move || Ok([byte; 16])),
        );
        fixture.cache = Arc::new(cache);
        let mut minutes = 0;
        while fixture.fetches() < 2 {
            fixture.provide().await.unwrap();
            pass(10).await;
            minutes += 1;
        }
        minutes
    };
    let (early, late) = (renewed_after(255).await, renewed_after(0).await);
    assert!(late - early >= 12, "{early} {late}");
}
