//! Reads the request's body into memory, up to a limit and within the deadline.
//!
//! A body that announces too much is refused before a byte of it is read; one that announces
//! nothing, at the byte too many.

use std::error::Error;
use std::task;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};

use crate::context::ContextExt;
use crate::fault::Fault;
use crate::layers::Pending;
use crate::service::BoxError;

/// Hands requests on with their whole body.
#[derive(Clone)]
pub(crate) struct Bodies<S> {
    inner: S,
    max: usize,
}

impl<S> Bodies<S> {
    pub(crate) fn new(inner: S, max: usize) -> Self {
        Self { inner, max }
    }
}

impl<S, I> Service<Request<I>> for Bodies<S>
where
    S: Service<Request<Bytes>, Error = Fault> + Clone + Send + 'static,
    S::Future: Send,
    I: Body<Data = Bytes> + Send + 'static,
    I::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = Fault;
    type Future = Pending<S::Response, Fault>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        // Whether the service is ready is asked when the request is complete, so that waiting for
        // it counts against the deadline and its panics are caught.
        let inner = self.inner.clone();
        let max = self.max;
        Box::pin(async move {
            let request = whole(request, max).await?;
            inner.oneshot(request).await
        })
    }
}

async fn whole<I>(request: Request<I>, max: usize) -> Result<Request<Bytes>, Fault>
where
    I: Body<Data = Bytes>,
    I::Error: Into<BoxError>,
{
    let deadline = request.context().map(|context| context.deadline);
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Request::from_parts(head, Bytes::new()));
    }
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > max) {
        return Err(Fault::BodyTooLarge(max));
    }
    let bytes = match deadline {
        Some(deadline) => read_until(deadline, body, max).await?,
        None => read(body, max).await?,
    };
    Ok(Request::from_parts(head, bytes))
}

/// The deadline of the whole request falls on the same moment; that it hit the body, and so the
/// caller's side, is only known here.
async fn read_until<I>(deadline: Instant, body: I, max: usize) -> Result<Bytes, Fault>
where
    I: Body<Data = Bytes>,
    I::Error: Into<BoxError>,
{
    let in_time = timeout_at(deadline, read(body, max)).await;
    in_time.unwrap_or(Err(Fault::BodyTimedOut))
}

async fn read<I>(body: I, max: usize) -> Result<Bytes, Fault>
where
    I: Body<Data = Bytes>,
    I::Error: Into<BoxError>,
{
    let body = std::pin::pin!(body);
    match Limited::new(body, max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if is_limit(error.as_ref()) => Err(Fault::BodyTooLarge(max)),
        Err(_) => Err(Fault::BodyUnreadable),
    }
}

fn is_limit(error: &(dyn Error + 'static)) -> bool {
    error.is::<LengthLimitError>()
}
