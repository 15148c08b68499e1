//! Keys behind a URL: fetched once, kept, rotated, outlived.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use insta::assert_snapshot;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::net::SendError;
use oss_upload_signer::time::Timestamp;
use serde_json::{Value, json};

use crate::callers::network::Network;
use crate::callers::{bearer, text, vectors};
use crate::support::app::{Answer, Function, NOW, SMALL};

const URL: &str = "https://login.example.com/keys?v=1";

/// A function whose keys are behind a URL, with a clock that can be set.
struct Bench {
    vectors: Value,
    function: Arc<Function>,
    network: Arc<Network>,
    clock: Arc<AtomicI64>,
}

impl Bench {
    fn new(network: Arc<Network>) -> Self {
        let mut environment = Environment::default();
        for (name, value) in
            SMALL.into_iter().chain([("UPLOAD_AUTH", "jwt"), ("UPLOAD_JWKS_URL", URL)])
        {
            environment.set(name, value);
        }
        let clock = Arc::new(AtomicI64::new(NOW));
        let reading = Arc::clone(&clock);
        let now = move || Timestamp::from_unix(reading.load(Ordering::Relaxed)).unwrap();
        let settings = Settings::load(&environment, None, now()).unwrap();
        let app = App::with_http(settings, Arc::clone(&network) as _).with_clock(now);
        Self { vectors: vectors(), function: Arc::new(Function::of(app)), network, clock }
    }

    fn keys(&self) -> String {
        self.vectors["jwks"].to_string()
    }

    fn at(&self, seconds_later: i64) -> &Self {
        self.clock.store(NOW + seconds_later, Ordering::Relaxed);
        self
    }

    async fn show(&self, token: &str) -> Answer {
        let header = bearer(text(&self.vectors, token));
        self.function.ask("", &[("authorization", &header)]).await
    }

    /// Gives the code, and how often the network was called until now.
    async fn seen(&self, token: &str) -> (String, usize) {
        let code = self.show(token).await.code();
        (code, self.network.calls())
    }
}

fn seen(code: &str, calls: usize) -> (String, usize) {
    (code.to_owned(), calls)
}

const GOOD: &str = "/tokens/es256";

#[tokio::test]
async fn keys_are_fetched_once_and_kept_for_ten_minutes() {
    let bench = Bench::new(Network::new());
    bench.network.will_answer(200, &bench.keys(), "public");
    for token in [GOOD, "/tokens/rs256", "/tokens/eddsa", "/tokens/no_kid"] {
        assert_eq!(bench.seen(token).await, seen("", 1), "{token}");
    }
    assert_eq!(bench.network.urls(), [format!("GET {URL}")]);
    assert_eq!(bench.at(599).seen(GOOD).await, seen("", 1));
    bench.network.will_answer(200, &bench.keys(), "public");
    assert_eq!(bench.at(600).seen(GOOD).await, seen("", 2));
}

#[tokio::test]
async fn an_issuer_may_say_less_than_ten_minutes_but_not_more_and_not_nothing() {
    for (cache, kept_for) in [
        ("public, max-age=120", 120),
        ("max-age=86400", 600),
        ("max-age=0, no-cache", 30),
        ("max-age=x", 600),
    ] {
        let bench = Bench::new(Network::new());
        bench.network.will_answer(200, &bench.keys(), cache);
        assert_eq!(bench.seen(GOOD).await, seen("", 1), "{cache}");
        assert_eq!(bench.at(kept_for - 1).seen(GOOD).await, seen("", 1), "{cache}");
        bench.network.will_answer(200, &bench.keys(), cache);
        assert_eq!(bench.at(kept_for).seen(GOOD).await, seen("", 2), "{cache}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_fetched_at_its_first_token() {
    let bench = Bench::new(Network::new());
    bench.network.will_answer(200, &bench.keys(), "public");
    assert_eq!(bench.seen(GOOD).await, seen("", 1));
    bench.network.will_answer(200, &bench.vectors["rotated"].to_string(), "public");
    assert_eq!(bench.at(30).seen("/rotated_token").await, seen("", 2));
    assert_eq!(bench.seen(GOOD).await, seen("token_key_unknown", 2), "gone with the old set");
}

#[tokio::test]
async fn strangers_cannot_make_us_call_out_more_than_twice_a_minute() {
    let bench = Bench::new(Network::new());
    bench.network.will_answer(200, &bench.keys(), "public");
    for later in [0, 1, 29] {
        assert_eq!(
            bench.at(later).seen("/rotated_token").await,
            seen("token_key_unknown", 1),
            "{later}"
        );
    }
    bench.network.will_answer(200, &bench.keys(), "public");
    for later in [30, 31, 59] {
        assert_eq!(
            bench.at(later).seen("/rotated_token").await,
            seen("token_key_unknown", 2),
            "{later}"
        );
    }
    assert_eq!(bench.seen(GOOD).await, seen("", 2));
    let hs256 = bench.at(90).seen("/tokens/hs256").await;
    assert_eq!(hs256, seen("token_algorithm_not_allowed", 2), "no set can hold a secret");
}

#[tokio::test]
async fn a_thousand_callers_at_once_share_one_fetch() {
    let bench = Bench::new(Network::held());
    bench.network.will_answer(200, &bench.keys(), "public");
    let header = bearer(text(&bench.vectors, GOOD));
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let (function, header) = (Arc::clone(&bench.function), header.clone());
            tokio::spawn(
                async move { function.ask("", &[("authorization", &header)]).await.code() },
            )
        })
        .collect();
    // One thread: after this everybody stands where they wait.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.network.calls(), 1);
    bench.network.release(1);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "");
    }
    assert_eq!(bench.network.calls(), 1);
}

#[tokio::test]
async fn a_thousand_callers_at_once_share_one_failure() {
    let bench = Bench::new(Network::held());
    bench.network.will(Err(SendError::TimedOut));
    let header = bearer(text(&bench.vectors, GOOD));
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let (function, header) = (Arc::clone(&bench.function), header.clone());
            tokio::spawn(
                async move { function.ask("", &[("authorization", &header)]).await.code() },
            )
        })
        .collect();
    bench.network.release(1);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "jwks_unavailable");
    }
    assert_eq!(bench.network.calls(), 1);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_turn_to_the_next() {
    let bench = Bench::new(Network::held());
    bench.network.will_answer(200, &bench.keys(), "public");
    let header = bearer(text(&bench.vectors, GOOD));
    let ask = || {
        let (function, header) = (Arc::clone(&bench.function), header.clone());
        tokio::spawn(async move { function.ask("", &[("authorization", &header)]).await.code() })
    };
    let (gone, stays) = (ask(), ask());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    bench.network.release(1);
    assert_eq!(stays.await.unwrap(), "");
    assert_eq!(bench.network.calls(), 2, "the first call was broken off");
}

#[tokio::test]
async fn old_keys_outlive_an_outage_by_a_day() {
    const DAY: i64 = 86_400;
    let bench = Bench::new(Network::new());
    bench.network.will_answer(200, &bench.keys(), "public");
    assert_eq!(bench.seen(GOOD).await, seen("", 1));
    bench.network.will(Err(SendError::TimedOut));
    assert_eq!(
        bench.at(600).seen(GOOD).await,
        seen("", 2),
        "old keys, while there are no new ones"
    );
    assert_eq!(bench.at(604).seen(GOOD).await, seen("", 2), "nobody tries again at once");
    assert_eq!(
        bench.seen("/rotated_token").await,
        seen("jwks_unavailable", 2),
        "it may be a new one"
    );
    bench.network.will_answer(500, "", "public");
    assert_eq!(bench.at(605).seen(GOOD).await, seen("", 3));
    // Tokens of that day are over by then, so it is the signature's key that is asked for alone.
    bench.network.will(Err(SendError::TimedOut));
    assert_eq!(bench.at(DAY - 1).seen(GOOD).await, seen("token_expired", 4));
    bench.network.will(Err(SendError::TimedOut));
    assert_eq!(bench.at(DAY + 4).seen(GOOD).await, seen("jwks_unavailable", 5));
}

#[tokio::test]
async fn without_any_key_the_answer_says_when_to_ask_again() {
    let bench = Bench::new(Network::new());
    bench.network.will(Err(SendError::TimedOut));
    assert_snapshot!(bench.show(GOOD).await.whole(), @r#"
    503 Service Unavailable
    cache-control: no-store
    content-length: 176
    content-type: application/json
    retry-after: 5
    vary: Origin
    x-content-type-options: nosniff

    {"error":"jwks_unavailable","message":"The keys that tokens are verified with cannot be fetched. Ask again in 5 s; if it stays, look at UPLOAD_JWKS_URL.","request_id":"1-test"}
    "#);
    assert_eq!(bench.at(3).show(GOOD).await.headers["retry-after"], "2");
    bench.network.will_answer(200, &bench.keys(), "public");
    assert_eq!(bench.at(5).seen(GOOD).await, seen("", 2));
}

#[tokio::test]
async fn what_is_no_key_set_is_a_failure() {
    let many = vec![json!({"kty": "oct"}); 101];
    let bench = Bench::new(Network::new());
    for (later, status, body) in [
        (0, 404, bench.keys()),
        (5, 302, bench.keys()),
        (10, 200, String::new()),
        (15, 200, "[]".to_owned()),
        (20, 200, json!({"keys": {}}).to_string()),
        (25, 200, json!({"keys": []}).to_string()),
        (30, 200, json!({"keys": many}).to_string()),
        (35, 200, json!({"keys": bench.vectors["unusable"]}).to_string()),
    ] {
        bench.network.will_answer(status, &body, "public");
        assert_eq!(bench.at(later).show(GOOD).await.code(), "jwks_unavailable", "{later}");
    }
    assert_eq!(bench.network.calls(), 8);
}

#[tokio::test]
async fn keys_that_cannot_be_used_do_not_spoil_the_others() {
    let bench = Bench::new(Network::new());
    let mut keys = bench.vectors["unusable"].as_array().unwrap().clone();
    keys.extend(bench.vectors["jwks"]["keys"].as_array().unwrap().clone());
    bench.network.will_answer(200, &json!({ "keys": keys }).to_string(), "public");
    assert_eq!(bench.seen(GOOD).await, seen("", 1));
    // The secret in the set is the one that this token is signed with.
    assert_eq!(bench.seen("/tokens/hs256").await, seen("token_algorithm_not_allowed", 1));
}
