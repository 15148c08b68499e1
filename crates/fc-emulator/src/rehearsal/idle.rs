//! Checks of idle times: a kept connection without requests, and an instance that is frozen between
//! requests.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::instance::Instance;
use crate::rehearsal::harness::{self, HEADER_KEY, Harness, NEW_HEADER_KEY};
use crate::rehearsal::report::{CheckResult, format_duration};

/// What the function did with a kept connection.
enum IdleConnection {
    /// It was usable after the pause.
    StayedOpen,
    /// The function closed it after this time.
    Closed(Duration),
    /// The function closes it after each response.
    NotKept,
    /// There was no response on it.
    Failed(String),
}

/// Sends a request on a connection after it has been idle for this time.
///
/// The connection does not belong to the gateway's client, so that its end is noticed at once. A client
/// with a pool of connections would open another one, where the platform may lose the request.
pub(super) async fn connection(harness: &Harness, idle: Duration) -> CheckResult {
    const CHECK: &str = "idle connection";
    let figure = format_duration(idle);
    let instance = match harness.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return CheckResult::fail(CHECK, figure, sentence),
    };
    let advice = "the platform keeps connections for up to 15 minutes and loses the next POST on a \
                  closed one with 502; set the server's idle timeout to at least that, or to none";
    match observe(harness, &instance, idle).await {
        IdleConnection::StayedOpen => {
            CheckResult::pass(CHECK, figure, "stayed open, and was answered on afterwards")
        }
        IdleConnection::Closed(after) => {
            let after = format_duration(after);
            let sentence = format!("the function closed it after {after}; {advice}");
            CheckResult::fail(CHECK, figure, sentence)
        }
        IdleConnection::NotKept => {
            let sentence = format!("the function closes it after each answer; {advice}");
            CheckResult::fail(CHECK, figure, sentence)
        }
        IdleConnection::Failed(sentence) => CheckResult::fail(CHECK, figure, sentence),
    }
}

async fn observe(harness: &Harness, instance: &Instance, idle: Duration) -> IdleConnection {
    // A frozen instance could not close anything.
    instance.thaw();
    instance.close_connections();
    let timeout = idle + harness.pool.config().function.timeout;
    match tokio::time::timeout(timeout, exchange(harness, instance, idle)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => IdleConnection::Failed(format!("the connection broke: {error}")),
        Err(_) => {
            let sentence = "a request on a further connection was not answered";
            IdleConnection::Failed(sentence.to_owned())
        }
    }
}

async fn exchange(
    harness: &Harness,
    instance: &Instance,
    idle: Duration,
) -> Result<IdleConnection, Box<dyn std::error::Error>> {
    // The request has none of the platform's headers, as from a client on the same machine.
    let request = || -> Request<Full<Bytes>> { harness.request().build() };
    let stream = TcpStream::connect(instance.address()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = tokio::spawn(connection);
    let response = sender.send_request(request()).await?;
    let is_kept = response.version() == Version::HTTP_11
        && response.headers().get(CONNECTION).is_none_or(|value| value != "close");
    response.into_body().collect().await?;
    if !is_kept {
        return Ok(IdleConnection::NotKept);
    }
    let started = Instant::now();
    if tokio::time::timeout(idle, &mut connection).await.is_ok() {
        return Ok(IdleConnection::Closed(started.elapsed()));
    }
    sender.send_request(request()).await?.into_body().collect().await?;
    connection.abort();
    Ok(IdleConnection::StayedOpen)
}

/// Waits until the instance is frozen, replaces the credentials as after some hours, and sends the
/// requests again.
pub(super) async fn freeze(harness: &Harness) -> CheckResult {
    const CHECK: &str = "freeze and thaw";
    let instance = match harness.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return CheckResult::fail(CHECK, "-", sentence),
    };
    let Some(is_frozen) = instance.wait_until_frozen().await else {
        let sentence = "this system does not report whether a process is frozen";
        return CheckResult::note(CHECK, "-", sentence);
    };
    let figure = if is_frozen { "frozen" } else { "not frozen" };
    harness.gateway.set_credentials(Some(&harness::credentials(NEW_HEADER_KEY)));
    let (mut is_new, mut is_old) = (false, false);
    for request in &harness.requests {
        let response = harness.send(&harness.gateway, request.build()).await;
        is_new |= response.contains(NEW_HEADER_KEY);
        is_old |= response.contains(HEADER_KEY);
        if !response.is_from_function() {
            let sentence = format!("afterwards {request}: {}", response.describe());
            return CheckResult::fail(CHECK, figure, sentence);
        }
    }
    let limitation = "the clock of another process cannot be moved, so the effect of hours is not \
                      checked";
    match (is_new, is_old) {
        (_, true) => CheckResult::fail(
            CHECK,
            figure,
            "it still signs with the earlier keys, although the request brought new ones",
        ),
        (true, false) => CheckResult::pass(
            CHECK,
            figure,
            format!("went on, and signs with the keys that the next request brought; {limitation}"),
        ),
        (false, false) => {
            let sentence = format!("went on with the next request; {limitation}");
            CheckResult::pass(CHECK, figure, sentence)
        }
    }
}
