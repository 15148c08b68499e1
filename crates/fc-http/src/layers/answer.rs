//! Turns faults into answers: the runtime's one error door. What is behind a fault is logged here,
//! once, and the caller learns the request id.

use std::convert::Infallible;
use std::task;
use std::task::Poll;

use http::{Request, Response};
use http_body_util::{Either, Full};
use tower::Service;

use crate::context::ContextExt;
use crate::fault::Fault;
use crate::layers::{Answer, Pending};

/// Answers in the place of a service that could not.
#[derive(Clone)]
pub(crate) struct Answers<S> {
    inner: S,
}

impl<S> Answers<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, I, B> Service<Request<I>> for Answers<S>
where
    S: Service<Request<I>, Response = Response<B>, Error = Fault>,
    S::Future: Send + 'static,
{
    type Response = Answer<B>;
    type Error = Infallible;
    type Future = Pending<Answer<B>, Infallible>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        // The layers below are always ready; the service's own readiness is awaited in `body`.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        let request_id = request.context().map(|context| context.request_id.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            Ok(match answer.await {
                Ok(answer) => answer.map(Either::Right),
                Err(fault) => {
                    let request_id = request_id.unwrap_or_default();
                    fault.log(&request_id);
                    let answer = fault.answer(&request_id);
                    answer.map(Full::new).map(Either::Left)
                }
            })
        })
    }
}
