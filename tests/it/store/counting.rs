//! Budgets of several instances: each scope, grants and bytes, in one round trip.

use std::fs;

use crate::store::{Instance, TICKET_KEY, ticket};
use crate::support::app::{Answer, Function};
use crate::support::redis::RedisServer;

const ADDRESS: (&str, &str) = ("UPLOAD_ADDRESS_HEADER", "x-real-ip");

fn wait(answer: &Answer) -> u64 {
    answer.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

async fn ask(function: &Function, route: &str, address: &str) -> u16 {
    let query = format!("?route={route}");
    function.ask(&query, &[("x-real-ip", address)]).await.status.as_u16()
}

#[tokio::test]
async fn every_scope_holds_for_all_instances() {
    let redis = RedisServer::start(&[]).await;
    for (scope, same) in [
        ("caller", [("default", "192.0.2.1"), ("videos", "192.0.2.2")]),
        ("address", [("default", "192.0.2.1"), ("videos", "192.0.2.1")]),
        ("route", [("default", "192.0.2.1"), ("default", "192.0.2.2")]),
        ("bucket", [("videos", "192.0.2.1"), ("videos", "192.0.2.2")]),
        ("total", [("default", "192.0.2.1"), ("videos", "192.0.2.2")]),
    ] {
        redis.ask(&["FLUSHALL"]);
        let budget = format!("{scope} 3/1h");
        let instance = Instance::of(&redis.url(), &[("UPLOAD_BUDGETS", &budget), ADDRESS]);
        let (one, other) = (instance.start(), instance.start());
        let [(route, address), (other_route, other_address)] = same;
        assert_eq!(ask(&one, route, address).await, 200, "{scope}");
        assert_eq!(ask(&other, other_route, other_address).await, 200, "{scope}");
        assert_eq!(ask(&one, route, address).await, 200, "{scope}");
        assert_eq!(ask(&other, other_route, other_address).await, 429, "{scope}");
        assert_eq!(ask(&one, route, address).await, 429, "{scope}");
        assert_eq!(redis.names().len(), 1, "{scope}");
    }
}

#[tokio::test]
async fn what_differs_is_counted_separately() {
    let redis = RedisServer::start(&[]).await;
    let budgets = "address 1/1h,route 3/1h";
    let instance = Instance::of(&redis.url(), &[("UPLOAD_BUDGETS", budgets), ADDRESS]);
    let (one, other) = (instance.start(), instance.start());
    assert_eq!(ask(&one, "default", "192.0.2.1").await, 200);
    assert_eq!(ask(&other, "default", "192.0.2.1").await, 429);
    assert_eq!(ask(&other, "default", "192.0.2.2").await, 200);
    // What was refused was counted against no budget.
    assert_eq!(ask(&other, "default", "192.0.2.3").await, 200);
    assert_eq!(ask(&other, "default", "192.0.2.4").await, 429);
    assert_eq!(ask(&other, "videos", "192.0.2.4").await, 200);
}

#[tokio::test]
async fn the_store_grants_what_one_instance_would_grant() {
    const CALLS: [&str; 5] = [
        r#"{"files":[{"name":"a","size":60},{"name":"b","size":60},{"name":"c","size":20}]}"#,
        r#"{"files":[{"name":"a","size":21},{"name":"b","size":0},{"name":"c","size":20}]}"#,
        r#"{"files":[{"name":"a","size":1}]}"#,
        r#"{"files":[{"name":"a"}]}"#,
        r#"{"method":"PUT","files":[{"name":"a","size":1},{"name":"b","size":1}]}"#,
    ];
    let redis = RedisServer::start(&[]).await;
    let variables = [("UPLOAD_BUDGET_BYTES", "100B"), ("UPLOAD_BUDGETS", "total 9/1h")];
    let shared = Instance::of(&redis.url(), &variables);
    let local = Instance::of("", &variables).start();
    for call in CALLS {
        let codes = |answer: Answer| {
            let json = answer.json();
            let uploads = json["uploads"].as_array().cloned().unwrap_or_default();
            let codes: Vec<_> = uploads.iter().map(|one| one["error"]["error"].clone()).collect();
            (answer.status, codes)
        };
        let expected = codes(local.post("/uploads", call).await);
        // Each call comes to another instance.
        assert_eq!(codes(shared.start().post("/uploads", call).await), expected, "{call}");
    }
}

#[tokio::test]
async fn the_clock_of_the_store_counts() {
    let redis = RedisServer::start(&[]).await;
    let mut instance = Instance::of(&redis.url(), &[("UPLOAD_BUDGETS", "caller 1/1h")]);
    assert_eq!(instance.start().ask("", &[]).await.status, 200);
    for seconds in [-7200, 0, 7200] {
        instance.seconds = seconds;
        let answer = instance.start().ask("", &[]).await;
        assert_eq!(answer.status, 429, "{seconds}");
        assert!((3500..=3600).contains(&wait(&answer)), "{}", wait(&answer));
    }
    // The window is over when the store says so.
    let name = redis.names().remove(0);
    assert_eq!(redis.ask(&["PEXPIRE", &name, "1"]), "1");
    while redis.ask(&["EXISTS", &name]) == "1" {}
    assert_eq!(instance.start().ask("", &[]).await.status, 200);
}

#[tokio::test]
async fn a_signing_call_makes_one_round_trip_on_one_connection() {
    let redis = RedisServer::start(&[]).await;
    let budgets = "caller 100/1m,route 100/1h,bucket 1000GiB/1d,total 100/1m";
    let variables = [
        ("UPLOAD_BUDGETS", budgets),
        ("UPLOAD_AUTH", "ticket"),
        ("UPLOAD_TICKET_KEYS", TICKET_KEY),
    ];
    let function = Instance::of(&redis.url(), &variables).start();
    let calls = || {
        let stats = redis.ask(&["INFO", "commandstats"]);
        let count = |name: &str| {
            let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:")));
            let calls = line.and_then(|line| line.split("calls=").nth(1)?.split(',').next());
            calls.map_or(0, |calls| calls.parse::<u32>().unwrap())
        };
        (count("evalsha"), count("eval"))
    };
    function.ask("", &[("x-upload-ticket", &ticket("alice", None))]).await;
    assert_eq!(calls(), (1, 1), "the first call brings the script");
    let body = r#"{"files":[{"name":"a","size":1},{"name":"b","size":1},{"name":"c","size":1}]}"#;
    for number in 0..5 {
        let ticket = ticket("alice", Some(&number.to_string()));
        let request = http::Request::post("/uploads").header("x-upload-ticket", ticket);
        let answer = function.call(request.body(body.into()).unwrap()).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(calls(), (6, 1));
    // What is described is not counted.
    assert_eq!(function.get("/routes/default").await.status, 200);
    assert_eq!(function.get("/health").await.status, 200);
    assert_eq!(calls(), (6, 1));
    let clients = redis.ask(&["CLIENT", "LIST"]);
    assert_eq!(clients.lines().count(), 2, "the function and this client: {clients}");
}

#[tokio::test]
async fn the_store_contains_no_name_and_no_key_in_clear() {
    let redis = RedisServer::start(&["--requirepass", "marker-password"]).await;
    let url = format!("redis://:marker-password@127.0.0.1:{}", redis.port);
    let variables = [
        ("UPLOAD_BUDGETS", "caller 9/1h,route 9/1h,bucket 9/1h,address 9/1h"),
        ("UPLOAD_AUTH", "ticket"),
        ("UPLOAD_TICKET_KEYS", TICKET_KEY),
        ADDRESS,
    ];
    let function = Instance::of(&url, &variables).start();
    let ticket = ticket("marker-subject", Some("marker-id"));
    let headers = [("x-upload-ticket", ticket.as_str()), ("x-real-ip", "203.0.113.99")];
    let answer = function.ask("?route=videos&filename=marker-file.png", &headers).await;
    assert_eq!(answer.status, 200, "{}", answer.whole());
    redis.ask(&["--no-auth-warning", "-a", "marker-password", "SAVE"]);
    let stored = fs::read(redis.path("dump.rdb")).unwrap();
    let contains = |text: &str| stored.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(contains("{oss-upload}:"), "the counters are there");
    for text in ["marker", "videos", "otherbucket", "203.0.113.99", TICKET_KEY, "ExampleSecret"] {
        assert!(!contains(text), "{text}");
    }
}
