//! The connections from the gateway to one function process.
//!
//! From "Process exited unexpectedly before completing request": the gateway keeps connections open and
//! uses them again. If the function has closed one in the meantime, a request that is safe to repeat is
//! sent once more; any other is lost with a 502. A function that closes idle connections first loses
//! POSTs that way, and loses them here too.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;

use crate::error::GatewayError;

/// A client of one function process.
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

    /// Closes the kept connections, each as soon as it is idle.
    pub(crate) fn close_connections(&self) {
        *self.client() = client();
    }

    fn client(&self) -> MutexGuard<'_, HttpClient> {
        // No change can panic half way, so the client under a poisoned lock is still good.
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request. Only path and query of its URI are used; the `Host` header stays the caller's.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, GatewayError> {
        *request.uri_mut() = self.uri(request.uri());
        let client = self.client().clone();
        client.request(request).await.map_err(|error| gateway_error(&error))
    }

    fn uri(&self, uri: &Uri) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = self.address.to_string().parse::<Authority>().ok();
        let path = uri.path_and_query().cloned();
        parts.path_and_query = path.or(Some(PathAndQuery::from_static("/")));
        // A socket address is always a valid authority, so this cannot fail.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        // Connections are kept as long as the function keeps them.
        .pool_idle_timeout(None)
        // This client would also repeat a POST; the gateway decides which requests are repeated.
        .retry_canceled_requests(false)
        .build(connector)
}

/// Returns whether a request is sent once more after its connection was lost.
pub(crate) fn is_repeatable(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

fn gateway_error(error: &Error) -> GatewayError {
    if error.is_connect() { GatewayError::ConnectionRefused } else { GatewayError::ConnectionLost }
}
