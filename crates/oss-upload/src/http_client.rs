//! The HTTP client of `upload`, `doctor` and `conformance`.
//!
//! It verifies TLS as the function's client does, but can also stream a file, and returns every response
//! header. Redirects are not followed, so that a request goes only where the user said. Names below
//! `localhost` are this machine, as in browsers.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Body, Client};

use crate::error::CommandError;
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use oss_upload_signer::time::Timestamp;
use oss_upload_signer::{net, time};

/// The limit for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The limit for a response body in bytes. A thousand lifecycle rules are the longest response.
const MAX_RESPONSE: usize = 1024 * 1024;

/// The HTTP client of the tool.
#[derive(Clone, Debug)]
pub(super) struct WebClient(Client);

/// A request. Its headers may hold a secret, so it has no `Debug`.
pub(super) struct WebRequest {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

/// A response with its whole body. That of a signer contains a token, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct WebResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    /// The time of its arrival, by the clock of this machine.
    pub(super) received_at: Timestamp,
}

/// The step at which a request failed without a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TransportError {
    /// The host name has no address.
    UnknownHost,
    /// The URL cannot be used.
    InvalidUrl(String),
    Connect(String),
    /// The certificate or the TLS connection cannot be trusted.
    Tls(String),
    Timeout,
    /// The connection was closed before the response was complete.
    Interrupted(String),
    ResponseTooLarge,
}

impl fmt::Display for TransportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost => formatter.write_str("the host name has no address"),
            Self::InvalidUrl(cause) => write!(formatter, "the address cannot be used ({cause})"),
            Self::Connect(cause) => write!(formatter, "no connection ({cause})"),
            Self::Tls(cause) => write!(formatter, "the TLS connection is not trusted ({cause})"),
            Self::Timeout => formatter.write_str("no response in time"),
            Self::Interrupted(cause) => write!(formatter, "the connection broke ({cause})"),
            Self::ResponseTooLarge => formatter.write_str("the response is too large"),
        }
    }
}

impl WebRequest {
    fn new(method: Method, url: impl Into<String>, body: Body) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body }
    }

    pub(super) fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url, Body::default())
    }

    pub(super) fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::DELETE, url, Body::default())
    }

    pub(super) fn post(url: impl Into<String>, content_type: &str, body: impl Into<Body>) -> Self {
        Self::new(Method::POST, url, body.into()).header("content-type", content_type)
    }

    /// Creates a PUT whose body is produced while it is sent.
    pub(super) fn put<B>(url: impl Into<String>, body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error = io::Error> + Send + Sync + 'static,
    {
        Self::new(Method::PUT, url, Body::wrap(body))
    }

    /// Creates a PUT of these bytes, without a content type.
    pub(super) fn put_bytes(url: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::new(Method::PUT, url, bytes.into())
    }

    /// Creates a request with any method and this body.
    pub(super) fn with_body(method: Method, url: impl Into<String>, body: String) -> Self {
        Self::new(method, url, body.into())
    }

    /// Creates a POST whose body has an exact length and is produced while it is sent.
    pub(super) fn post_stream<B>(url: impl Into<String>, content_type: &str, body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error = io::Error> + Send + Sync + 'static,
    {
        Self::post(url, content_type, Body::wrap(body))
    }

    pub(super) fn post_json(url: impl Into<String>, json: impl Into<Body>) -> Self {
        Self::post(url, "application/json", json)
    }

    /// Creates the preflight request that a browser sends before a POST.
    pub(super) fn preflight(url: impl Into<String>) -> Self {
        Self::preflight_of(url, &Method::POST)
    }

    /// Creates the preflight request that a browser sends before a request with this method.
    pub(super) fn preflight_of(url: impl Into<String>, method: &Method) -> Self {
        Self::new(Method::OPTIONS, url, Body::default())
            .header("access-control-request-method", method.as_str())
    }

    /// Sets the headers that a browser adds for a page: its origin, and a `Referer` unless the page's
    /// referrer policy suppresses it. To another site the default policy sends only the origin in it.
    pub(super) fn of_page(self, origin: &str, referer: Option<&str>) -> Self {
        let request = self.header("origin", origin);
        match referer {
            Some(referer) => request.header("referer", referer),
            None => request,
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn headers(mut self, headers: &[(&'static str, String)]) -> Self {
        self.headers.extend_from_slice(headers);
        self
    }
}

impl WebClient {
    /// Creates a client; `timeout` limits a whole request with its response.
    pub(super) fn new(timeout: Option<Duration>) -> Result<Self, CommandError> {
        let tls = net::tls_config().map_err(|error| CommandError::new(error.to_string()))?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(LocalhostResolver))
            .user_agent(concat!("oss-upload/", env!("CARGO_PKG_VERSION")));
        if let Some(timeout) = timeout {
            builder = builder.timeout(timeout);
        }
        builder.build().map(Self).map_err(|error| CommandError::new(error.to_string()))
    }

    /// Sends a request and reads the whole response.
    pub(super) async fn send(&self, request: WebRequest) -> Result<WebResponse, TransportError> {
        let mut builder = self.0.request(request.method, request.url);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let response = builder.body(request.body).send().await;
        let mut response = response.map_err(|error| TransportError::of(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let received_at = time::now();
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| TransportError::of(&error))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_RESPONSE {
                return Err(TransportError::ResponseTooLarge);
            }
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(WebResponse { status, headers, body, received_at })
    }
}

/// Lets the function's own client of a bucket send requests with this one.
impl HttpClient for WebClient {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let exchange = async move {
            net::read_response(self.0.execute(request.try_into()?).await?, limits.max_body).await
        };
        let response = tokio::time::timeout(limits.timeout, exchange);
        Box::pin(async { response.await.unwrap_or(Err(SendError::TimedOut)) })
    }
}

impl WebResponse {
    /// Returns a header whose value is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Parses the body as JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// Parses the `Date` header.
    pub(super) fn date(&self) -> Option<Timestamp> {
        Timestamp::parse_http(self.header("date")?)
    }
}

impl TransportError {
    /// Finds the step that failed in the chain of causes. The message of the error itself only repeats
    /// the URL.
    fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let mut cause: &(dyn Error + 'static) = error;
        loop {
            if cause.is::<NoAddress>() {
                return Self::UnknownHost;
            }
            if cause.is::<rustls::Error>() {
                return Self::Tls(cause.to_string());
            }
            // The error inside an `io::Error` is not its source, but it may be the cause.
            let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            match inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source()) {
                Some(inner) => cause = inner,
                None => break,
            }
        }
        let text = cause.to_string();
        if error.is_builder() {
            Self::InvalidUrl(text)
        } else if error.is_connect() {
            Self::Connect(text)
        } else {
            Self::Interrupted(text)
        }
    }
}

/// The error of a name without an address.
#[derive(Debug)]
struct NoAddress;

impl fmt::Display for NoAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name has no address")
    }
}

impl Error for NoAddress {}

/// Resolves names with the system's resolver, and names below `localhost` as browsers do.
struct LocalhostResolver;

impl Resolve for LocalhostResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = resolve(name.as_str()).await.map_err(|_| NoAddress)?;
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Returns the addresses of a host; a host without any is an error.
pub(super) async fn resolve(host: &str) -> io::Result<Vec<IpAddr>> {
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
