//! The way to the function: kept connections, and what happens when one turns out dead.
//!
//! From "Process exited unexpectedly before completing request": the gateway keeps connections
//! open and uses them again. If the function has closed one in the meantime, a request that may
//! safely run twice is sent once more; any other is lost with a 502. A function that closes idle
//! connections first loses POSTs that way, and should lose them here too.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::refusal::Refusal;

/// The function process, as seen from the gateway.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    client: Mutex<HttpClient>,
}

type HttpClient = Client<HttpConnector, Full<Bytes>>;

impl Upstream {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, client: Mutex::new(client()) }
    }

    /// Closes the kept connections, as soon as nobody uses them.
    pub(crate) fn hang_up(&self) {
        *self.client() = client();
    }

    fn client(&self) -> MutexGuard<'_, HttpClient> {
        // No change can panic half way, so a poisoned lock is still good.
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request whose target has only path and query; its host header stays the caller's.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Refusal> {
        *request.uri_mut() = self.target(request.uri());
        let client = self.client().clone();
        client.request(request).await.map_err(|error| refusal(&error))
    }

    fn target(&self, uri: &Uri) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = self.address.to_string().parse::<Authority>().ok();
        let path = uri.path_and_query().cloned();
        parts.path_and_query = path.or(Some(PathAndQuery::from_static("/")));
        // An address is always an authority, so the parts always fit together.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        // Connections are kept as long as the function keeps them.
        .pool_idle_timeout(None)
        // The client would also repeat a POST; which requests are repeated is decided elsewhere.
        .retry_canceled_requests(false)
        .build(connector)
}

/// Tells whether a request is sent once more when its connection was lost.
pub(crate) fn may_run_twice(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

fn refusal(error: &Error) -> Refusal {
    if error.is_connect() { Refusal::NotStarted } else { Refusal::Exited }
}
