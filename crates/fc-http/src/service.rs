//! The shape of a handler.
//!
//! Any tower service that takes a request with its whole body in memory will do, an axum router
//! among them; [`service_fn`] makes one of an async function.

use bytes::Bytes;
use http::{Request, Response};
use tower::util::ServiceFn;

/// Any error at all, as services and bodies hand it over.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a service of an async function.
///
/// It does what tower's function of this name does, and fixes the argument to a request, so that
/// a closure needs no type annotation.
pub fn service_fn<F, R, B, E>(function: F) -> ServiceFn<F>
where
    F: FnMut(Request<Bytes>) -> R,
    R: Future<Output = Result<Response<B>, E>>,
{
    tower::service_fn(function)
}
