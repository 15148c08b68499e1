//! Logs the service's error and keeps it from the caller.
//!
//! A service that answers its own failures never gets here. What does is unforeseen, so its text
//! is for the operator alone: the caller learns the request id.

use std::task;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::Request;
use tower::Service;

use crate::runtime::context::ContextExt;
use crate::runtime::fault::Fault;
use crate::runtime::layers::Pending;
use crate::runtime::service::BoxError;

/// Turns errors of the service into faults.
#[derive(Clone)]
pub(crate) struct Errors<S> {
    inner: S,
}

impl<S> Errors<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S> Service<Request<Bytes>> for Errors<S>
where
    S: Service<Request<Bytes>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Fault;
    type Future = Pending<S::Response, Fault>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Fault>> {
        let readiness = ready!(self.inner.poll_ready(cx));
        Poll::Ready(readiness.map_err(|error| fault(error, "")))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let request_id = request.context().map(|context| context.request_id.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let request_id = request_id.unwrap_or_default();
            answer.await.map_err(|error| fault(error, &request_id))
        })
    }
}

fn fault(error: impl Into<BoxError>, request_id: &str) -> Fault {
    let error = error.into();
    tracing::error!(%error, request_id, "a handler failed: {error}");
    Fault::Internal
}
