//! Outbound HTTP behind a small trait, so that callers can be tested without a network.
//!
//! [`ReqwestClient`] is the real client. Certificates are checked against roots in the binary, because the
//! stores of runtime images differ. Redirects are returned as responses, and nothing is retried here: only
//! the caller knows whether a repetition is safe.
//!
//! Every request has its own connection. Requests leave minutes or hours apart, and an idle connection is
//! dead after the instance was frozen.

mod dns;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use reqwest::{Client, NoProxy, Url, redirect, retry};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;

use crate::net::dns::SystemResolver;

/// Limit for name lookup, TCP, proxy and TLS together. The rest of a request's time is for the response.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("oss-upload-signer/", env!("CARGO_PKG_VERSION"));

/// A response that has not arrived yet.
pub type ResponseFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, SendError>> + Send + 'a>>;

/// Sends requests.
pub trait HttpClient: fmt::Debug + Send + Sync {
    /// Sends one request and reads the whole response, whatever its status is.
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_>;
}

/// Limits of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// From the name lookup to the last byte of the response.
    pub timeout: Duration,
    /// Bytes of the response body.
    pub max_body: usize,
    /// Whether the request may go through the configured proxy.
    pub use_proxy: bool,
}

/// The reason why there is no response. Contains neither URL nor headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// There was no connection: nothing was sent.
    Unreachable(String),
    /// The time was up; the request may have arrived.
    TimedOut,
    /// The connection broke; the request may have arrived.
    Broken(String),
    /// The response body is longer than the limit.
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

impl From<reqwest::Error> for SendError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_builder() {
            Self::Unreachable("no web address".to_owned())
        } else if error.is_connect() {
            Self::Unreachable(root_cause(&error))
        } else {
            Self::Broken(root_cause(&error))
        }
    }
}

/// The outer errors only name the step, and may show the URL.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The proxy for outbound requests, as `HTTPS_PROXY` and `NO_PROXY` name it.
#[derive(Clone)]
pub struct Proxy {
    /// `http://host:port`, possibly with a user and a password.
    pub url: String,
    /// Hosts that are reached directly: names with their subdomains, addresses, networks, `*`;
    /// separated by commas.
    pub except: Option<String>,
}

impl Proxy {
    /// The client ignores a proxy that it cannot use, so an unusable one is an error here: requests must
    /// not bypass the configured proxy.
    fn parse(&self) -> Result<reqwest::Proxy, SendError> {
        let has_scheme = self.url.contains("://");
        let url = if has_scheme { self.url.clone() } else { format!("http://{}", self.url) };
        let url = Url::parse(&url).ok().filter(|url| url.scheme() == "http");
        let proxy = url.and_then(|url| reqwest::Proxy::all(url).ok()).ok_or_else(|| {
            let problem = "the proxy's address cannot be used; write http://host:port";
            SendError::Unreachable(problem.to_owned())
        })?;
        Ok(proxy.no_proxy(self.except.as_deref().and_then(NoProxy::from_string)))
    }
}

/// The URL may contain a password, so it is not shown.
impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Proxy(…)")
    }
}

/// The real client. It is set up by the first request, because most instances never send one.
pub struct ReqwestClient {
    proxy: Option<Proxy>,
    direct: OnceLock<Client>,
    proxied: OnceLock<Client>,
}

impl ReqwestClient {
    /// Opens no connection.
    #[must_use]
    pub fn new(proxy: Option<Proxy>) -> Self {
        Self { proxy, direct: OnceLock::new(), proxied: OnceLock::new() }
    }

    fn client(&self, use_proxy: bool) -> Result<&Client, SendError> {
        let (cell, proxy) = match &self.proxy {
            Some(proxy) if use_proxy => (&self.proxied, Some(proxy)),
            _ => (&self.direct, None),
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let tls = tls_config().map_err(|error| SendError::Unreachable(error.to_string()))?;
        let client = build(tls, proxy)?;
        Ok(cell.get_or_init(|| client))
    }

    async fn exchange(
        &self,
        mut request: Request<Bytes>,
        limits: RequestLimits,
    ) -> Result<Response<Bytes>, SendError> {
        let client = self.client(limits.use_proxy)?;
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let response = client.execute(request.try_into()?).await?;
        read_response(response, limits.max_body).await
    }
}

/// Reads a whole response, whose body has at most `max_body` bytes.
pub async fn read_response(
    response: reqwest::Response,
    max_body: usize,
) -> Result<Response<Bytes>, SendError> {
    let (head, body) = Response::from(response).into_parts();
    let body = Limited::new(body, max_body).collect().await;
    let body = body.map_err(|error| match error.downcast::<reqwest::Error>() {
        Ok(error) => SendError::Broken(root_cause(&*error)),
        Err(error) if error.is::<LengthLimitError>() => SendError::TooLong,
        Err(error) => SendError::Broken(error.to_string()),
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

impl HttpClient for ReqwestClient {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let response = tokio::time::timeout(limits.timeout, self.exchange(request, limits));
        Box::pin(async { response.await.unwrap_or(Err(SendError::TimedOut)) })
    }
}

impl fmt::Debug for ReqwestClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ReqwestClient").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

fn build(tls: ClientConfig, proxy: Option<&Proxy>) -> Result<Client, SendError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(SystemResolver)
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(USER_AGENT);
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy.parse()?),
        None => builder.no_proxy(),
    };
    builder.build().map_err(|error| SendError::Unreachable(root_cause(&error)))
}

/// Builds the client side of TLS 1.2 and 1.3: `ring`, and the roots in the binary.
pub fn tls_config() -> Result<ClientConfig, rustls::Error> {
    tls_config_of(&[])
}

/// Does the same for servers whose certificates these authorities sign; without any, the roots in the binary do.
pub fn tls_config_of(
    authorities: &[CertificateDer<'static>],
) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone())?;
    }
    if authorities.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let versions = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions();
    Ok(versions?.with_root_certificates(roots).with_no_client_auth())
}

/// Opens a TCP connection to a host, at the first of its addresses that accepts one.
pub async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let addresses = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => dns::addresses(host).await.map_err(str::to_owned)?,
    };
    let mut cause = "the host of this name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect((address, port)).await {
            Ok(stream) => {
                // A command is one packet, and waits for nothing.
                stream.set_nodelay(true).map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Err(error) => cause = error.kind().to_string(),
        }
    }
    Err(cause)
}

#[cfg(test)]
mod tests;
