//! One call and its answer, on a connection of its own.
//!
//! Callback page: the answer has status 200, a `Content-Length`, at most 1 MB, and is JSON without a
//! byte order mark. A redirect is another status than 200. How long all of it may take is the
//! caller's business.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::IgnoredAny;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::oss::callback::outcome::Failure;
use crate::oss::callback::outcome::MAX_ANSWER;
use crate::oss::callback::target::Target;

/// Sends a call and returns its answer, if it is as it should be.
pub(super) async fn send(target: &Target, request: Request<Full<Bytes>>) -> Result<Bytes, Failure> {
    if target.secure {
        return Err(Failure::Elsewhere(
            "the local OSS calls with http only; name an http address of this machine",
        ));
    }
    let stream = connect(target).await?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(Failure::unreachable)?;
    // The connection ends with the set, whichever way this function is left.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let answer = sender.send_request(request).await.map_err(Failure::unreachable)?;
    read(answer).await
}

async fn connect(target: &Target) -> Result<TcpStream, Failure> {
    let addresses = addresses(target).await?;
    let stream = TcpStream::connect(&*addresses).await.map_err(Failure::unreachable)?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Finds the addresses of this machine that a host has.
async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, Failure> {
    let (host, port) = (target.host.as_str(), target.port);
    if host == "localhost" || host.ends_with(".localhost") {
        // These mean this machine whatever a name server says, and not every system finds them.
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(both.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    let found = tokio::net::lookup_host((host, port)).await.map_err(Failure::unreachable)?;
    let found: Vec<SocketAddr> = found.filter(|address| address.ip().is_loopback()).collect();
    if found.is_empty() {
        return Err(Failure::Elsewhere(
            "the local OSS calls this machine only; name an address such as http://127.0.0.1:8080/",
        ));
    }
    Ok(found)
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, Failure> {
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(Failure::Status(status));
    }
    if !answer.headers().contains_key(header::CONTENT_LENGTH) {
        return Err(Failure::NoLength);
    }
    // Before the body: what is too long is not read at all.
    let announced = answer.body().size_hint().lower();
    if announced > MAX_ANSWER {
        return Err(Failure::TooLong(announced));
    }
    let limit = usize::try_from(MAX_ANSWER).unwrap_or(usize::MAX);
    let body = Limited::new(answer.into_body(), limit).collect().await;
    let body = body.map_err(Failure::unreachable)?.to_bytes();
    check_json(&body)?;
    Ok(body)
}

/// Checks that an answer is a JSON object, the only kind of JSON that the pages show.
fn check_json(body: &[u8]) -> Result<(), Failure> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(Failure::NotJson("begins with a byte order mark; JSON has none"));
    }
    let text = str::from_utf8(body).map_err(|_| Failure::NotJson("is not UTF-8"))?;
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    if is_json && text.trim_start().starts_with('{') {
        return Ok(());
    }
    Err(Failure::NotJson("is no JSON object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_without_a_mark_is_json() {
        for body in ["{}", " {\"a\":[1,{\"b\":null}]}\n", "{\"é\":\"\\u00e9\"}"] {
            assert_eq!(check_json(body.as_bytes()), Ok(()), "{body}");
        }
        for body in ["", "ok", "[]", "\"ok\"", "{}{}", "{\"a\":1,}", "\u{feff}{}", "{'a':1}"] {
            assert!(matches!(check_json(body.as_bytes()), Err(Failure::NotJson(_))), "{body}");
        }
        assert_eq!(check_json(b"{\"a\":\"\xff\"}"), Err(Failure::NotJson("is not UTF-8")));
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(check_json(deep.as_bytes()), Ok(()));
    }
}
