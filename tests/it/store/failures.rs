//! A store that fails, in every way: its sentence in the log, the answer by the setting, and its return.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::store::{Instance, end_pause};
use crate::support::app::{Function, NOW};
use crate::support::log::Log;
use crate::support::redis::RedisServer;

const BUDGET: (&str, &str) = ("UPLOAD_BUDGETS", "caller 3/1h");
const LOCAL: (&str, &str) = ("UPLOAD_STORE_FAILURE", "local");
const REFUSE: (&str, &str) = ("UPLOAD_STORE_FAILURE", "refuse");

/// What a failing store costs a call at most, on a busy machine too; without a limit it would be for ever.
const MOMENT: Duration = Duration::from_secs(20);

async fn codes(function: &Function, count: usize) -> Vec<String> {
    let mut codes = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        codes.push(function.ask("", &[]).await.code());
        assert!(start.elapsed() < MOMENT);
    }
    codes
}

/// Starts two instances, lets the store fail, and expects this sentence once from each.
async fn expect(redis: &RedisServer, url: &str, sentence: &str) {
    let instance = |mode| Instance::of(url, &[BUDGET, mode]).start();
    let log = Log::capture("warn");
    assert_eq!(codes(&instance(LOCAL), 4).await, ["", "", "", "budget_exceeded"], "{sentence}");
    let refusing = instance(REFUSE);
    assert_eq!(codes(&refusing, 3).await, ["limits_unavailable"; 3], "{sentence}");
    assert_eq!(refusing.get("/health").await.status, 200);
    let answer = refusing.ask("", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["retry-after"]),
        (503, &"2".parse().unwrap())
    );
    let warnings = log.events("WARN");
    let messages: Vec<_> =
        warnings.iter().map(|event| event["message"].as_str().unwrap()).collect();
    let begin = format!("the shared store cannot be used: {sentence}");
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages.iter().all(|message| message.starts_with(&begin)), "{messages:?}");
    assert!(messages[0].ends_with("this instance counts by itself for 2 s"), "{messages:?}");
    assert!(messages[1].ends_with("calls that are counted are refused for 2 s"), "{messages:?}");
    let shown = format!("redis://127.0.0.1:{}/0", redis.port);
    assert!(warnings.iter().all(|event| event["store"] == shown.as_str()), "{warnings:?}");
    assert!(!log.text().contains("marker"), "{}", log.text());
}

#[tokio::test]
async fn a_store_that_is_gone_has_its_sentence() {
    let mut redis = RedisServer::start(&[]).await;
    redis.kill();
    expect(&redis, &redis.url(), "no connection (connection refused)").await;
}

#[tokio::test]
async fn a_password_has_its_sentences() {
    let redis = RedisServer::start(&["--requirepass", "marker-password"]).await;
    expect(&redis, &redis.url(), "it requires a password").await;
    let wrong = format!("redis://:marker-other@127.0.0.1:{}", redis.port);
    expect(&redis, &wrong, "it refuses the user or the password").await;
    let right = format!("redis://:marker-password@127.0.0.1:{}", redis.port);
    let function = Instance::of(&right, &[BUDGET, REFUSE]).start();
    assert_eq!(codes(&function, 4).await, ["", "", "", "budget_exceeded"]);
}

#[tokio::test]
async fn a_user_without_permission_has_its_sentence() {
    let redis = RedisServer::start(&[]).await;
    redis.ask(&["ACL", "SETUSER", "guest", "on", ">marker-password", "~*", "+get", "+select"]);
    let url = format!("redis://guest:marker-password@127.0.0.1:{}", redis.port);
    expect(&redis, &url, "its access list does not let the user call EVAL").await;
    // What the sentence names is enough.
    let permissions = ["~{oss-upload}*", "+eval", "+evalsha", "+get", "+set", "+del", "+hmget"];
    let user = ["ACL", "SETUSER", "guest", "resetkeys"];
    redis.ask(&[&user[..], &permissions, &["+hincrby", "+pttl", "+pexpire", "-select"]].concat());
    let function = Instance::of(&url, &[BUDGET, REFUSE]).start();
    assert_eq!(codes(&function, 4).await, ["", "", "", "budget_exceeded"]);
}

#[tokio::test]
async fn a_full_store_has_its_sentence_and_counts_nothing_by_half() {
    let redis = RedisServer::start(&[]).await;
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    expect(&redis, &redis.url(), "its memory is full").await;
    assert_eq!(redis.names(), [""; 0]);
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    let function = Instance::of(&redis.url(), &[BUDGET, REFUSE]).start();
    assert_eq!(codes(&function, 4).await, ["", "", "", "budget_exceeded"]);
}

#[tokio::test]
async fn a_store_that_takes_no_changes_has_its_sentences() {
    let primary = RedisServer::start(&[]).await;
    let redis = RedisServer::start(&[]).await;
    redis.ask(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]);
    expect(&redis, &redis.url(), "it is read-only, as a replica is").await;
    primary.ask(&["CONFIG", "SET", "min-replicas-to-write", "9"]);
    expect(&primary, &primary.url(), "it accepts no changes, because too few replicas").await;
}

#[tokio::test]
async fn a_frozen_store_holds_nobody_up_and_is_used_again_when_it_answers() {
    let redis = RedisServer::start(&[]).await;
    for mode in [LOCAL, REFUSE] {
        redis.ask(&["FLUSHALL"]);
        let time_limit = Duration::from_millis(500);
        let instance = Instance { time_limit, ..Instance::of(&redis.url(), &[BUDGET, mode]) };
        let function = instance.start();
        assert_eq!(codes(&function, 1).await, [""]);
        redis.freeze();
        let log = Log::capture("info");
        let during = codes(&function, 3).await;
        redis.thaw();
        // One grant was counted in the store before, so two are left of three.
        let local = ["", "", "budget_exceeded"];
        let expected = if mode == LOCAL { local } else { ["limits_unavailable"; 3] };
        assert_eq!(during, expected);
        assert!(log.text().contains("it did not answer in time"), "{}", log.text());
        end_pause().await;
        // The store may have counted the call that it could not answer.
        let after = codes(&function, 1).await;
        assert_eq!(after, [""], "{mode:?}");
        assert!(log.text().contains("the shared store answers again"), "{}", log.text());
    }
}

#[tokio::test]
async fn a_slow_store_is_left_alone_for_a_moment() {
    let redis = RedisServer::start(&[]).await;
    let time_limit = Duration::from_millis(50);
    let instance = Instance { time_limit, ..Instance::of(&redis.url(), &[BUDGET, REFUSE]) };
    let function = instance.start();
    function.ask("", &[]).await;
    end_pause().await;
    redis.ask(&["CLIENT", "PAUSE", "3000"]);
    let log = Log::capture("warn");
    let start = Instant::now();
    assert_eq!(codes(&function, 20).await, ["limits_unavailable"; 20]);
    // Twenty calls that each wait for the limit would take a second.
    assert!(start.elapsed() < Duration::from_millis(2500), "{:?}", start.elapsed());
    assert_eq!(log.events("WARN").len(), 1, "{}", log.text());
}

#[tokio::test]
async fn a_store_that_was_restarted_empty_counts_anew_and_needs_no_new_instance() {
    let mut redis = RedisServer::start(&[]).await;
    let function = Instance::of(&redis.url(), &[BUDGET, REFUSE]).start();
    assert_eq!(codes(&function, 4).await, ["", "", "", "budget_exceeded"]);
    redis.restart().await;
    // The connection has ended; the call opens another one, and brings the script again.
    assert_eq!(codes(&function, 4).await, ["", "", "", "budget_exceeded"]);
    redis.kill();
    assert_eq!(codes(&function, 1).await, ["limits_unavailable"]);
    redis.restart().await;
    end_pause().await;
    assert_eq!(codes(&function, 4).await, ["", "", "", "budget_exceeded"]);
}

#[tokio::test]
async fn a_connection_that_was_idle_while_the_instance_was_frozen_is_replaced() {
    let redis = RedisServer::start(&[]).await;
    let time = Arc::new(AtomicI64::new(NOW));
    let instance = Instance::of(&redis.url(), &[BUDGET, REFUSE]);
    let function = instance.start_with_clock(Arc::clone(&time));
    let id = || {
        let clients = redis.ask(&["CLIENT", "LIST"]);
        clients.lines().next().unwrap().split(' ').next().unwrap().to_owned()
    };
    assert_eq!(codes(&function, 1).await, [""]);
    let first = id();
    time.fetch_add(5, Ordering::Relaxed);
    assert_eq!(codes(&function, 1).await, [""]);
    assert_eq!(id(), first, "the same connection");
    time.fetch_add(60, Ordering::Relaxed);
    assert_eq!(codes(&function, 1).await, [""]);
    assert_ne!(id(), first, "another connection");
}
