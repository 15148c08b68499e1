//! The function's answer on its way to the caller. Its instance is busy until the last byte is through.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use tokio::time::Instant;
use tokio::time::Sleep;

use crate::seat::Seat;

/// The body of an answer that passes through.
#[derive(Debug)]
pub struct Passing {
    body: Incoming,
    seat: Option<Seat>,
    deadline: Pin<Box<Sleep>>,
}

impl Passing {
    pub(crate) fn new(body: Incoming, seat: Seat, deadline: Instant) -> Self {
        let deadline = Box::pin(tokio::time::sleep_until(deadline));
        // Nobody asks an empty body for its end.
        let seat = (!body.is_end_stream()).then_some(seat);
        Self { body, seat, deadline }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if self.body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
                self.seat = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if self.deadline.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if let Some(seat) = self.seat.take() {
            seat.kill();
        }
        Poll::Ready(Some(Err(Box::new(CutShort))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The function took too long over its answer.
#[derive(Debug)]
struct CutShort;

impl fmt::Display for CutShort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the function's time was over before its answer was")
    }
}

impl Error for CutShort {}
