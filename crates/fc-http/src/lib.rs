//! HTTP runtime for Function Compute custom runtimes.
//!
//! A custom runtime is an HTTP/1.1 server: the platform forwards every invocation to it. This crate is that
//! server. It reads the platform's headers into a [`Context`], limits what a client can cost, logs every
//! request, catches panics, enforces deadlines and shuts down gracefully. What a request means is the business
//! of one [`tower::Service`]: an [`axum`](https://docs.rs/axum) router as it is, or an async function by
//! [`service_fn`].
//!
//! ```no_run
//! use fc_http::{Body, ContextExt};
//! use http::{Request, Response};
//!
//! async fn hello(request: Request<Body>) -> Result<Response<String>, std::convert::Infallible> {
//!     let id = request.context().map_or("", |context| &context.request_id);
//!     Ok(Response::new(format!("hello, {id}\n")))
//! }
//!
//! # async fn example() -> Result<(), fc_http::RunError> {
//! fc_http::run(fc_http::service_fn(hello)).await
//! # }
//! ```
//!
//! # Lifecycle
//!
//! The platform calls `initialize` before the first request and `pre-stop` before an instance ends, on the same
//! port as requests. [`Context::event`] names which of them a request is. A service that has nothing to prepare
//! answers both with 200.
//!
//! # Logs
//!
//! [`log::init`] writes `tracing` events as one JSON object a line to standard output, which the platform
//! collects. Around every invocation of the platform the runtime writes the platform's own two lines,
//! `FC Invoke Start RequestId: …` and `FC Invoke End RequestId: …`.
//!
//! # Errors
//!
//! Some requests never reach the service. The runtime answers them itself, with a JSON object of `error` (a code
//! of this closed list), `message` and `request_id`:
#![doc = include_str!("errors.md")]

mod body;
mod connection_state;
mod connections;
mod context;
mod error;
mod head;
pub mod log;
mod options;
mod panic;
mod pipeline;
mod request_log;
mod server;
mod timed_stream;

use std::net::Ipv4Addr;
use std::{fmt, io};

use bytes::Bytes;
use http::{Request, Response};
use tokio::net::TcpListener;
use tower::Service;
use tower::util::ServiceFn;

pub use body::Body;
pub use context::{Context, ContextExt, Event, RoleKeys};
pub use options::{Options, PortError, port};
pub use server::shutdown_signal;

use pipeline::Pipeline;

/// Any error, as services and bodies return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves on the platform's port until SIGTERM or SIGINT.
///
/// The port comes from the environment ([`port`]), and so does whether the platform's headers are trusted:
/// `FC_FUNCTION_NAME` is set on Function Compute and nowhere else. [`serve`] takes both as arguments.
///
/// # Errors
///
/// The environment names no port, or the port cannot be listened on.
pub async fn run<S, B>(service: S) -> Result<(), RunError>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "this function is the one that reads the environment"
    )]
    let variable = |name: &str| std::env::var(name).ok();
    let port = port(variable).map_err(RunError::Port)?;
    let listener =
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await.map_err(RunError::Listen)?;
    let options =
        Options { platform: variable("FC_FUNCTION_NAME").is_some(), ..Options::default() };
    serve(listener, service, options, shutdown_signal()).await.map_err(RunError::Listen)
}

/// Serves until `shutdown` completes, then stops accepting, lets requests in progress finish for at most
/// [`Options::drain`], and returns.
///
/// Every request reaches the service with its whole body and with a [`Context`] among its extensions. Requests of
/// one connection are served one after another, those of several connections at the same time.
///
/// # Errors
///
/// The listener cannot be used. An error of one connection ends that connection only.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening on {address}");
    let pipeline = Pipeline::new(service, &options);
    server::serve(listener, pipeline, &options, shutdown).await;
    Ok(())
}

/// Makes a service of an async function.
///
/// The same as [`tower::service_fn`], except that the argument is fixed to a request, so that a closure needs no
/// type annotation.
pub fn service_fn<F, R, B, E>(function: F) -> ServiceFn<F>
where
    F: FnMut(Request<Body>) -> R,
    R: Future<Output = Result<Response<B>, E>>,
{
    tower::service_fn(function)
}

/// Why [`run`] could not serve.
#[derive(Debug)]
pub enum RunError {
    /// The environment names no port.
    Port(PortError),
    /// The port cannot be listened on. Another process may have it.
    Listen(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(error) => error.fmt(formatter),
            Self::Listen(error) => write!(formatter, "the port cannot be listened on: {error}"),
        }
    }
}

impl std::error::Error for RunError {}

/// The README's examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
