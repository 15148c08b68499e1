//! Sends one callback on a connection of its own, and checks the response.
//!
//! Callback page: the response has status 200, a `Content-Length`, at most 1 MB, and is JSON
//! without a byte order mark; a redirect counts as another status than 200. The caller limits the
//! time.
//!
//! A failed callback leads to a response with status 203, because the object is stored. Sources:
//! the page on 203 errors, and the pages of EC 0007-00000202 and 0007-00000205, whose messages are
//! used. They have one message for both "too long" and "no length".

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::IgnoredAny;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::oss::callback::parameter::CallbackTarget;
use crate::oss::error::{OssError, OssErrorKind};

/// The maximum size of a response: 1 MB. A table on the same page says 3 MB.
pub(super) const MAX_RESPONSE: u64 = 1024 * 1024;

/// Sends a request and returns the body of a valid response.
pub(super) async fn send(
    target: &CallbackTarget,
    request: Request<Full<Bytes>>,
) -> Result<Bytes, CallbackError> {
    if target.secure {
        return Err(CallbackError::NotLocal(
            "the local OSS calls with http only; name an http address of this machine",
        ));
    }
    let stream = connect(target).await?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(CallbackError::unreachable)?;
    // The connection task ends with the set, whichever way this function returns.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let response = sender.send_request(request).await.map_err(CallbackError::unreachable)?;
    read(response).await
}

async fn connect(target: &CallbackTarget) -> Result<TcpStream, CallbackError> {
    let addresses = addresses(target).await?;
    let stream = TcpStream::connect(&*addresses).await.map_err(CallbackError::unreachable)?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Resolves a host to loopback addresses.
async fn addresses(target: &CallbackTarget) -> Result<Vec<SocketAddr>, CallbackError> {
    let (host, port) = (target.host.as_str(), target.port);
    if host == "localhost" || host.ends_with(".localhost") {
        // These names always mean this machine, and not every system resolves them.
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(both.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    let found = tokio::net::lookup_host((host, port)).await.map_err(CallbackError::unreachable)?;
    let found: Vec<SocketAddr> = found.filter(|address| address.ip().is_loopback()).collect();
    if found.is_empty() {
        return Err(CallbackError::NotLocal(
            "the local OSS calls this machine only; name an address such as http://127.0.0.1:8080/",
        ));
    }
    Ok(found)
}

async fn read(response: Response<Incoming>) -> Result<Bytes, CallbackError> {
    let status = response.status().as_u16();
    if status != 200 {
        return Err(CallbackError::Status(status));
    }
    if !response.headers().contains_key(header::CONTENT_LENGTH) {
        return Err(CallbackError::NoLength);
    }
    // Checked before the body, so that a body that is too long is not read.
    let announced = response.body().size_hint().lower();
    if announced > MAX_RESPONSE {
        return Err(CallbackError::TooLong(announced));
    }
    let limit = usize::try_from(MAX_RESPONSE).unwrap_or(usize::MAX);
    let body = Limited::new(response.into_body(), limit).collect().await;
    let body = body.map_err(CallbackError::unreachable)?.to_bytes();
    check_json(&body)?;
    Ok(body)
}

/// Checks that a response is a JSON object, the only kind of JSON that the pages show.
fn check_json(body: &[u8]) -> Result<(), CallbackError> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(CallbackError::NotJson("begins with a byte order mark; JSON has none"));
    }
    let text = str::from_utf8(body).map_err(|_| CallbackError::NotJson("is not UTF-8"))?;
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    if is_json && text.trim_start().starts_with('{') {
        return Ok(());
    }
    Err(CallbackError::NotJson("is no JSON object"))
}

/// The reason why a callback failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CallbackError {
    /// The address does not belong to this machine.
    NotLocal(&'static str),
    /// The address is not among the allowed ones, which are listed here.
    NotAllowed(Vec<String>),
    /// The connection failed or ended before the response did.
    Unreachable(String),
    /// The time limit was exceeded.
    Timeout,
    /// The response has another status than 200.
    Status(u16),
    /// The response has no `Content-Length`.
    NoLength,
    /// The response is too long.
    TooLong(u64),
    /// The response is not a JSON object.
    NotJson(&'static str),
    /// The signing key could not be generated or used.
    Key(String),
}

impl CallbackError {
    /// Wraps an error of the connection.
    pub(super) fn unreachable(error: impl Display) -> Self {
        Self::Unreachable(error.to_string())
    }

    /// Builds the error for the response to the uploader.
    pub(super) fn to_oss_error(&self) -> OssError {
        let kind = match self {
            Self::Timeout => OssErrorKind::CallbackLate,
            Self::NotJson(_) => OssErrorKind::CallbackAnswerNotJson,
            _ => OssErrorKind::CallbackFailed,
        };
        let error = kind.because(self.reason());
        match self {
            Self::Status(status) => error.with_message(format!("Error status : {status}.")),
            Self::NoLength | Self::TooLong(_) => error.with_message(
                "Error status : 400.User server return too long content-length value.",
            ),
            _ => error,
        }
    }

    /// Returns one sentence on what happened and what helps.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::NotLocal(why) => (*why).to_owned(),
            Self::NotAllowed(allowed) if allowed.is_empty() => {
                "no address may be called from here; allow it with --allow-callback-to".to_owned()
            }
            Self::NotAllowed(allowed) => {
                format!("only {} may be called from here", allowed.join(", "))
            }
            Self::Unreachable(error) => format!("the server could not be reached: {error}"),
            Self::Timeout => "the server did not answer in time; the limit is 5 seconds".to_owned(),
            Self::Status(status) => format!("the server answered {status}; it must be 200"),
            Self::NoLength => "the answer has no Content-Length".to_owned(),
            Self::TooLong(length) => {
                format!("the answer has {length} bytes; {MAX_RESPONSE} are allowed")
            }
            Self::NotJson(why) => format!("the answer {why}"),
            Self::Key(error) => format!("the local OSS could not sign the call: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_without_a_byte_order_mark_is_accepted() {
        for body in ["{}", " {\"a\":[1,{\"b\":null}]}\n", "{\"é\":\"\\u00e9\"}"] {
            assert_eq!(check_json(body.as_bytes()), Ok(()), "{body}");
        }
        for body in ["", "ok", "[]", "\"ok\"", "{}{}", "{\"a\":1,}", "\u{feff}{}", "{'a':1}"] {
            assert!(
                matches!(check_json(body.as_bytes()), Err(CallbackError::NotJson(_))),
                "{body}"
            );
        }
        assert_eq!(check_json(b"{\"a\":\"\xff\"}"), Err(CallbackError::NotJson("is not UTF-8")));
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(check_json(deep.as_bytes()), Ok(()));
    }
}
