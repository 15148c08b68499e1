//! The one door to the network outwards: a request goes out, a whole answer comes back.
//!
//! Behind a small trait, so that whoever asks can be tested against answers of the test's own.
//! HTTPS is checked against roots in the binary: the runtime images' stores differ. Redirects are
//! answers like others, and nothing is sent twice here; who may retry knows why it may.

pub mod kept;

mod network;
mod proxy;
mod resolve;
mod target;
mod tls;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;

pub use network::Network;
pub use proxy::Proxy;
pub use tls::tls;

/// An answer that is under way.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, SendError>> + Send + 'a>>;

/// Draws sixteen random bytes.
pub type Draw = Arc<dyn Fn() -> Result<[u8; 16], getrandom::Error> + Send + Sync>;

/// Sends requests.
pub trait HttpClient: fmt::Debug + Send + Sync {
    /// Sends one request and reads the whole answer, whatever its status.
    fn send(&self, request: Request<Bytes>, terms: Terms) -> Sending<'_>;
}

/// How long an answer may take, and how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The whole time, from the first name lookup to the last byte.
    pub time: Duration,
    /// The longest body in bytes.
    pub max_body: usize,
    /// Whether the proxy, if one is set, may stand between.
    pub proxy: bool,
}

/// Says why there is no answer. Shows neither address nor headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Nobody could be reached: nothing was sent.
    Unreachable(String),
    /// It took too long; the request may have arrived.
    TimedOut,
    /// The connection broke; the request may have arrived.
    Broken(String),
    /// The answer is longer than anything that was expected.
    TooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) => write!(formatter, "no connection ({cause})"),
            Self::TimedOut => formatter.write_str("no answer in time"),
            Self::Broken(cause) => write!(formatter, "the connection broke ({cause})"),
            Self::TooLong => formatter.write_str("the answer is far too long"),
        }
    }
}

impl Error for SendError {}

#[cfg(test)]
mod tests;
