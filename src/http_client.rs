//! The one door to the network outwards: a request goes out, a whole answer comes back.
//!
//! Behind a small trait, so that whoever asks can be tested against answers of the test's own.
//! HTTPS is checked against roots in the binary: the runtime images' stores differ. Redirects are
//! answers like others, and nothing is sent twice here; who may retry knows why it may.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use reqwest::Client;
use reqwest::NoProxy;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;

/// An answer that is under way.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, SendError>> + Send + 'a>>;

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

/// The proxy that outgoing calls take, as `HTTPS_PROXY` and `NO_PROXY` name it.
#[derive(Clone)]
pub struct Proxy {
    /// The proxy's address; it may hold a password.
    pub url: String,
    /// Hosts that are called directly, separated by commas.
    pub except: Option<String>,
}

/// An address may hold a password, so it does not show.
impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Proxy(…)")
    }
}

/// The real network. Nothing is built before the first call: most instances never make one.
#[derive(Debug, Default)]
pub struct Network {
    proxy: Option<Proxy>,
    proxied: OnceLock<Client>,
    direct: OnceLock<Client>,
}

impl Network {
    /// Keeps the way out, and opens nothing yet.
    #[must_use]
    pub fn new(proxy: Option<Proxy>) -> Self {
        Self { proxy, ..Self::default() }
    }

    fn client(&self, terms: Terms) -> Result<&Client, SendError> {
        let (slot, proxy) = match &self.proxy {
            Some(proxy) if terms.proxy => (&self.proxied, Some(proxy)),
            _ => (&self.direct, None),
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = build(proxy).map_err(SendError::Unreachable)?;
        Ok(slot.get_or_init(|| client))
    }

    async fn call(
        &self,
        request: Request<Bytes>,
        terms: Terms,
    ) -> Result<Response<Bytes>, SendError> {
        let request = reqwest::Request::try_from(request).map_err(|error| say(&error))?;
        let client = self.client(terms)?;
        let answer = async {
            let mut response = client.execute(request).await.map_err(|error| say(&error))?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| say(&error))? {
                if body.len() + chunk.len() > terms.max_body {
                    return Err(SendError::TooLong);
                }
                body.extend_from_slice(&chunk);
            }
            let mut answer = Response::new(Bytes::from(body));
            *answer.status_mut() = response.status();
            *answer.headers_mut() = std::mem::take(response.headers_mut());
            Ok(answer)
        };
        tokio::time::timeout(terms.time, answer).await.unwrap_or(Err(SendError::TimedOut))
    }
}

impl HttpClient for Network {
    fn send(&self, request: Request<Bytes>, terms: Terms) -> Sending<'_> {
        Box::pin(self.call(request, terms))
    }
}

fn build(proxy: Option<&Proxy>) -> Result<Client, String> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A connection that was idle while the instance was frozen is dead, so none is kept for long.
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(Policy::none())
        .pool_idle_timeout(Duration::from_secs(5))
        .user_agent(concat!("oss-upload-signer/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    if let Some(Proxy { url, except }) = proxy {
        let except = except.as_deref().and_then(NoProxy::from_string);
        let proxy = reqwest::Proxy::all(url).map_err(|_| "the proxy's address cannot be used")?;
        builder = builder.proxy(proxy.no_proxy(except));
    }
    builder.build().map_err(|error| error.without_url().to_string())
}

/// Says what went wrong by its first cause: the client's own words repeat the address.
fn say(error: &reqwest::Error) -> SendError {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match error {
        _ if error.is_timeout() => SendError::TimedOut,
        _ if error.is_connect() || error.is_builder() => SendError::Unreachable(cause.to_string()),
        _ => SendError::Broken(cause.to_string()),
    }
}
