//! Rest: a kept connection that idles, and an instance that stands still between requests.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Uri;
use http::Version;
use http::header::CONNECTION;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::rehearse::figure;
use crate::rehearse::report::Row;
use crate::rehearse::stage;
use crate::rehearse::stage::HEADER_KEY;
use crate::rehearse::stage::NEW_HEADER_KEY;
use crate::rehearse::stage::Stage;
use fc_emulator::Instance;

/// What became of a kept connection.
enum Kept {
    /// It was as good after the pause as before.
    Whole,
    /// The function closed it after so long.
    Closed(Duration),
    /// It said with its answer that it would.
    ClosedAtOnce,
    /// There was no answer on it at all.
    Broken(String),
}

/// Leaves a connection alone for a while and uses it again.
///
/// The connection is one of its own, so that its end is seen the moment it comes: a client that shares
/// many of them notices a closed one too and quietly opens another, where the platform may lose the
/// request.
pub(super) async fn idle(stage: &Stage, idle: Duration) -> Row {
    const ACT: &str = "idle connection";
    let figure = figure::time(idle);
    let instance = match stage.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return Row::fail(ACT, figure, sentence),
    };
    let harm = "the platform keeps connections for up to 15 minutes and loses the next POST on a \
                closed one with 502; set the server's idle timeout to at least that, or to none";
    match keep(stage, &instance, idle).await {
        Kept::Whole => Row::pass(ACT, figure, "stayed open, and was answered on afterwards"),
        Kept::Closed(after) => Row::fail(
            ACT,
            figure,
            format!("the function closed it after {}; {harm}", figure::time(after)),
        ),
        Kept::ClosedAtOnce => {
            Row::fail(ACT, figure, format!("the function closes it after each answer; {harm}"))
        }
        Kept::Broken(sentence) => Row::fail(ACT, figure, sentence),
    }
}

async fn keep(stage: &Stage, instance: &Instance, idle: Duration) -> Kept {
    // Asleep it could not close anything.
    instance.thaw();
    instance.hang_up();
    let limit = idle + stage.fleet.plan().function.timeout;
    match tokio::time::timeout(limit, kept(stage, instance, idle)).await {
        Ok(Ok(kept)) => kept,
        Ok(Err(error)) => Kept::Broken(format!("the connection broke: {error}")),
        Err(_) => Kept::Broken("a request on a further connection was not answered".to_owned()),
    }
}

async fn kept(
    stage: &Stage,
    instance: &Instance,
    idle: Duration,
) -> Result<Kept, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(instance.address()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = tokio::spawn(connection);
    let answer = sender.send_request(plain(stage)).await?;
    let is_kept = answer.version() == Version::HTTP_11
        && answer.headers().get(CONNECTION).is_none_or(|value| value != "close");
    answer.into_body().collect().await?;
    if !is_kept {
        return Ok(Kept::ClosedAtOnce);
    }
    let started = Instant::now();
    if tokio::time::timeout(idle, &mut connection).await.is_ok() {
        return Ok(Kept::Closed(started.elapsed()));
    }
    sender.send_request(plain(stage)).await?.into_body().collect().await?;
    connection.abort();
    Ok(Kept::Whole)
}

/// The first request as a client on the same machine sends it, without the platform's headers.
fn plain(stage: &Stage) -> Request<Full<Bytes>> {
    let ask = stage.ask();
    let mut request = ask.request();
    *request.uri_mut() = Uri::from(ask.path);
    request
}

/// Lets the instance stand still, changes the keys as if hours had passed, and asks again.
pub(super) async fn freeze(stage: &Stage) -> Row {
    const ACT: &str = "freeze and thaw";
    let instance = match stage.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return Row::fail(ACT, "-", sentence),
    };
    let Some(is_frozen) = instance.comes_to_rest().await else {
        return Row::note(ACT, "-", "this system does not tell whether a process stands still");
    };
    let figure = if is_frozen { "stood still" } else { "ran on" };
    stage.front.bring(Some(&stage::keys(NEW_HEADER_KEY)));
    let (mut is_new, mut is_old) = (false, false);
    for ask in &stage.asks {
        let reply = stage.send(&stage.front, ask.request()).await;
        is_new |= reply.says(NEW_HEADER_KEY);
        is_old |= reply.says(HEADER_KEY);
        if !reply.is_answer() {
            return Row::fail(ACT, figure, format!("afterwards {ask}: {}", reply.words()));
        }
    }
    let clock = "the clock of another process cannot be moved, so what hours would do to it is not \
                 seen";
    match (is_new, is_old) {
        (_, true) => Row::fail(
            ACT,
            figure,
            "it goes on signing with keys of before, although the request brought new ones",
        ),
        (true, false) => Row::pass(
            ACT,
            figure,
            format!("went on, and signs with the keys that the next request brought; {clock}"),
        ),
        (false, false) => Row::pass(ACT, figure, format!("went on with the next request; {clock}")),
    }
}
