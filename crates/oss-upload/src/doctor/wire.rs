//! The way to signer and bucket, as a browser goes it: which step of it failed, and every header as
//! it came.
//!
//! Names below `localhost` are this machine, as browsers have it. Redirects are answers like others.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use http::{HeaderMap, Method, StatusCode};
use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::client;
use crate::failure::Failure;
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

/// Time for a cold start, and for a small file on a slow line.
const LIMIT: Duration = Duration::from_secs(40);

/// More than any answer to an examination has.
const MAX_ANSWER: usize = 256 * 1024;

/// Sends requests.
#[derive(Clone, Debug)]
pub(super) struct Wire(Client);

/// One request; its headers may be a secret, so it has no `Debug`.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    /// When it came, by the clock of this machine.
    pub(super) at: Timestamp,
}

/// Says at which step nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The name has no address.
    Name,
    /// Nobody picked up.
    Connect(String),
    /// The other side's certificate or TLS cannot be trusted.
    Tls(String),
    /// No answer in time.
    Silence,
    /// The connection broke.
    Broken(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => formatter.write_str("the name has no address"),
            Self::Connect(cause) => write!(formatter, "no connection ({cause})"),
            Self::Tls(cause) => write!(formatter, "no trust in the TLS connection ({cause})"),
            Self::Silence => formatter.write_str("no answer in time"),
            Self::Broken(cause) => write!(formatter, "the connection broke ({cause})"),
        }
    }
}

impl<'a> Call<'a> {
    pub(super) fn get(url: &'a str) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn post(url: &'a str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { method: Method::POST, url, headers, body: body.into() }
    }

    /// Asks for grants, as the page `origin`; without one, as a program, which names none.
    pub(super) fn wish(url: &'a str, body: &str, origin: Option<&str>) -> Self {
        let call = Self::post(url, "application/json", body);
        match origin {
            Some(origin) => call.from(origin),
            None => call,
        }
    }

    /// The question that a browser asks before a POST from this origin.
    pub(super) fn preflight(url: &'a str, origin: &str) -> Self {
        let headers = vec![("access-control-request-method", "POST".to_owned())];
        Self { method: Method::OPTIONS, url, headers, body: Vec::new() }.from(origin)
    }

    /// Names the page that asks.
    pub(super) fn from(self, origin: &str) -> Self {
        self.with("origin", origin)
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Adds headers that came as pairs.
    pub(super) fn with_all(mut self, headers: &[(&'static str, String)]) -> Self {
        self.headers.extend_from_slice(headers);
        self
    }
}

impl Wire {
    pub(super) fn open() -> Result<Self, Failure> {
        client::open(|client| client.dns_resolver(Arc::new(Names)).timeout(LIMIT)).map(Self)
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Reply, Trouble> {
        let mut request = self.0.request(call.method, call.url);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let mut response = request.body(call.body).send().await.map_err(|error| sort(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let at = time::now();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| sort(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(Trouble::Broken("the answer is far too long".to_owned()));
            }
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Reply { status, headers, body, at })
    }
}

impl Reply {
    /// Returns a header that came as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Reads the body as JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// Reads the other side's clock.
    pub(super) fn date(&self) -> Option<Timestamp> {
        Timestamp::parse_http(self.header("date")?)
    }
}

/// Finds the step that failed in the chain of causes; the client's own words repeat the address only.
fn sort(error: &reqwest::Error) -> Trouble {
    if error.is_timeout() {
        return Trouble::Silence;
    }
    let mut cause: &(dyn Error + 'static) = error;
    loop {
        if cause.is::<NoAddress>() {
            return Trouble::Name;
        }
        if cause.is::<rustls::Error>() {
            return Trouble::Tls(cause.to_string());
        }
        // What an error of the system's kind wraps is not its source, but it may be the cause.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source()) {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    if error.is_connect() {
        Trouble::Connect(cause.to_string())
    } else {
        Trouble::Broken(cause.to_string())
    }
}

/// Says that a name leads nowhere.
#[derive(Debug)]
struct NoAddress;

impl fmt::Display for NoAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name has no address")
    }
}

impl Error for NoAddress {}

/// Finds addresses as the system does, and as browsers do below `localhost`.
struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = look_up(name.as_str()).await.map_err(|_| NoAddress)?;
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Says what addresses a host has, if it has any.
pub(super) async fn name(host: &str) -> Option<String> {
    let addresses = look_up(host).await.ok()?;
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if addresses == [bare] {
        return Some(format!("{bare}, which needs no lookup"));
    }
    Some(format!("{host} is {}", addresses.join(", ")))
}

/// Finds the addresses of a host; a host without any is an error.
async fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    if host.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost")) {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let found: Vec<IpAddr> =
        tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect();
    if found.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(found)
}
