//! The HTTP front of a Function Compute custom runtime.
//!
//! A custom runtime is an HTTP/1.1 server that the platform forwards every call to. This room is
//! that server: it accepts, reads, limits, logs, catches and stops, and leaves what to answer to
//! one service. It imports nothing from the rest of the crate and knows nothing of what the
//! service does; routing, CORS and the service's own errors are the service's business.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::Response;
//! use http_body_util::Full;
//! use fc_http::ContextExt;
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let hello = fc_http::service_fn(async |request| {
//!     let name = request.context().map(|context| context.request_id.clone());
//!     let text = format!("hello, {}\n", name.unwrap_or_default());
//!     Ok::<_, Infallible>(Response::new(Full::from(text)))
//! });
//! let listener = TcpListener::bind("0.0.0.0:0").await?; // in production: fc_http::port
//! # let stop = std::future::ready(());
//! # /*
//! let stop = fc_http::stop_signal();
//! # */
//! fc_http::run(listener, hello, stop).await
//! # }
//! ```
//!
//! What a request passes through is listed in `layers`, what the runtime answers itself in
//! `fault`.

mod connection_state;
mod connections;
mod context;
mod fault;
mod layers;
pub mod log;
mod options;
mod port;
mod server;
mod service;
mod signal;
mod wire;

use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::net::TcpListener;
use tower::Service;

pub use context::{Context, ContextExt, Event, RoleKeys};
pub use options::Options;
pub use port::{PortError, port};
pub use service::{BoxError, service_fn};
pub use signal::stop_signal;

/// Serves with the default [`Options`] until `shutdown` completes; see [`run_with`].
///
/// # Errors
///
/// Those of [`run_with`].
pub async fn run<S, B, F>(listener: TcpListener, service: S, shutdown: F) -> io::Result<()>
where
    S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    F: Future<Output = ()>,
{
    run_with(listener, service, Options::default(), shutdown).await
}

/// Serves until `shutdown` completes, then stops accepting, lets the requests under way finish
/// for at most [`Options::drain`], and returns.
///
/// Every request reaches the service with its whole body and a [`Context`] among its extensions.
/// Requests of one connection are served one after another, those of several at the same time.
///
/// # Errors
///
/// If the listener is unusable from the start. A connection's errors end that connection only.
pub async fn run_with<S, B, F>(
    listener: TcpListener,
    service: S,
    options: Options,
    shutdown: F,
) -> io::Result<()>
where
    S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    F: Future<Output = ()>,
{
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening on {address}");
    let stack = layers::stack(service, &options);
    server::serve(listener, stack, &options, shutdown).await;
    Ok(())
}
