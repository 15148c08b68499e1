//! The accept loop of servers whose requests are small, such as the local STS.
//!
//! The local OSS has its own loop in `oss::server`, because a refused upload needs more care when
//! its connection is closed.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The time that requests in progress have to finish after a shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// The pause after a failed accept: the usual cause is that too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The local address of a connection, as an extension of its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalAddress(pub(crate) IpAddr);

/// Serves connections until `shutdown` completes. A service that returns an error, or a response
/// body that fails, closes its connection.
pub(crate) async fn serve<S, B, F>(listener: TcpListener, service: S, shutdown: F)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    F: Future<Output = ()>,
{
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.as_mut() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                let local = stream.local_addr().map(|address| LocalAddress(address.ip())).ok();
                let service = service.clone();
                let service = service_fn(move |mut request: Request<Incoming>| {
                    if let Some(local) = local {
                        request.extensions_mut().insert(local);
                    }
                    service.call(request)
                });
                let connection = http1::Builder::new()
                    .header_read_timeout(None)
                    .serve_connection(TokioIo::new(stream), service);
                connections.spawn(graceful.watch(connection));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    // Connections that are still open afterwards are closed when the set is dropped.
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown()).await;
}
