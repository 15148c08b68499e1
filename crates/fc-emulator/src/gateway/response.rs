//! The function's response on its way to the caller. Its instance is busy until the last byte is sent.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, Response};
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::pool::InstanceGuard;

/// A response of the function, or of the gateway in its place. A response of the function has a
/// [`ForwardReport`] among its extensions.
pub type GatewayResponse = Response<Either<Full<Bytes>, ProxiedBody>>;

/// What the gateway saw of the function's response before it removed headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardReport {
    /// The bytes of names and values of the headers that remain.
    pub header_bytes: usize,
    /// The headers that were removed.
    pub removed_headers: Vec<HeaderName>,
    /// Whether the function reported an error by `x-fc-status`.
    pub reports_failure: bool,
}

/// The body of a response that passes through the gateway.
#[derive(Debug)]
pub struct ProxiedBody {
    body: Incoming,
    guard: Option<InstanceGuard>,
    deadline: Pin<Box<Sleep>>,
}

impl ProxiedBody {
    pub(super) fn new(body: Incoming, guard: InstanceGuard, deadline: Instant) -> Self {
        let deadline = Box::pin(tokio::time::sleep_until(deadline));
        // An empty body is not polled, so its guard would never be released.
        let guard = (!body.is_end_stream()).then_some(guard);
        Self { body, guard, deadline }
    }
}

impl Body for ProxiedBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if self.body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
                self.guard = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if self.deadline.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if let Some(guard) = self.guard.take() {
            guard.kill();
        }
        Poll::Ready(Some(Err(Box::new(ResponseTimeout))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The function's timeout passed before its response was complete.
#[derive(Debug)]
struct ResponseTimeout;

impl fmt::Display for ResponseTimeout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the function's timeout passed before its response was complete")
    }
}

impl Error for ResponseTimeout {}
