//! Checks of the credentials that a function uses, as far as its responses contain access key ids.
//!
//! Some runtimes get the role's credentials in the headers of every request and in the environment, newer
//! ones in the environment only. Those in the environment are as old as the instance.

use crate::gateway::Gateway;
use crate::rehearsal::harness::{ENVIRONMENT_KEY, HEADER_KEY, Harness};
use crate::rehearsal::report::CheckResult;

/// Which access key ids the responses to all requests contain.
struct UsedKeys {
    expected: bool,
    other: bool,
    failure: Option<String>,
}

/// The headers have credentials, and the environment has others.
pub(super) async fn in_headers(harness: &Harness) -> CheckResult {
    const CHECK: &str = "keys by header";
    const FIGURE: &str = "headers filled";
    match send_all(harness, &harness.gateway, HEADER_KEY, ENVIRONMENT_KEY).await {
        UsedKeys { failure: Some(failure), .. } => CheckResult::fail(CHECK, FIGURE, failure),
        UsedKeys { expected: true, .. } => {
            CheckResult::pass(CHECK, FIGURE, "it signs with the keys that the request brought")
        }
        UsedKeys { other: true, .. } => CheckResult::note(
            CHECK,
            FIGURE,
            "it signs with the keys of the environment, which are as old as the instance and end \
             after 36 hours, although the request brought fresh ones",
        ),
        UsedKeys { .. } => not_visible(CHECK, FIGURE),
    }
}

/// The credentials in the headers are empty, and the environment has some.
pub(super) async fn in_environment(harness: &Harness) -> CheckResult {
    const CHECK: &str = "keys by environment";
    const FIGURE: &str = "headers empty";
    let gateway = &harness.gateway_without_credentials;
    match send_all(harness, gateway, ENVIRONMENT_KEY, HEADER_KEY).await {
        UsedKeys { failure: Some(failure), .. } => CheckResult::fail(CHECK, FIGURE, failure),
        UsedKeys { other: true, .. } => CheckResult::fail(
            CHECK,
            FIGURE,
            "it signs with the keys that an earlier request brought; take those of the environment \
             where a request brings none",
        ),
        UsedKeys { expected: true, .. } => {
            CheckResult::pass(CHECK, FIGURE, "it signs with the keys of the environment")
        }
        UsedKeys { .. } => not_visible(CHECK, FIGURE),
    }
}

fn not_visible(check: &str, figure: &str) -> CheckResult {
    CheckResult::note(
        check,
        figure,
        "answered; no answer names a key, so which was used cannot be seen from outside",
    )
}

/// Sends every request and looks for access key ids in the responses.
async fn send_all(harness: &Harness, gateway: &Gateway, expected: &str, other: &str) -> UsedKeys {
    let mut used = UsedKeys { expected: false, other: false, failure: None };
    for request in &harness.requests {
        let response = harness.send(gateway, request.build()).await;
        used.expected |= response.contains(expected);
        used.other |= response.contains(other);
        if !response.is_from_function() {
            used.failure = Some(format!("{request}: {}", response.describe()));
        }
    }
    used
}
