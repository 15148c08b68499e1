//! What stands between the server and the service, one layer a file.
//!
//! A layer either passes a request on or ends it with a [`Fault`]; one of them turns faults into
//! answers. Nothing here knows of sockets, so every layer is tested with a plain call.

mod answer;
mod body;
mod context;
mod deadline;
mod host;
mod limits;
mod panic;
mod trace;

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use tower::{Service, ServiceBuilder};

use crate::fault::Fault;
use crate::options::Options;
use crate::service::BoxError;

/// The future of a layer's answer.
pub(crate) type Pending<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// An answer from the service, or one that the runtime gave in its place.
pub(crate) type Answer<B> = Response<Either<Full<Bytes>, B>>;

/// Puts all layers around a service, the outermost first.
pub(crate) fn stack<S, B, I>(
    service: S,
    options: &Options,
) -> impl Service<
    Request<I>,
    Response = Answer<B>,
    Error = Infallible,
    Future = Pending<Answer<B>, Infallible>,
> + Clone
+ Send
+ use<S, B, I>
where
    S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send + 'static,
    I: Body<Data = Bytes> + Send + 'static,
    I::Error: Into<BoxError>,
{
    let max_body = options.max_body;
    let max_header_bytes = options.max_header_bytes;
    ServiceBuilder::new()
        // Reads the platform's headers and takes the keys out of the request, before anything
        // could log them.
        .layer_fn(|inner| context::Contexts::new(inner, options))
        // Writes the lines around the invocation and names it in the answer, whatever becomes of
        // it further in.
        .layer_fn(|inner| trace::Trace::new(inner, options))
        // Makes an answer of every fault from below; from here outwards nothing fails.
        .layer_fn(answer::Answers::new)
        // Catches panics of everything below.
        .layer_fn(panic::Panics::new)
        // Gives up on everything below when the time is over.
        .layer_fn(deadline::Deadline::new)
        // Refuses heads that are too large or name several hosts, before their body costs anything.
        .layer_fn(|inner| limits::Limits::new(inner, max_header_bytes))
        // Reads the body into memory, up to its limit.
        .layer_fn(|inner| body::Bodies::new(inner, max_body))
        // What the service fails with is a fault like any other.
        .map_err(|error: S::Error| Fault::Failed(error.into()))
        .service(service)
}
