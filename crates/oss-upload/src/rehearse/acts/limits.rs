//! What is too large for the platform, and what it takes away, on both sides of the function.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::CONTENT_DISPOSITION;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;

use crate::rehearse::ask::Ask;
use crate::rehearse::ask::Reply;
use crate::rehearse::report::Row;
use crate::rehearse::stage;
use crate::rehearse::stage::Stage;
use fc_emulator::Gateway;

const MAX_HEADERS: usize = 8 * 1024;
const MAX_PATH: usize = 4 * 1024;
const MAX_BODY: usize = 32 * 1024 * 1024;

/// A key that a caller makes up.
const FORGED_KEY: &str = "STS.ForgedByTheCaller";

/// Headers and a path of exactly the size that still passes, and of one byte more.
pub(super) async fn head(stage: &Stage) -> Row {
    const ACT: &str = "request head";
    const FIGURE: &str = "8 KB, path 4 KB";
    let ask = stage.ask();
    for over in [0, 1] {
        let large = padded(&ask, MAX_HEADERS + over);
        let headers = stage.send(&stage.front, ask.with(large, Bytes::new())).await;
        let long = Ask { path: longer(&ask, MAX_PATH + over), ..ask.clone() };
        let path = stage.send(&stage.front, long.request()).await;
        for (what, reply) in [("headers", headers), ("path and query", path)] {
            if over == 1 && reply.status != 400 {
                let sentence = format!("{what} over the limit were not refused: {}", reply.words());
                return Row::fail(ACT, FIGURE, sentence);
            }
            if over == 0 && !reply.is_answer() {
                let sentence = format!("{what} of exactly the limit: {}", reply.words());
                return Row::fail(ACT, FIGURE, sentence);
            }
            if matches!((over, reply.status), (0, 414 | 431)) {
                let sentence = format!("the function itself takes only smaller {what}");
                return Row::note(ACT, FIGURE, sentence);
            }
        }
    }
    Row::pass(ACT, FIGURE, "takes what is exactly as large; the platform refuses a byte more")
}

/// A body of exactly the size that still passes, and of one byte more.
pub(super) async fn body(stage: &Stage) -> Row {
    const ACT: &str = "request body";
    const FIGURE: &str = "32 MB";
    let ask = Ask { method: Method::POST, ..stage.ask() };
    let send = async |length: usize| {
        let body = Bytes::from(vec![b' '; length]);
        stage.send(&stage.front, ask.with(HeaderMap::new(), body)).await
    };
    let over = send(MAX_BODY + 1).await;
    if over.status != 400 {
        let sentence = format!("a body over the limit was not refused: {}", over.words());
        return Row::fail(ACT, FIGURE, sentence);
    }
    let full = send(MAX_BODY).await;
    if stage.instance().await.is_err() {
        return Row::fail(ACT, FIGURE, "after a body of exactly the limit no instance starts");
    }
    match full {
        Reply { passed: None, .. } => Row::note(
            ACT,
            FIGURE,
            format!(
                "a body of exactly the limit is lost with its connection ({} {}); whoever sends one \
                 learns nothing",
                full.status,
                full.refusal().map(|(code, _)| code).unwrap_or_default()
            ),
        ),
        Reply { status: 413, .. } => {
            Row::pass(ACT, FIGURE, "the function refuses it itself (413) and goes on")
        }
        Reply { status, .. } => {
            Row::pass(ACT, FIGURE, format!("the function answers {status} and goes on"))
        }
    }
}

/// The headers of all answers so far.
pub(super) fn answer(stage: &Stage) -> Row {
    const ACT: &str = "answer's headers";
    let seen = stage.seen();
    if let Some(path) = &seen.too_large {
        let sentence =
            format!("{path} answers with more than 8 KB of headers; callers get 502 BadResponse");
        return Row::fail(ACT, "over 8 KB", sentence);
    }
    let figure = format!("{} B of 8 KB", seen.header_bytes);
    Row::pass(ACT, figure, "the largest of all answers")
}

/// Headers that the platform keeps for itself, from a caller and from the function.
pub(super) async fn reserved(stage: &Stage) -> Row {
    const ACT: &str = "reserved headers";
    let mut headers = HeaderMap::new();
    for name in ["x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token"] {
        headers.insert(name, HeaderValue::from_static(FORGED_KEY));
    }
    headers.insert("connection", HeaderValue::from_static("keep-alive, x-private"));
    for ask in &stage.asks {
        let reply = stage.send(&stage.front, ask.with(headers.clone(), Bytes::new())).await;
        if reply.says(FORGED_KEY) {
            let sentence = format!("{ask}: a key that the caller made up reached the function");
            return Row::fail(ACT, "-", sentence);
        }
        if !reply.is_answer() {
            return Row::fail(ACT, "-", format!("{ask}: {}", reply.words()));
        }
    }
    let taken: Vec<String> = stage.seen().taken.iter().map(ToString::to_string).collect();
    let figure = match taken.len() {
        0..=2 => taken.join(", "),
        count => format!("{count} taken away"),
    };
    let usual = ["connection", "date", "keep-alive", "server", "transfer-encoding"];
    let sets: Vec<&str> =
        taken.iter().map(String::as_str).filter(|name| !usual.contains(name)).collect();
    if sets.is_empty() {
        let sentence = "a caller cannot forge the platform's; what the platform takes from the \
                        answers is nothing that a caller needs";
        return Row::pass(ACT, figure, sentence);
    }
    Row::note(ACT, figure, format!("callers never see what the function sets: {}", sets.join(", ")))
}

/// What becomes of an answer at the address that the platform gives.
pub(super) async fn default_domain(stage: &Stage) -> Row {
    const ACT: &str = "default domain";
    let gateway: Gateway = stage::gateway(&stage.fleet, |options| {
        options.keys = Some(stage::keys(stage::HEADER_KEY));
        options.default_domain = true;
    });
    let reply = stage.send(&gateway, Ask::get("/").request()).await;
    let text = |name| reply.headers.get(name).and_then(|value| value.to_str().ok());
    let disposition = text(CONTENT_DISPOSITION).unwrap_or_default().to_owned();
    if text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")) && reply.status < 400 {
        return Row::note(
            ACT,
            disposition,
            "GET / is a page: at fcapp.run browsers download it instead of showing it; bind a domain \
             of your own",
        );
    }
    Row::pass(ACT, disposition, "GET / is no page; scripts read what browsers would download")
}

/// Fills the headers of a request up to so many bytes of names and values.
fn padded(ask: &Ask, length: usize) -> HeaderMap {
    let own = ask.request();
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

/// Fills a path with a query up to so many bytes.
fn longer(ask: &Ask, length: usize) -> PathAndQuery {
    let path = ask.path.as_str();
    let mark = if path.contains('?') { '&' } else { '?' };
    let padding = "p".repeat(length.saturating_sub(path.len() + 1));
    format!("{path}{mark}{padding}").parse().unwrap_or_else(|_| ask.path.clone())
}
