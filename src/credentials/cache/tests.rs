//! The cache against a source that does what a test says, in time that a test moves.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::sync::Semaphore;
use tokio::time::advance;

use super::*;
use crate::credentials::Fetching;
use crate::secret::Secret;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// A source that gives a key of a set life, or what is queued before that.
#[derive(Debug)]
struct Source {
    life: u64,
    queue: Mutex<VecDeque<Result<Credentials, Failure>>>,
    fetches: AtomicUsize,
    /// A fetch takes one permit, and waits until there is one.
    gate: Semaphore,
}

impl Provider for Source {
    fn name(&self) -> &'static str {
        "test"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        let number = self.fetches.fetch_add(1, Ordering::Relaxed) + 1;
        let queued = self.queue.lock().unwrap().pop_front();
        let end = errand.now.plus(Duration::from_secs(self.life));
        Box::pin(async move {
            self.gate.acquire().await.unwrap().forget();
            queued.unwrap_or_else(|| Ok(key(&format!("key-{number}"), Some(end))))
        })
    }
}

fn key(id: &str, end: Option<Timestamp>) -> Credentials {
    let secret = Secret::new("s");
    Credentials { key_id: id.to_owned(), secret, token: None, usable_until: end }
}

/// A source, the cache before it, and a wall clock that can be set apart from the other.
struct Bench {
    source: Arc<Source>,
    cache: Arc<Cache>,
    start: Instant,
    jump: i64,
}

impl Bench {
    fn new(life: u64) -> Self {
        let source = Arc::new(Source {
            life,
            queue: Mutex::default(),
            fetches: AtomicUsize::new(0),
            gate: Semaphore::new(1_000_000),
        });
        let cache = Cache::new(
            Arc::clone(&source) as Arc<dyn Provider>,
            Duration::from_mins(10),
            Arc::new(|| Ok([128; 16])),
        );
        Self { source, cache: Arc::new(cache), start: Instant::now(), jump: 0 }
    }

    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.start.elapsed().as_secs()).unwrap();
        Timestamp::from_unix(1_732_687_781 + elapsed + self.jump).unwrap()
    }

    async fn ask(&self) -> Result<String, String> {
        let outcome = self.cache.provide(None, self.now()).await;
        outcome.map(|found| found.key_id.clone()).map_err(|empty| empty.failure.reason)
    }

    /// Starts an ask that runs when the test waits.
    fn start(&self) -> tokio::task::JoinHandle<Result<String, String>> {
        let (cache, now) = (Arc::clone(&self.cache), self.now());
        tokio::spawn(async move {
            let outcome = cache.provide(None, now).await;
            outcome.map(|found| found.key_id.clone()).map_err(|empty| empty.failure.reason)
        })
    }

    fn fetches(&self) -> usize {
        self.source.fetches.load(Ordering::Relaxed)
    }

    fn will(&self, outcome: Result<Credentials, Failure>) {
        self.source.queue.lock().unwrap().push_back(outcome);
    }

    fn shut(&self) {
        self.source.gate.forget_permits(usize::MAX);
    }

    fn open(&self) {
        self.source.gate.add_permits(1_000_000);
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
async fn ten_thousand_requests_at_a_cold_start_make_one_fetch() {
    let bench = Bench::new(HOUR);
    bench.shut();
    let asks: Vec<_> = (0..10_000).map(|_| bench.start()).collect();
    settle().await;
    assert_eq!(bench.fetches(), 1);
    bench.open();
    for ask in asks {
        assert_eq!(ask.await.unwrap().unwrap(), "key-1");
    }
    assert_eq!(bench.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ageing_key_is_served_at_once_while_one_caller_fetches() {
    let bench = Bench::new(HOUR);
    assert_eq!(bench.ask().await.unwrap(), "key-1");
    pass(48 * MINUTE).await;
    assert_eq!(bench.ask().await.unwrap(), "key-1");
    assert_eq!(bench.fetches(), 1, "still fresh");
    pass(2 * MINUTE).await;
    bench.shut();
    let fetching = bench.start();
    settle().await;
    for _ in 0..100 {
        assert_eq!(bench.ask().await.unwrap(), "key-1");
    }
    assert_eq!(bench.fetches(), 2);
    bench.open();
    assert_eq!(fetching.await.unwrap().unwrap(), "key-2");
    assert_eq!(bench.ask().await.unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn a_slow_fetch_does_not_hold_up_the_caller_who_could_be_served() {
    let bench = Bench::new(HOUR);
    bench.ask().await.unwrap();
    pass(50 * MINUTE).await;
    bench.shut();
    let before = Instant::now();
    assert_eq!(bench.ask().await.unwrap(), "key-1");
    assert_eq!(before.elapsed(), SPARE_PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_leaves_the_old_key_and_is_remembered_for_a_moment() {
    let bench = Bench::new(HOUR);
    bench.ask().await.unwrap();
    pass(50 * MINUTE).await;
    bench.will(Err(Failure::temporary("down")));
    for _ in 0..100 {
        assert_eq!(bench.ask().await.unwrap(), "key-1");
    }
    assert_eq!(bench.fetches(), 2);
    pass(2).await;
    assert_eq!(bench.ask().await.unwrap(), "key-3");
}

#[tokio::test(start_paused = true)]
async fn below_the_hard_margin_everybody_waits_or_is_told_when_to_come_back() {
    let bench = Bench::new(HOUR);
    bench.ask().await.unwrap();
    pass(59 * MINUTE).await;
    bench.will(Err(Failure::temporary("down")));
    let empty = bench.cache.provide(None, bench.now()).await.unwrap_err();
    assert_eq!((empty.failure.reason.as_str(), empty.retry_after), ("down", SETBACK));
    pass(1).await;
    let empty = bench.cache.provide(None, bench.now()).await.unwrap_err();
    assert_eq!(empty.retry_after, Duration::from_secs(1));
    assert_eq!(bench.fetches(), 2);
    pass(1).await;
    assert_eq!(bench.ask().await.unwrap(), "key-3");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up_before_the_request_is() {
    let bench = Bench::new(HOUR);
    bench.shut();
    let before = Instant::now();
    assert_eq!(bench.ask().await.unwrap_err(), "test: no answer in time");
    assert_eq!(before.elapsed(), LAST_PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_flight_to_the_next() {
    let bench = Bench::new(HOUR);
    bench.shut();
    let (first, second) = (bench.start(), bench.start());
    settle().await;
    assert_eq!(bench.fetches(), 1);
    first.abort();
    settle().await;
    assert_eq!(bench.fetches(), 2);
    bench.open();
    assert_eq!(second.await.unwrap().unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_while_no_request_does() {
    let bench = Bench::new(HOUR);
    bench.ask().await.unwrap();
    pass(48 * HOUR).await;
    settle().await;
    assert_eq!(bench.fetches(), 1);
    assert_eq!(bench.ask().await.unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_ahead_costs_one_fetch() {
    let mut bench = Bench::new(HOUR);
    bench.ask().await.unwrap();
    bench.jump = 3_600;
    assert_eq!(bench.ask().await.unwrap(), "key-2");
    assert_eq!(bench.ask().await.unwrap(), "key-2");
    // Back again: the key's end, told in the clock that was wrong, is told in the right one.
    bench.jump = 0;
    let credentials = bench.cache.provide(None, bench.now()).await.unwrap();
    assert_eq!(credentials.usable_until.unwrap().since(bench.now()), Duration::from_secs(HOUR));
    assert_eq!(bench.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_does_not_lengthen_a_key() {
    let mut bench = Bench::new(HOUR);
    bench.ask().await.unwrap();
    bench.jump = -7_200;
    pass(45 * MINUTE).await;
    let credentials = bench.cache.provide(None, bench.now()).await.unwrap();
    assert_eq!(credentials.usable_until.unwrap().since(bench.now()), Duration::from_mins(15));
    pass(14 * MINUTE).await;
    assert_eq!(bench.ask().await.unwrap(), "key-2");
}

#[tokio::test(start_paused = true)]
async fn a_key_of_fifteen_minutes_is_not_fetched_for_every_request() {
    let bench = Bench::new(15 * MINUTE);
    for _ in 0..HOUR {
        bench.ask().await.unwrap();
        pass(1).await;
    }
    assert_eq!(bench.fetches(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_rotates_late_is_not_asked_by_every_request() {
    let bench = Bench::new(HOUR);
    let end = bench.now().plus(Duration::from_secs(HOUR));
    // Until five minutes before its end the source gives the same key.
    for _ in 0..60 {
        bench.will(Ok(key("same", Some(end))));
    }
    for _ in 0..55 * MINUTE {
        assert_eq!(bench.ask().await.unwrap(), "same");
        pass(1).await;
    }
    assert!((2..20).contains(&bench.fetches()), "{}", bench.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_long_lived_key_is_looked_at_again_now_and_then_and_kept_if_that_fails() {
    let bench = Bench::new(HOUR);
    bench.will(Ok(key("file", None)));
    bench.will(Err(Failure::permanent("the file is broken")));
    bench.will(Ok(key("rotated", None)));
    assert_eq!(bench.ask().await.unwrap(), "file");
    pass(6 * MINUTE).await;
    assert_eq!(bench.ask().await.unwrap(), "file");
    pass(2).await;
    assert_eq!(bench.ask().await.unwrap(), "rotated");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_ends_within_moments_is_not_taken() {
    let bench = Bench::new(60);
    let reason = bench.ask().await.unwrap_err();
    assert!(reason.starts_with("the key that was given ends within moments"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn replicas_that_started_together_do_not_fetch_together() {
    let renewed_after = |byte: u8| async move {
        let mut bench = Bench::new(HOUR);
        let cache = Cache::new(
            Arc::clone(&bench.source) as Arc<dyn Provider>,
            Duration::from_mins(10),
            Arc::new(move || Ok([byte; 16])),
        );
        bench.cache = Arc::new(cache);
        let mut minutes = 0;
        while bench.fetches() < 2 {
            bench.ask().await.unwrap();
            pass(10).await;
            minutes += 1;
        }
        minutes
    };
    let (early, late) = (renewed_after(255).await, renewed_after(0).await);
    assert!(late - early >= 12, "{early} {late}");
}
