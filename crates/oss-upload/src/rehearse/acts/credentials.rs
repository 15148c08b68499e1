//! Whose keys a function signs with, as far as its answers name them.
//!
//! Some runtimes bring the role's keys in the headers of every request and in the environment, newer
//! ones in the environment only. Those of the environment are as old as the instance.

use crate::rehearse::report::Row;
use crate::rehearse::stage::ENVIRONMENT_KEY;
use crate::rehearse::stage::HEADER_KEY;
use crate::rehearse::stage::Stage;
use fc_emulator::Gateway;

/// What the answers to all requests say of a key.
struct Told {
    expected: bool,
    other: bool,
    failure: Option<String>,
}

/// The keys come in the headers, and others stand in the environment.
pub(super) async fn by_header(stage: &Stage) -> Row {
    const ACT: &str = "keys by header";
    let told = listen(stage, &stage.front, HEADER_KEY, ENVIRONMENT_KEY).await;
    match told {
        Told { failure: Some(failure), .. } => Row::fail(ACT, "headers filled", failure),
        Told { expected: true, .. } => {
            Row::pass(ACT, "headers filled", "it signs with the keys that the request brought")
        }
        Told { other: true, .. } => Row::note(
            ACT,
            "headers filled",
            "it signs with the keys of the environment, which are as old as the instance and end \
             after 36 hours, although the request brought fresh ones",
        ),
        Told { .. } => unseen(ACT, "headers filled"),
    }
}

/// The headers are empty, and the keys stand in the environment.
pub(super) async fn by_environment(stage: &Stage) -> Row {
    const ACT: &str = "keys by environment";
    let told = listen(stage, &stage.bare, ENVIRONMENT_KEY, HEADER_KEY).await;
    match told {
        Told { failure: Some(failure), .. } => Row::fail(ACT, "headers empty", failure),
        Told { other: true, .. } => Row::fail(
            ACT,
            "headers empty",
            "it signs with the keys that an earlier request brought; take those of the environment \
             where a request brings none",
        ),
        Told { expected: true, .. } => {
            Row::pass(ACT, "headers empty", "it signs with the keys of the environment")
        }
        Told { .. } => unseen(ACT, "headers empty"),
    }
}

fn unseen(act: &str, figure: &str) -> Row {
    Row::note(
        act,
        figure,
        "answered; no answer names a key, so which was used cannot be seen from outside",
    )
}

/// Sends every request and reads the answers for key names.
async fn listen(stage: &Stage, gateway: &Gateway, expected: &str, other: &str) -> Told {
    let mut told = Told { expected: false, other: false, failure: None };
    for ask in &stage.asks {
        let reply = stage.send(gateway, ask.request()).await;
        told.expected |= reply.says(expected);
        told.other |= reply.says(other);
        if !reply.is_answer() {
            told.failure = Some(format!("{ask}: {}", reply.words()));
        }
    }
    told
}
