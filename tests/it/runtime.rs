//! The runtime behind real sockets: how long connections live, what is refused, what is logged,
//! how it ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fc_http::{Body, ContextExt, Event, Options, service_fn};
use http::{Request, Response};
use http_body_util::Full;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::support::caller::Caller;
use crate::support::log::Log;
use crate::support::server::Server;
use crate::support::wait::{LIMIT, until, within};

/// Answers with what it was asked; some paths misbehave.
#[expect(clippy::panic, reason = "the panic is what is tested")]
async fn echo(request: Request<Body>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    match request.uri().path() {
        "/panic" => panic!("marker-secret in a panic"),
        "/error" => return Err(std::io::Error::other("the disk is full")),
        "/forever" => std::future::pending().await,
        _ => {}
    }
    let line = format!("{} {} ", request.method(), request.uri());
    let body = [line.as_bytes(), request.body().as_bytes()].concat();
    Ok(Response::new(Full::from(body)))
}

async fn start(options: Options) -> Server {
    Server::start(service_fn(echo), options).await
}

fn small() -> Options {
    Options { max_body: 10, max_header_bytes: 1024, ..Options::default() }
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    for path in ["/a", "/b?q=1", "/c"] {
        let answer = caller.ask("GET", path, "").await;
        assert_eq!(answer.body, format!("GET {path} "));
        assert_eq!(answer.header("connection"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_idle_for_hours_still_serves() {
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    assert_eq!(caller.ask("GET", "/before", "").await.status, 200);
    for _ in 0..16 {
        tokio::time::advance(Duration::from_mins(15)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(caller.ask("POST", "/after", "").await.body, "POST /after ");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_closes_its_connection() {
    let server = start(Options::default()).await;
    let mut fresh = Caller::connect(server.address).await;
    fresh.send("GET / HTTP/1.1\r\nhost: l").await;
    fresh.closed().await;
    let mut used = Caller::connect(server.address).await;
    used.ask("GET", "/", "").await;
    used.send("GET / HTTP/1.1\r\n").await;
    used.closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_line_after_a_request_begins_no_head() {
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    caller.ask("GET", "/before", "").await;
    caller.send("\r\n").await;
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(caller.ask("GET", "/after", "").await.status, 200);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    let one = "POST /1 HTTP/1.1\r\nhost: l\r\ncontent-length: 3\r\n\r\nabc";
    let two = "GET /2 HTTP/1.1\r\nhost: l\r\n\r\n";
    caller.send(&format!("{one}{two}{two}")).await;
    assert_eq!(caller.answer().await.body, "POST /1 abc");
    assert_eq!(caller.answer().await.body, "GET /2 ");
    assert_eq!(caller.answer().await.body, "GET /2 ");
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let server = start(small()).await;
    let mut caller = Caller::connect(server.address).await;
    let lines = "transfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n6\r\nefghij\r\n0\r\n";
    let answer = caller.ask("POST", "/", lines).await;
    assert_eq!(answer.body, "POST / abcdefghij");
}

#[tokio::test]
async fn a_caller_may_ask_before_it_sends_its_body() {
    let server = start(small()).await;
    let mut caller = Caller::connect(server.address).await;
    let lines = "content-length: 3\r\nexpect: 100-continue\r\n";
    assert_eq!(caller.ask("POST", "/", lines).await.status, 100);
    caller.send("abc").await;
    assert_eq!(caller.answer().await.body, "POST / abc");

    let lines = "content-length: 11\r\nexpect: 100-continue\r\n";
    assert_eq!(caller.ask("POST", "/", lines).await.status, 413);
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_and_the_refusal_can_be_read() {
    let server = start(small()).await;
    let mut caller = Caller::connect(server.address).await;
    // More than the sockets' buffers hold, so that the answer crosses a body under way.
    let length = 16 * 1024 * 1024;
    let head = format!("POST / HTTP/1.1\r\nhost: l\r\ncontent-length: {length}\r\n\r\n");
    caller.send(&head).await;
    caller.send(&"b".repeat(length)).await;
    let answer = caller.answer().await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.error(), "body_too_large");
    assert_eq!(answer.header("connection"), Some("close"));
    caller.closed().await;
}

#[tokio::test]
async fn a_body_that_announces_nothing_is_refused_at_the_byte_too_many() {
    let server = start(small()).await;
    let mut caller = Caller::connect(server.address).await;
    let lines = "transfer-encoding: chunked\r\n\r\na\r\nabcdefghij\r\n1\r\nk\r\n0\r\n";
    let answer = caller.ask("POST", "/", lines).await;
    assert_eq!((answer.status, answer.error().as_str()), (413, "body_too_large"));
    caller.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_the_callers_failure() {
    let server = start(small()).await;
    let mut caller = Caller::connect(server.address).await;
    let answer = caller.ask("POST", "/", "content-length: 3\r\n").await;
    assert_eq!((answer.status, answer.error().as_str()), (408, "body_timed_out"));
}

#[tokio::test]
async fn a_badly_framed_body_is_refused() {
    let server = start(small()).await;
    let mut caller = Caller::connect(server.address).await;
    let lines = "transfer-encoding: chunked\r\n\r\nzz\r\n";
    let answer = caller.ask("POST", "/", lines).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "body_unreadable"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = start(small()).await;
    let refused = async |path: &str, lines: &str| {
        let mut caller = Caller::connect(server.address).await;
        let answer = caller.ask("GET", path, lines).await;
        let code = (!answer.body.is_empty()).then(|| answer.error());
        (answer.status, code.unwrap_or_default())
    };
    let large = format!("a: {}\r\n", "a".repeat(1024));
    assert_eq!(refused("/", &large).await, (431, "headers_too_large".to_owned()));
    let path = format!("/{}", "a".repeat(9000));
    assert_eq!(refused(&path, "").await, (414, "uri_too_long".to_owned()));
    // What follows is beyond what hyper reads; it answers with a bare status.
    let huge = format!("a: {}\r\n", "a".repeat(1_000_000));
    assert_eq!(refused("/", &huge).await, (431, String::new()));
    assert_eq!(refused("/", &"a: b\r\n".repeat(101)).await, (431, String::new()));
    assert_eq!(refused("/", "no field\r\n").await, (400, String::new()));
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = start(Options::default()).await;
    let ask = async |target: &str, lines: &str| {
        let mut caller = Caller::connect(server.address).await;
        caller.send(&format!("GET {target} HTTP/1.1\r\n{lines}\r\n")).await;
        let answer = caller.answer().await;
        if answer.status == 400 {
            caller.closed().await;
        }
        answer
    };
    for (target, lines) in [
        ("/", "host: a\r\nhost: a\r\n"),
        ("/", "host: a\r\nHOST: b\r\n"),
        ("/", "host: a\r\nx: y\r\nhost:\r\n"),
        ("/", "host: a, b\r\n"),
        ("/", "host: a b\r\n"),
        ("/", "host: u@a\r\n"),
        ("/", "host: a/b\r\n"),
        ("/", "host: a:99999\r\n"),
        ("/", "host: \u{e9}\r\n"),
        ("http://evil.example/", "host: a.example\r\n"),
        ("http://a.example:8080/", "host: a.example\r\n"),
        ("http://u@a.example/", "host: a.example\r\n"),
    ] {
        let answer = ask(target, lines).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, "host_invalid"), "{lines:?}");
    }
    for (target, lines) in [
        ("/", "host: a.example:8443\r\n"),
        ("/", "host: [::1]:9000\r\n"),
        ("/", ""),
        ("http://a.example:80/", "host: A.example\r\n"),
    ] {
        assert_eq!(ask(target, lines).await.status, 200, "{target} {lines:?}");
    }
    // The refusal comes before the body, and names nothing of what was sent.
    let lines = "host: evil.example\r\nhost: a\r\nx-fc-request-id: 1-a\r\ncontent-length: 9\r\n";
    insta::assert_snapshot!(ask("/", lines).await.body, @r#"{"error":"host_invalid","message":"The request does not name one host; send one Host field with a host and perhaps a port, the same as in an absolute address.","request_id":"1-a"}"#);
}

#[tokio::test]
async fn a_panic_is_one_failed_request() {
    let log = Log::capture("info");
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    let answer = caller.ask("GET", "/panic", "").await;
    assert_eq!((answer.status, answer.error().as_str()), (500, "internal"));
    assert_eq!(answer.header("x-fc-status"), Some("404"));
    assert_eq!(caller.ask("GET", "/next", "").await.status, 200);

    let errors = log.events("ERROR");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["request_id"], "local-0");
    let place = errors[0]["place"].as_str().unwrap();
    assert!(place.contains("tests/it/runtime.rs:"), "{place}");
    assert!(!log.text().contains("marker-secret"));
}

#[tokio::test]
async fn a_panic_before_the_first_await_is_caught_as_well() {
    let refuse = |_| -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
        panic!("before the future exists")
    };
    let server = Server::start(service_fn(refuse), Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    assert_eq!(caller.ask("GET", "/", "").await.status, 500);
    assert_eq!(caller.ask("GET", "/", "").await.error(), "internal");
}

#[tokio::test]
async fn a_services_error_is_logged_and_not_sent_to_the_client() {
    let log = Log::capture("info");
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    let answer = caller.ask("GET", "/error", "x-fc-request-id: 1-a\r\n").await;
    insta::assert_snapshot!(answer.body, @r#"{"error":"internal","message":"The function failed; try again, and if it stays report the request id.","request_id":"1-a"}"#);
    let errors = log.events("ERROR");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["error"], "the disk is full");
    assert_eq!(errors[0]["request_id"], "1-a");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_answered_for() {
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    let answer = caller.ask("GET", "/forever", "").await;
    assert_eq!((answer.status, answer.error().as_str()), (504, "timed_out"));
    assert_eq!(caller.ask("GET", "/next", "").await.status, 200);
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_refuses_new_callers() {
    let gate = Arc::new((Notify::new(), Notify::new()));
    let handler = Arc::clone(&gate);
    let service = service_fn(move |_| {
        let gate = Arc::clone(&handler);
        async move {
            gate.0.notify_one();
            gate.1.notified().await;
            Ok::<_, Infallible>(Response::new(Full::from("finished")))
        }
    });
    let mut server = Server::start(service, Options::default()).await;
    let address = server.address;
    let mut caller = Caller::connect(address).await;
    caller.send("GET / HTTP/1.1\r\nhost: l\r\n\r\n").await;
    gate.0.notified().await;

    server.stop();
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    within(LIMIT, "new connections are refused", refused).await;
    gate.1.notify_one();
    let answer = caller.answer().await;
    assert_eq!(answer.body, "finished");
    assert_eq!(answer.header("connection"), Some("close"));
    caller.closed().await;
    server.stopped().await;
}

#[tokio::test]
async fn a_stop_closes_idle_connections() {
    let mut server = start(Options::default()).await;
    let mut used = Caller::connect(server.address).await;
    used.ask("GET", "/", "").await;
    let mut unused = Caller::connect(server.address).await;
    let mut other = Caller::connect(server.address).await;
    other.ask("GET", "/", "").await;
    server.stop();
    used.closed().await;
    unused.closed().await;
    other.closed().await;
    server.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_longer_than_its_drain_deadline() {
    let options = Options {
        deadline: Duration::from_hours(1),
        drain: Duration::from_secs(2),
        ..Options::default()
    };
    let mut server = start(options).await;
    let started = tokio::time::Instant::now();
    let mut caller = Caller::connect(server.address).await;
    let lines = "content-length: 3\r\nexpect: 100-continue\r\n";
    // The runtime asks for the body, so the request is under way.
    assert_eq!(caller.ask("POST", "/forever", lines).await.status, 100);
    server.stop();
    server.stopped().await;
    assert_eq!(started.elapsed().as_secs(), 2);
}

/// Answers with the name of the event and what is left of the platform's headers.
async fn describe(request: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    let context = request.context().unwrap();
    let kind = match context.event {
        Event::Http => "http",
        Event::Invoke => "invoke",
        Event::Initialize => "initialize",
        Event::PreStop => "pre-stop",
    };
    let keys = context.role_keys.as_ref();
    let id = keys.map_or("none", |keys| keys.access_key_id.as_str());
    let mut names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let text = format!("{kind} {id} {}", names.join(","));
    tracing::info!(?context, "described");
    Ok(Response::new(Full::from(text)))
}

async fn start_on_platform(log: &Log) -> Server {
    let options = Options { platform: true, log: log.sink(), ..Options::default() };
    Server::start(service_fn(describe), options).await
}

const KEYS: &str = "x-fc-access-key-id: STS.id\r\n\
     x-fc-access-key-secret: marker-secret\r\n\
     x-fc-security-token: marker-token\r\n";

#[tokio::test]
async fn keys_reach_the_service_and_nothing_else() {
    let log = Log::capture("trace");
    let server = start_on_platform(&log).await;
    let mut caller = Caller::connect(server.address).await;
    let lines = format!("x-fc-request-id: 1-a\r\nx-fc-control-path: /http-invoke\r\n{KEYS}");
    let answer = caller.ask("GET", "/", &lines).await;
    assert_eq!(answer.body, "http STS.id host,x-fc-control-path,x-fc-request-id");
    assert!(log.text().contains("described"));
    assert!(!log.text().contains("marker"), "{}", log.text());
}

#[tokio::test]
async fn keys_without_the_platforms_other_headers_are_dropped() {
    let log = Log::capture("info");
    let server = start_on_platform(&log).await;
    let mut caller = Caller::connect(server.address).await;
    assert_eq!(caller.ask("GET", "/", KEYS).await.body, "http none host");
}

#[tokio::test]
async fn a_path_is_a_hook_only_if_the_platform_says_so() {
    let log = Log::capture("info");
    let server = start_on_platform(&log).await;
    let mut caller = Caller::connect(server.address).await;
    let mut event = async |method: &str, path: &str, control: &str| {
        let lines = format!("x-fc-request-id: 1-a\r\nx-fc-control-path: {control}\r\n");
        let answer = caller.ask(method, path, &lines).await;
        answer.body.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(event("POST", "/initialize", "/initialize").await, "initialize");
    assert_eq!(event("GET", "/pre-stop", "/pre-stop").await, "pre-stop");
    assert_eq!(event("POST", "/invoke", "/invoke").await, "invoke");
    assert_eq!(event("POST", "/initialize", "/http-invoke").await, "http");
    assert_eq!(event("POST", "/initialize", "").await, "http");
    let names = ["Initialize", "PreStop", "Invoke", "Invoke", "Invoke"];
    let text = log.text();
    let starts = text.lines().filter(|line| line.contains(" Start "));
    for (line, name) in starts.zip(names) {
        assert_eq!(line, format!("FC {name} Start RequestId: 1-a"));
    }
}

#[tokio::test]
async fn a_request_is_logged_between_the_platforms_lines_in_one_write() {
    let log = Log::capture("info");
    let server = start_on_platform(&log).await;
    let mut caller = Caller::connect(server.address).await;
    let lines = "x-fc-request-id: 1-a\r\nx-fc-control-path: /http-invoke\r\n";
    let answer = caller.ask("HEAD", "/p?secret=1", lines).await;
    assert_eq!(answer.header("x-request-id"), Some("1-a"));

    let writes = log.writes();
    let lines: Vec<_> = writes.last().unwrap().lines().collect();
    let [start, described, event, end] = lines.as_slice() else { panic!("{writes:?}") };
    assert_eq!(*start, "FC Invoke Start RequestId: 1-a");
    assert!(described.contains("\"described\""));
    assert_eq!(*end, "FC Invoke End RequestId: 1-a");
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert!(event["duration_ms"].is_f64());
    assert_eq!(event["message"], "HEAD /p answered 200");
    assert_eq!(event["method"], "HEAD");
    assert_eq!(event["path"], "/p");
    assert_eq!(event["status"], 200);
    assert_eq!(event["request_id"], "1-a");
}

#[tokio::test]
async fn a_request_that_has_to_wait_is_announced_before_it_waits() {
    let log = Log::capture("info");
    let options = Options { log: log.sink(), ..Options::default() };
    let (go, gone) = tokio::sync::watch::channel(false);
    let waits = service_fn(move |_| {
        let mut gone = gone.clone();
        async move {
            gone.wait_for(|gone| *gone).await.unwrap();
            Ok::<_, Infallible>(Response::new(Full::from("late")))
        }
    });
    let server = Server::start(waits, options).await;
    let mut caller = Caller::connect(server.address).await;
    caller.send("GET / HTTP/1.1\r\nhost: a\r\nx-fc-request-id: 1-a\r\n\r\n").await;
    let start = "FC Invoke Start RequestId: 1-a\n";
    until("the start is logged", || log.text().contains(start)).await;
    assert!(!log.text().contains("FC Invoke End"));
    go.send(true).unwrap();
    assert_eq!(caller.answer().await.body, "late");
    let last = log.writes().pop().unwrap();
    assert!(last.starts_with('{') && last.ends_with("FC Invoke End RequestId: 1-a\n"), "{last}");
}

#[tokio::test]
async fn a_quiet_log_keeps_only_the_platforms_lines() {
    let log = Log::capture("error");
    let server = start_on_platform(&log).await;
    let mut caller = Caller::connect(server.address).await;
    caller.ask("GET", "/", "x-fc-request-id: 1-a\r\n").await;
    caller.ask("GET", "/", "x-fc-request-id: a b\r\n").await;
    assert_eq!(log.text(), "FC Invoke Start RequestId: 1-a\nFC Invoke End RequestId: 1-a\n");
}

#[tokio::test]
async fn a_host_decides_what_of_a_path_is_logged() {
    let log = Log::capture("info");
    let options = Options { log: log.sink(), log_path: |_| "/t/…".into(), ..Options::default() };
    let server = start(options).await;
    let mut caller = Caller::connect(server.address).await;
    caller.ask("GET", "/t/marker-ticket", "").await;
    caller.ask("GET", "/t/marker\\ticket\"", "").await;
    assert!(log.text().contains("GET /t/… answered 200"));
    assert!(!log.text().contains("marker"));
}

#[tokio::test]
async fn a_caller_that_leaves_early_is_logged_too() {
    let log = Log::capture("info");
    let server = start(Options::default()).await;
    let mut caller = Caller::connect(server.address).await;
    caller.send("GET /forever HTTP/1.1\r\nhost: l\r\n\r\n").await;
    drop(caller);
    until("the status 499 is logged", || log.text().contains("499")).await;
}
