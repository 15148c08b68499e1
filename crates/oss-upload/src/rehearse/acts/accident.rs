//! Accidents: a process that dies, a request that takes too long, one that nobody waits for and that
//! fails at first.
//!
//! An instance that is stalled takes requests and does not answer, whatever its code does: so an
//! accident happens in the middle of a request, and not a moment before or after.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;

use crate::rehearse::ask::Ask;
use crate::rehearse::figure;
use crate::rehearse::report::Row;
use crate::rehearse::stage;
use crate::rehearse::stage::HEADER_KEY;
use crate::rehearse::stage::Stage;
use fc_emulator::Attempt;
use fc_emulator::Gateway;

/// After so long a request has reached the instance.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

/// The shortest timeout that a function can have.
const SHORTEST: Duration = Duration::from_secs(1);

/// Kills the process in the middle of a request.
pub(super) async fn kill(stage: &Stage) -> Row {
    const ACT: &str = "kill";
    let instance = match stage.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return Row::fail(ACT, "-", sentence),
    };
    instance.stall().await;
    // A request that may run twice would quietly be given to the next instance.
    let ask = Ask { method: Method::POST, ..stage.ask() };
    let accident = async {
        tokio::time::sleep(ON_ITS_WAY).await;
        instance.kill();
    };
    let (lost, ()) = tokio::join!(stage.send(&stage.front, ask.request()), accident);
    let next = stage.send(&stage.front, stage.ask().request()).await;
    let figure = format!("{}, then {}", lost.status, next.status);
    if lost.status != 502 {
        return Row::fail(ACT, figure, format!("the caller should get 502; {}", lost.words()));
    }
    if !next.is_answer() {
        return Row::fail(ACT, figure, format!("the next request: {}", next.words()));
    }
    let sentence = "the caller gets 502, as on the platform; the next request, a fresh instance";
    Row::pass(ACT, figure, sentence)
}

/// Sends a request that nobody waits for and whose first run takes too long.
pub(super) async fn invoke_later(stage: &Stage) -> Row {
    const ACT: &str = "async and retry";
    let gateway = hurried(stage);
    if let Err(sentence) = stall(stage).await {
        return Row::fail(ACT, "-", sentence);
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-fc-invocation-type", HeaderValue::from_static("Async"));
    let request = stage.ask().with(headers, Bytes::new());
    let (answer, later) = gateway.handle_or_leave(request).await;
    let Some(later) = later else {
        let status = answer.status();
        return Row::fail(ACT, status.to_string(), "the platform answers 202 and runs it later");
    };
    let attempts = later.await.unwrap_or_default();
    let runs: Vec<String> = attempts.iter().map(|run| run.status.to_string()).collect();
    let figure = format!("202; runs {}", runs.join(", "));
    match attempts.as_slice() {
        [Attempt { is_good: false, .. }, Attempt { is_good: true, retry_count: 1, .. }] => {
            Row::pass(
                ACT,
                figure,
                "the first run was lost; the second came with x-fc-retry-count 1",
            )
        }
        _ => Row::fail(
            ACT,
            figure,
            "the run after a lost one should be answered; a request may come again, so its handler has \
             to bear that",
        ),
    }
}

/// Lets a request take longer than the function may.
pub(super) async fn timeout(stage: &Stage) -> Row {
    const ACT: &str = "timeout";
    let gateway = hurried(stage);
    if let Err(sentence) = stall(stage).await {
        return Row::fail(ACT, "-", sentence);
    }
    let late = stage.send(&gateway, stage.ask().request()).await;
    let next = stage.send(&stage.front, stage.ask().request()).await;
    let figure = format!("{}, then {}", late.status, next.status);
    if late.status != 502 {
        return Row::fail(ACT, figure, format!("the caller should get an error; {}", late.words()));
    }
    if !next.is_answer() {
        return Row::fail(ACT, figure, format!("the next request: {}", next.words()));
    }
    let limit = figure::time(patience(stage));
    let own = stage.fleet.plan().function.timeout.as_secs();
    let sentence = format!(
        "after {limit} (here instead of {own} s) the instance is ended; the next request gets a fresh one"
    );
    Row::pass(ACT, figure, sentence)
}

async fn stall(stage: &Stage) -> Result<(), String> {
    stage.instance().await?.stall().await;
    Ok(())
}

/// A gateway to the same instances with as little patience as the function can bear.
fn hurried(stage: &Stage) -> Gateway {
    stage::gateway(&stage.fleet, |options| {
        options.keys = Some(stage::keys(HEADER_KEY));
        options.function.timeout = patience(stage);
    })
}

/// The shortest timeout, unless the function's own answers need longer.
fn patience(stage: &Stage) -> Duration {
    let needed = stage.seen().slowest * 3;
    SHORTEST.max(Duration::from_secs(needed.as_secs()))
}
