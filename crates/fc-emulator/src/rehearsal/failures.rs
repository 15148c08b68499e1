//! Checks of failures: a process that dies, an asynchronous request whose first run fails, a timeout.
//!
//! A stalled instance takes requests and does not answer, whatever its code does. So each failure happens
//! in the middle of a request, not before or after it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use crate::gateway::{Attempt, Gateway};
use crate::rehearsal::harness::{self, Harness};
use crate::rehearsal::report::{CheckResult, format_duration};
use crate::rehearsal::request::TestRequest;

/// The time after which a request has reached the instance.
const TRANSIT: Duration = Duration::from_millis(200);

/// The shortest timeout that the platform accepts for a function.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Kills the process in the middle of a request.
pub(super) async fn kill(harness: &Harness) -> CheckResult {
    const CHECK: &str = "kill";
    let instance = match harness.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return CheckResult::fail(CHECK, "-", sentence),
    };
    instance.stall().await;
    // The gateway would repeat a GET with the next instance.
    let request = TestRequest { method: Method::POST, ..harness.request() };
    let kill = async {
        tokio::time::sleep(TRANSIT).await;
        instance.kill();
    };
    let (lost, ()) = tokio::join!(harness.send(&harness.gateway, request.build()), kill);
    let next = harness.send(&harness.gateway, harness.request().build()).await;
    let figure = format!("{}, then {}", lost.status, next.status);
    if lost.status != 502 {
        let sentence = format!("the caller should get 502; {}", lost.describe());
        return CheckResult::fail(CHECK, figure, sentence);
    }
    if !next.is_from_function() {
        return CheckResult::fail(CHECK, figure, format!("the next request: {}", next.describe()));
    }
    let sentence = "the caller gets 502, as on the platform; the next request, a fresh instance";
    CheckResult::pass(CHECK, figure, sentence)
}

/// Sends an asynchronous request whose first run exceeds the timeout.
pub(super) async fn async_retry(harness: &Harness) -> CheckResult {
    const CHECK: &str = "async and retry";
    let gateway = gateway_with_short_timeout(harness);
    if let Err(sentence) = stall(harness).await {
        return CheckResult::fail(CHECK, "-", sentence);
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-fc-invocation-type", HeaderValue::from_static("Async"));
    let request = harness.request().build_with(headers, Bytes::new());
    let (response, invocation) = gateway.handle_async(request).await;
    let Some(invocation) = invocation else {
        let sentence = "the platform answers 202 and runs it later";
        return CheckResult::fail(CHECK, response.status().to_string(), sentence);
    };
    let attempts = invocation.await.unwrap_or_default();
    let runs: Vec<String> = attempts.iter().map(|run| run.status.to_string()).collect();
    let figure = format!("202; runs {}", runs.join(", "));
    match attempts.as_slice() {
        [Attempt { is_success: false, .. }, Attempt { is_success: true, retry_count: 1, .. }] => {
            CheckResult::pass(
                CHECK,
                figure,
                "the first run was lost; the second came with x-fc-retry-count 1",
            )
        }
        _ => CheckResult::fail(
            CHECK,
            figure,
            "the run after a lost one should be answered; a request may come again, so its handler \
             has to be idempotent",
        ),
    }
}

/// Sends a request that exceeds the timeout.
pub(super) async fn timeout(harness: &Harness) -> CheckResult {
    const CHECK: &str = "timeout";
    let gateway = gateway_with_short_timeout(harness);
    if let Err(sentence) = stall(harness).await {
        return CheckResult::fail(CHECK, "-", sentence);
    }
    let late = harness.send(&gateway, harness.request().build()).await;
    let next = harness.send(&harness.gateway, harness.request().build()).await;
    let figure = format!("{}, then {}", late.status, next.status);
    if late.status != 502 {
        let sentence = format!("the caller should get an error; {}", late.describe());
        return CheckResult::fail(CHECK, figure, sentence);
    }
    if !next.is_from_function() {
        return CheckResult::fail(CHECK, figure, format!("the next request: {}", next.describe()));
    }
    let short = format_duration(short_timeout(harness));
    let configured = harness.pool.config().function.timeout.as_secs();
    let sentence = format!(
        "after {short} (here instead of {configured} s) the instance is ended; the next request gets a \
         fresh one"
    );
    CheckResult::pass(CHECK, figure, sentence)
}

async fn stall(harness: &Harness) -> Result<(), String> {
    harness.instance().await?.stall().await;
    Ok(())
}

fn gateway_with_short_timeout(harness: &Harness) -> Gateway {
    harness::gateway(&harness.pool, |options| options.function.timeout = short_timeout(harness))
}

/// The shortest timeout that the function's own responses keep.
fn short_timeout(harness: &Harness) -> Duration {
    let needed = harness.observations().slowest * 3;
    MIN_TIMEOUT.max(Duration::from_secs(needed.as_secs()))
}
