//! Checks of the platform's limits, and of the headers that it removes, on both sides of the function.

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};

use crate::rehearsal::harness::{self, Harness};
use crate::rehearsal::report::CheckResult;
use crate::rehearsal::request::{TestRequest, TestResponse};

// Repeated here on purpose: a wrong limit of the gateway then fails the check.
const MAX_HEADERS: usize = 8 * 1024;
const MAX_PATH: usize = 4 * 1024;
const MAX_BODY: usize = 32 * 1024 * 1024;

/// An access key id that a caller forges.
const FORGED_KEY: &str = "STS.ForgedByTheCaller";

/// Sends headers and a path of exactly the limit, and of one byte more.
pub(super) async fn request_head(harness: &Harness) -> CheckResult {
    const CHECK: &str = "request head";
    const FIGURE: &str = "8 KB, path 4 KB";
    let request = harness.request();
    for over in [0, 1] {
        let large = padded_headers(&request, MAX_HEADERS + over);
        let large = request.build_with(large, Bytes::new());
        let headers = harness.send(&harness.gateway, large).await;
        let long = TestRequest { path: padded_path(&request, MAX_PATH + over), ..request.clone() };
        let path = harness.send(&harness.gateway, long.build()).await;
        for (what, response) in [("headers", headers), ("path and query", path)] {
            if over == 1 && response.status != 400 {
                let response = response.describe();
                let sentence = format!("{what} over the limit were not refused: {response}");
                return CheckResult::fail(CHECK, FIGURE, sentence);
            }
            if over == 0 && !response.is_from_function() {
                let sentence = format!("{what} of exactly the limit: {}", response.describe());
                return CheckResult::fail(CHECK, FIGURE, sentence);
            }
            if matches!((over, response.status), (0, 414 | 431)) {
                let sentence = format!("the function itself takes only smaller {what}");
                return CheckResult::note(CHECK, FIGURE, sentence);
            }
        }
    }
    let sentence = "takes what is exactly as large; the platform refuses a byte more";
    CheckResult::pass(CHECK, FIGURE, sentence)
}

/// Sends a body of exactly the limit, and of one byte more.
pub(super) async fn request_body(harness: &Harness) -> CheckResult {
    const CHECK: &str = "request body";
    const FIGURE: &str = "32 MB";
    let request = TestRequest { method: Method::POST, ..harness.request() };
    let send = async |length: usize| {
        let body = Bytes::from(vec![b' '; length]);
        harness.send(&harness.gateway, request.build_with(HeaderMap::new(), body)).await
    };
    let over = send(MAX_BODY + 1).await;
    if over.status != 400 {
        let sentence = format!("a body over the limit was not refused: {}", over.describe());
        return CheckResult::fail(CHECK, FIGURE, sentence);
    }
    let full = send(MAX_BODY).await;
    if harness.instance().await.is_err() {
        let sentence = "after a body of exactly the limit no instance starts";
        return CheckResult::fail(CHECK, FIGURE, sentence);
    }
    match full {
        TestResponse { report: None, status, .. } => {
            let code = full.gateway_error().map(|(code, _)| code).unwrap_or_default();
            let sentence = format!(
                "a body of exactly the limit is lost with its connection ({status} {code}); its \
                 sender does not learn the reason"
            );
            CheckResult::note(CHECK, FIGURE, sentence)
        }
        TestResponse { status: 413, .. } => {
            CheckResult::pass(CHECK, FIGURE, "the function refuses it itself (413) and goes on")
        }
        TestResponse { status, .. } => {
            CheckResult::pass(CHECK, FIGURE, format!("the function answers {status} and goes on"))
        }
    }
}

/// Reports the size of the headers of all responses so far.
pub(super) fn response_headers(harness: &Harness) -> CheckResult {
    const CHECK: &str = "answer's headers";
    let observations = harness.observations();
    if let Some(path) = &observations.oversized_headers {
        let sentence =
            format!("{path} answers with more than 8 KB of headers; callers get 502 BadResponse");
        return CheckResult::fail(CHECK, "over 8 KB", sentence);
    }
    let figure = format!("{} B of 8 KB", observations.max_header_bytes);
    CheckResult::pass(CHECK, figure, "the largest of all answers")
}

/// Sends reserved headers, and reports those that the function sets.
pub(super) async fn reserved_headers(harness: &Harness) -> CheckResult {
    const CHECK: &str = "reserved headers";
    /// Headers that servers set by themselves, and that no caller misses.
    const USUAL: [&str; 5] = ["connection", "date", "keep-alive", "server", "transfer-encoding"];
    let mut headers = HeaderMap::new();
    for name in ["x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token"] {
        headers.insert(name, HeaderValue::from_static(FORGED_KEY));
    }
    headers.insert("connection", HeaderValue::from_static("keep-alive, x-private"));
    for request in &harness.requests {
        let forged = request.build_with(headers.clone(), Bytes::new());
        let response = harness.send(&harness.gateway, forged).await;
        if response.contains(FORGED_KEY) {
            let sentence = format!("{request}: a key that the caller made up reached the function");
            return CheckResult::fail(CHECK, "-", sentence);
        }
        if !response.is_from_function() {
            return CheckResult::fail(CHECK, "-", format!("{request}: {}", response.describe()));
        }
    }
    let removed = harness.observations().removed_headers.clone();
    let removed: Vec<&str> = removed.iter().map(http::HeaderName::as_str).collect();
    let figure = match removed.len() {
        0..=2 => removed.join(", "),
        count => format!("{count} removed"),
    };
    let lost: Vec<&str> = removed.into_iter().filter(|name| !USUAL.contains(name)).collect();
    if lost.is_empty() {
        let sentence = "a caller cannot forge the platform's; the platform removes no header of the \
                        answers that a caller needs";
        return CheckResult::pass(CHECK, figure, sentence);
    }
    let lost = lost.join(", ");
    CheckResult::note(CHECK, figure, format!("callers never see what the function sets: {lost}"))
}

/// Reports what the platform's own domain does to the page of the function.
pub(super) async fn default_domain(harness: &Harness) -> CheckResult {
    const CHECK: &str = "default domain";
    let gateway = harness::gateway(&harness.pool, |options| options.default_domain = true);
    let response = harness.send(&gateway, TestRequest::get("/").build()).await;
    let text = |name| response.headers.get(name).and_then(|value| value.to_str().ok());
    let disposition = text(CONTENT_DISPOSITION).unwrap_or_default().to_owned();
    let is_html = text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
    if is_html && response.status < 400 {
        return CheckResult::note(
            CHECK,
            disposition,
            "GET / is a page: at fcapp.run browsers download it instead of showing it; bind a domain \
             of your own",
        );
    }
    let sentence = "GET / is no page; scripts read what browsers would download";
    CheckResult::pass(CHECK, disposition, sentence)
}

/// Returns a header that brings names and values of a request to this many bytes.
fn padded_headers(request: &TestRequest, length: usize) -> HeaderMap {
    let own = request.build();
    let own: usize =
        own.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let name = "x-padding";
    let padding = "p".repeat(length.saturating_sub(own + name.len()));
    let mut headers = HeaderMap::new();
    if let Ok(padding) = HeaderValue::try_from(padding) {
        headers.insert(name, padding);
    }
    headers
}

/// Returns the path with a query that brings it to this many bytes.
fn padded_path(request: &TestRequest, length: usize) -> PathAndQuery {
    let path = request.path.as_str();
    let mark = if path.contains('?') { '&' } else { '?' };
    let padding = "p".repeat(length.saturating_sub(path.len() + 1));
    format!("{path}{mark}{padding}").parse().unwrap_or_else(|_| request.path.clone())
}
