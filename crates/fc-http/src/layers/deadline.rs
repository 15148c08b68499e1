//! Gives up on a service that takes too long.
//!
//! The deadline itself is set where the request enters and travels in its [`Context`], so that the
//! service can see how much time it has. Giving up drops the service's future, which ends it at
//! its next await; a computation without one cannot be interrupted.
//!
//! [`Context`]: crate::context::Context

use std::task;
use std::task::Poll;

use http::Request;
use tokio::time::timeout_at;
use tower::Service;

use crate::context::ContextExt;
use crate::fault::Fault;
use crate::layers::Pending;

/// Ends requests at their deadline.
#[derive(Clone)]
pub(crate) struct Deadline<S> {
    inner: S,
}

impl<S> Deadline<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, I> Service<Request<I>> for Deadline<S>
where
    S: Service<Request<I>, Error = Fault>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Fault;
    type Future = Pending<S::Response, Fault>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        let deadline = request.context().map(|context| context.deadline);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let Some(deadline) = deadline else {
                return answer.await;
            };
            let in_time = timeout_at(deadline, answer).await;
            in_time.unwrap_or(Err(Fault::TimedOut))
        })
    }
}
