//! The gateway of `fc-emulator` in front of the runtime of `fc-http`: errors, headers in both directions,
//! and lost connections.

use std::convert::Infallible;

use bytes::Bytes;
use fc_emulator::Gateway;
use fc_http::{ContextExt, service_fn};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use crate::support::caller::{Answer, Caller};
use crate::support::gateway;
use crate::support::log::Log;
use crate::support::port::ClosedPort;
use crate::support::server::Server;

/// Responds with a description of the request. The path `/large` adds a header that is too large.
async fn describe(request: Request<fc_http::Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    let context = request.context().unwrap();
    let keys = context.role_keys.as_ref();
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    let description = json!({
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "event": format!("{:?}", context.event),
        "key": keys.map(|keys| keys.access_key_id.as_str()),
        "request_id": context.request_id,
        "headers": headers,
        "body": request.body().as_bytes().len(),
    });
    let mut response = Response::new(Full::from(description.to_string()));
    let headers = response.headers_mut();
    headers.insert("server", "mine".parse().unwrap());
    headers.insert("x-fc-status", "404".parse().unwrap());
    headers.insert("x-own", "1".parse().unwrap());
    if request.uri().path() == "/large" {
        headers.insert("x-large", "l".repeat(8192).parse().unwrap());
    }
    Ok(response)
}

struct Fixture {
    server: Server,
    log: Log,
}

impl Fixture {
    async fn start() -> Self {
        let log = Log::capture("info");
        let options =
            fc_http::Options { platform: true, log: log.sink(), ..fc_http::Options::default() };
        let server = Server::start(service_fn(describe), options).await;
        Self { server, log }
    }

    async fn caller(&self) -> Caller {
        let gateway = Gateway::new(gateway::options(self.server.address));
        Caller::connect(gateway::serve(gateway).await).await
    }
}

fn described(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

fn gateway_error(answer: &Answer) -> (u16, String) {
    let code = described(answer)["ErrorCode"].as_str().unwrap().to_owned();
    (answer.status, code)
}

#[tokio::test]
async fn a_request_arrives_as_function_compute_sends_it() {
    let fixture = Fixture::start().await;
    let mut caller = fixture.caller().await;
    let lines = "x-fc-request-id: forged\r\nx-fc-control-path: /invoke\r\n\
                 x-fc-access-key-id: forged\r\nconnection: keep-alive, x-private\r\n\
                 x-private: 1\r\nx-public: 1\r\n";
    let answer = caller.ask("GET", "/a%20b?q=1", lines).await;
    let request_id = answer.header("x-fc-request-id").unwrap();
    let text = serde_json::to_string_pretty(&described(&answer)).unwrap();
    insta::assert_snapshot!(
        text.replace(request_id, "ID"),
        @r#"
        {
          "body": 0,
          "event": "Http",
          "headers": {
            "host": "localhost",
            "x-fc-account-id": "1000000000000000",
            "x-fc-api-server-ip": "",
            "x-fc-base-path": "/a%20b",
            "x-fc-client-ip": "",
            "x-fc-control-path": "/http-invoke",
            "x-fc-eagleeye-rpcid": "",
            "x-fc-eagleeye-traceid": "",
            "x-fc-eagleeye-userdata": "",
            "x-fc-function-handler": "index.handler",
            "x-fc-function-memory": "128",
            "x-fc-function-name": "signer",
            "x-fc-function-timeout": "60",
            "x-fc-qualifier": "LATEST",
            "x-fc-region": "cn-hangzhou",
            "x-fc-request-id": "ID",
            "x-fc-retry-count": "0",
            "x-fc-service-logproject": "",
            "x-fc-service-logstore": "",
            "x-fc-service-name": "",
            "x-fc-tracing-jaeger-endpoint": "",
            "x-fc-tracing-opentracing-span-baggages": "",
            "x-fc-tracing-opentracing-span-context": "",
            "x-fc-version-id": "",
            "x-public": "1"
          },
          "key": "STS.id",
          "method": "GET",
          "request_id": "ID",
          "target": "/a%20b?q=1"
        }
    "#
    );
    assert!(!fixture.log.text().contains("marker"));
}

#[tokio::test]
async fn a_response_loses_the_headers_that_the_platform_decides() {
    let fixture = Fixture::start().await;
    let mut caller = fixture.caller().await;
    let answer = caller.ask("GET", "/", "").await;
    assert_eq!(answer.header("server"), None);
    assert_eq!(answer.header("x-fc-status"), None);
    assert_eq!(answer.header("content-disposition"), None);
    assert_eq!(answer.header("x-own"), Some("1"));
    let length = answer.header("content-length").map(str::to_owned);
    let head = caller.ask("HEAD", "/", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    // The description is one letter longer, because HEAD is longer than GET.
    let longer = length.map(|length| (length.parse::<u32>().unwrap() + 1).to_string());
    assert_eq!(head.header("content-length"), longer.as_deref());
}

#[tokio::test]
async fn the_default_domain_makes_browsers_download_every_response() {
    let fixture = Fixture::start().await;
    let mut options = gateway::options(fixture.server.address);
    options.default_domain = true;
    let address = gateway::serve(Gateway::new(options)).await;
    let answer = Caller::connect(address).await.ask("GET", "/", "").await;
    assert_eq!(answer.header("content-disposition"), Some("attachment"));
}

#[tokio::test]
async fn without_a_role_the_credentials_are_empty_and_ignored() {
    let fixture = Fixture::start().await;
    let mut options = gateway::options(fixture.server.address);
    options.credentials = None;
    let address = gateway::serve(Gateway::new(options)).await;
    let answer = Caller::connect(address).await.ask("GET", "/", "").await;
    assert_eq!(described(&answer)["key"], Value::Null);
    assert_eq!(described(&answer)["event"], "Http");
}

#[tokio::test]
async fn hooks_and_events_differ_from_requests() {
    let fixture = Fixture::start().await;
    let gateway = Gateway::new(gateway::options(fixture.server.address));
    let answers = [
        gateway.initialize().await,
        gateway.pre_stop().await,
        gateway.invoke(Bytes::from("{}")).await,
    ];
    let mut seen = Vec::new();
    for answer in answers {
        assert!(answer.headers().contains_key("x-fc-request-id"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        seen.push([text("method"), text("target"), text("event"), text("key")].join(" "));
    }
    insta::assert_snapshot!(seen.join("\n"), @"
    POST /initialize Initialize STS.id
    GET /pre-stop PreStop STS.id
    POST /invoke Invoke STS.id
    ");
}

#[tokio::test]
async fn a_request_over_a_limit_gets_the_platforms_error() {
    let fixture = Fixture::start().await;
    let mut caller = fixture.caller().await;
    let invalid = (400, "InvalidArgument".to_owned());
    let large = format!("a: {}\r\n", "a".repeat(8192));
    assert_eq!(gateway_error(&caller.ask("GET", "/", &large).await), invalid);
    let long = format!("/?{}", "q".repeat(4096));
    assert_eq!(gateway_error(&caller.ask("GET", &long, "").await), invalid);

    let length = 32 * 1024 * 1024 + 1;
    let head = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    caller.send(&head).await;
    caller.send(&"b".repeat(length)).await;
    assert_eq!(gateway_error(&caller.answer().await), invalid);
    assert_eq!(caller.ask("GET", "/next", "").await.status, 200);
}

#[tokio::test]
async fn a_response_with_too_large_headers_is_a_bad_response() {
    let fixture = Fixture::start().await;
    let mut caller = fixture.caller().await;
    let answer = caller.ask("GET", "/large", "").await;
    assert_eq!(gateway_error(&answer), (502, "BadResponse".to_owned()));
    assert!(answer.header("x-fc-request-id").is_some());
}

#[tokio::test]
async fn the_functions_own_errors_pass_the_gateway() {
    let fixture = Fixture::start().await;
    let mut caller = fixture.caller().await;
    let length = 2 * 1024 * 1024;
    let head = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    caller.send(&head).await;
    caller.send(&"b".repeat(length)).await;
    let answer = caller.answer().await;
    assert_eq!((answer.status, answer.error().as_str()), (413, "body_too_large"));
    assert_eq!(answer.header("connection"), None);
    let lines = "content-length: 3\r\nexpect: 100-continue\r\n";
    assert_eq!(caller.ask("POST", "/", lines).await.status, 100);
    caller.send("abc").await;
    assert_eq!(described(&caller.answer().await)["body"], 3);
}

#[tokio::test]
async fn a_closed_port_gives_the_error_for_a_function_that_is_not_started() {
    let closed = ClosedPort::new();
    let options = gateway::options(closed.address);
    let address = gateway::serve(Gateway::new(options)).await;
    let mut caller = Caller::connect(address).await;
    for method in ["GET", "POST"] {
        let answer = caller.ask(method, "/", "").await;
        assert_eq!(gateway_error(&answer), (502, "FunctionNotStarted".to_owned()));
    }
}

#[tokio::test]
async fn a_request_on_a_lost_connection_is_repeated_only_if_that_is_safe() {
    let upstream = gateway::closes_at_the_second_request().await;
    let address = gateway::serve(Gateway::new(gateway::options(upstream))).await;
    let mut caller = Caller::connect(address).await;
    assert_eq!(caller.ask("POST", "/", "").await.body, "1");
    assert_eq!(caller.ask("GET", "/", "").await.body, "2");
    let lost = caller.ask("POST", "/", "").await;
    assert_eq!(gateway_error(&lost), (502, "CAExited".to_owned()));
    assert_eq!(caller.ask("POST", "/", "").await.body, "3");
}

#[tokio::test]
async fn a_name_that_is_not_this_machines_is_answered_421_and_the_function_is_not_asked() {
    let fixture = Fixture::start().await;
    let address = gateway::serve(Gateway::new(gateway::options(fixture.server.address))).await;
    for (host, status) in [
        ("evil.example", 421),
        ("evil.example:8080", 421),
        ("localhost.evil.example", 421),
        ("localhost:8080", 200),
        ("signer.localhost", 200),
        ("[::1]:8080", 200),
    ] {
        assert_eq!(status_for(address, host).await, status, "{host}");
    }
    let mut options = gateway::options(fixture.server.address);
    options.hosts = fc_emulator::Hosts::named(["tunnel.example".to_owned()]);
    let address = gateway::serve(Gateway::new(options)).await;
    assert_eq!(status_for(address, "tunnel.example").await, 200);
    assert_eq!(status_for(address, "other.example").await, 421);
}

/// Asks for a page under a name, and gives the answer's status.
async fn status_for(address: std::net::SocketAddr, host: &str) -> u16 {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    crate::support::oss::Reply::read(stream).await.status
}
