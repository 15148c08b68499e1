//! The probes of the gateway, in the order of the table of behaviours.

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::conformance::form::PausedBody;
use crate::conformance::gateway::exchange::GatewayTarget;
use crate::conformance::gateway::facts::{
    self, ARRIVES, AS_SENT, CHANGED, DISPOSITION, FIRST_QUERY, PASSED_ON, PATH, REMOVED,
    TEST_ADDRESS, TEST_ORIGIN,
};
use crate::conformance::gateway::probe::{GatewayProbe, ReadFact};
use crate::http_client::WebRequest;

/// Bytes of a header and of a path that are over the limits of 8 KB and 4 KB.
const LONG_HEADER: usize = 9000;
const LONG_PATH: usize = 4500;

/// Bytes of a body that is over the limit of 128 KB for an asynchronous call.
const ASYNC_BODY: usize = 140_000;

/// Returns all probes.
pub(super) fn all() -> Vec<GatewayProbe> {
    let groups = [
        methods(),
        addresses(),
        headers(),
        forwarded_headers(),
        platform_headers(),
        limits(),
        bodies(),
        responses(),
    ];
    groups.into_iter().flatten().collect()
}

fn probe(
    name: &'static str,
    send: fn(&GatewayTarget) -> WebRequest,
    read: ReadFact,
    here: &'static str,
    others: &'static [&'static str],
) -> GatewayProbe {
    GatewayProbe { name, send, read, here, others }
}

fn methods() -> Vec<GatewayProbe> {
    vec![
        probe("method", |target| target.post(String::new()), facts::post, AS_SENT, &[CHANGED]),
        probe(
            "method-head",
            |target| target.request(Method::HEAD),
            facts::head,
            AS_SENT,
            &[CHANGED],
        ),
        probe(
            "method-options",
            |target| WebRequest::preflight(target.echo_url("")).header("origin", TEST_ORIGIN),
            facts::preflight,
            "the function answers",
            &["the gateway answers"],
        ),
        probe(
            "method-not-listed",
            |target| target.request(Method::PUT),
            facts::method_not_listed,
            "answered with 405 MethodNotAllowed",
            &[],
        ),
    ]
}

fn addresses() -> Vec<GatewayProbe> {
    vec![
        probe("path", |target| target.get(PATH), facts::path, AS_SENT, &[CHANGED]),
        probe("query", |target| target.get(FIRST_QUERY), facts::query, AS_SENT, &[CHANGED]),
        probe("host", |target| target.get(""), facts::host, AS_SENT, &[CHANGED]),
    ]
}

fn headers() -> Vec<GatewayProbe> {
    vec![
        probe(
            "repeated-headers",
            |target| {
                let name = "x-conformance-twice";
                target.get("").header(name, "1").header(name, "2")
            },
            facts::repeated_headers,
            "two fields",
            &["one field with both values", "one of the two"],
        ),
        probe(
            "reserved-headers",
            |target| target.get("").header("x-fc-conformance", "1"),
            facts::reserved_headers,
            REMOVED,
            &["arrives: x-fc-conformance"],
        ),
        probe(
            "forged-headers",
            |target| target.get("").header("x-fc-client-ip", TEST_ADDRESS),
            facts::forged_headers,
            REMOVED,
            &[ARRIVES],
        ),
        probe(
            "connection-headers",
            |target| {
                let request = target.get("").header("connection", "x-conformance-hop, te");
                let request = request.header("x-conformance-hop", "1").header("te", "trailers");
                request.header("keep-alive", "timeout=5")
            },
            facts::connection_headers,
            REMOVED,
            &["arrives: x-conformance-hop", "arrives: connection, x-conformance-hop"],
        ),
        probe(
            "expect",
            |target| target.get("").header("expect", "100-continue"),
            facts::expect,
            REMOVED,
            &["arrives: expect"],
        ),
    ]
}

fn forwarded_headers() -> Vec<GatewayProbe> {
    vec![
        probe(
            "accept-encoding",
            |target| target.get("").header("accept-encoding", facts::ACCEPT_ENCODING),
            facts::accept_encoding,
            AS_SENT,
            &[CHANGED, REMOVED],
        ),
        probe(
            "forwarded-for",
            |target| target.get("").header("x-forwarded-for", TEST_ADDRESS),
            facts::forwarded_for,
            AS_SENT,
            &[CHANGED, REMOVED],
        ),
        probe(
            "forwarded-for-added",
            |target| target.get(""),
            facts::forwarded_for_added,
            "none is added",
            &["one is added"],
        ),
    ]
}

fn platform_headers() -> Vec<GatewayProbe> {
    const ABSENT: &[&str] = &["empty", "missing"];
    let probe = |name, read, here, others| probe(name, |target| target.get(""), read, here, others);
    vec![
        probe("platform-headers", facts::platform_headers, "those of the local gateway", &[]),
        probe("base-path", facts::base_path, "the path", ABSENT),
        probe("control-path", facts::control_path, "/http-invoke", ABSENT),
        probe("retry-count", facts::retry_count, "0", ABSENT),
        probe("timeout-header", facts::timeout_header, "whole seconds", ABSENT),
        probe("request-id", facts::request_id, "1, and 8, 8 and 12 hex digits", &["a UUID"]),
        probe("request-id-returned", facts::request_id_returned, "the same", &["missing"]),
        probe("role-keys", facts::role_keys, "in the headers", &["not in the headers"]),
    ]
}

fn limits() -> Vec<GatewayProbe> {
    const REFUSED: &str = "answered with 400 InvalidArgument";
    vec![
        probe(
            "request-headers-limit",
            |target| target.get("").header("x-conformance-long", &"l".repeat(LONG_HEADER)),
            facts::accepted,
            REFUSED,
            &["accepted"],
        ),
        probe(
            "request-path-limit",
            |target| target.get(&format!("?{}", "l".repeat(LONG_PATH))),
            facts::accepted,
            REFUSED,
            &["accepted"],
        ),
        probe(
            "async",
            |target| target.post(String::new()).header("x-fc-invocation-type", "Async"),
            facts::asynchronous,
            "202 without a body",
            &["accepted"],
        ),
        probe(
            "async-body-limit",
            |target| target.post("b".repeat(ASYNC_BODY)).header("x-fc-invocation-type", "Async"),
            facts::accepted,
            "answered with 400 EntityTooLarge",
            &["accepted", "answered with 202", REFUSED],
        ),
    ]
}

fn bodies() -> Vec<GatewayProbe> {
    vec![
        probe("body", |target| target.post(facts::body_text()), facts::body, AS_SENT, &[CHANGED]),
        probe(
            "chunked-body",
            |target| slow_body(target, Duration::ZERO, PausedBody::without_length),
            facts::chunked_body,
            "arrives with a length",
            &["arrives in chunks", CHANGED],
        ),
        probe(
            "slow-body",
            |target| slow_body(target, target.pause, |body| body),
            facts::body,
            AS_SENT,
            &[CHANGED],
        ),
    ]
}

fn responses() -> Vec<GatewayProbe> {
    let plain = |name, read, here, others| probe(name, |target| target.get(""), read, here, others);
    vec![
        probe("status", |target| target.get("?status=418"), facts::status, PASSED_ON, &[CHANGED]),
        plain("reserved-response-headers", facts::response_headers, REMOVED, &[ARRIVES]),
        plain("server-header", facts::server_header, REMOVED, &["replaced", ARRIVES]),
        plain(
            "content-disposition",
            facts::content_disposition,
            DISPOSITION,
            &["none at the default domain", "one at a domain of its own"],
        ),
        plain(
            "cors-headers",
            facts::cors_headers,
            "that of the function alone",
            &["another one is added", "that of the gateway alone", REMOVED],
        ),
        probe(
            "response-headers-limit",
            |target| target.get(&format!("?headers={LONG_HEADER}")),
            facts::accepted,
            "answered with 502 BadResponse",
            &["accepted"],
        ),
        probe(
            "slow-response",
            |target| target.get(&format!("?wait={}", target.pause.as_millis())),
            facts::slow_response,
            PASSED_ON,
            &[CHANGED],
        ),
    ]
}

/// Returns a POST of the usual body with a pause in its middle.
fn slow_body(
    target: &GatewayTarget,
    pause: Duration,
    change: fn(PausedBody) -> PausedBody,
) -> WebRequest {
    let text = facts::body_text();
    let middle = text.len() / 2;
    let body = PausedBody::new(Bytes::from(text), middle, pause);
    WebRequest::post_stream(target.echo_url(""), "text/plain", change(body))
}
