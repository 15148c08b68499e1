//! Finds the addresses of a host: in its text, in `/etc/hosts`, or by asking a name server.
//!
//! In place of the C library's `getaddrinfo`, for two reasons. In a static file it loads modules of
//! the runtime image's C library, which is another version: that they fit is luck. And it brings a
//! resolver, readers of half a dozen system files and more along: without it the packed function is
//! 84 kB smaller, what stands here included. This does what calls to a few well-known hosts need, and
//! keeps nothing: calls are rare, and an instance may have slept for hours between two of them.

mod ask;
mod conf;
mod hosts;
mod message;

use std::fs;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use crate::net::Draw;
use crate::net::SendError;
use crate::net::resolve::ask::Failure;
use crate::net::resolve::ask::ask;
use crate::net::resolve::conf::Conf;
use crate::net::resolve::message::Kind;

const HOSTS: &str = "/etc/hosts";
const CONF: &str = "/etc/resolv.conf";

/// How long IPv6 addresses are waited for where IPv4 ones are known: there are name servers that
/// never answer such a question.
const GRACE: Duration = Duration::from_millis(100);

/// Finds the addresses of a host, IPv4 first, as the networks of functions have it.
pub(super) async fn resolve(host: &str, draw: &Draw) -> Result<Vec<IpAddr>, SendError> {
    if let Some(fixed) = hosts::fixed(host) {
        return Ok(fixed);
    }
    let found = hosts::find(&text(HOSTS), host);
    if !found.is_empty() {
        return Ok(found);
    }
    look_up(host, &Conf::read(&text(CONF)), draw)
        .await
        .map_err(|failure| SendError::Unreachable(sentence(failure).to_owned()))
}

/// Reads a small file of the system's; one that is not there says nothing.
fn text(path: &str) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Asks for each name that the host may stand for, until one has addresses.
async fn look_up(host: &str, conf: &Conf, draw: &Draw) -> Result<Vec<IpAddr>, Failure> {
    let mut failure = Failure::NoName;
    for name in conf.names(host) {
        match both(&name, conf, draw).await {
            Ok(addresses) => return Ok(addresses),
            // There is no time to hear the same silence for another name.
            Err(last @ (Failure::Silence | Failure::NoDice)) => return Err(last),
            Err(other) => failure = failure.max(other),
        }
    }
    Err(failure)
}

/// Asks for both kinds of address at once.
async fn both(name: &str, conf: &Conf, draw: &Draw) -> Result<Vec<IpAddr>, Failure> {
    let mut four = pin!(ask(name, Kind::A, conf, draw));
    let mut six = pin!(ask(name, Kind::Aaaa, conf, draw));
    let (four, six) = tokio::select! {
        biased;
        four = &mut four => {
            let six = match four {
                Ok(_) => tokio::time::timeout(GRACE, six).await.unwrap_or(Err(Failure::Silence)),
                // A name that is not there has no address of either kind.
                Err(Failure::NoName) => Err(Failure::NoName),
                Err(_) => six.await,
            };
            (four, six)
        }
        six = &mut six => (four.await, six),
    };
    match (four, six) {
        (Ok(four), six) => Ok([four, six.unwrap_or_default()].concat()),
        (Err(_), Ok(six)) => Ok(six),
        (Err(Failure::NoName), _) => Err(Failure::NoName),
        (Err(four), Err(six)) => Err(four.max(six)),
    }
}

fn sentence(failure: Failure) -> &'static str {
    match failure {
        Failure::NoName => "there is no host of this name",
        Failure::NoAddress => "the host of this name has no address",
        Failure::NoAnswer => "the name server cannot answer",
        Failure::Silence => "no name server answered",
        Failure::NoDice => "no randomness to ask a name server with",
    }
}

#[cfg(test)]
mod tests;
