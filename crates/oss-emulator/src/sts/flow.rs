//! The body of an answer: a text, sent whole or cut in its middle.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::SizeHint;

/// Is sent as an answer's body.
#[derive(Debug)]
pub(super) struct Flow {
    rest: Bytes,
    /// The bytes that never come, though the answer's length counts them.
    missing: u64,
    /// Set once the first half has had its chance to be sent.
    paused: bool,
}

impl Flow {
    pub(super) fn whole(text: impl Into<Bytes>) -> Self {
        Self { rest: text.into(), missing: 0, paused: false }
    }

    /// Keeps the length that is announced and loses the second half.
    pub(super) fn cut(mut self) -> Self {
        let half = self.rest.len() / 2;
        self.missing = (self.rest.len() - half) as u64;
        self.rest.truncate(half);
        self
    }

    /// Keeps the first half, as if that were all.
    pub(super) fn half(mut self) -> Self {
        self.rest.truncate(self.rest.len() / 2);
        self
    }
}

impl Body for Flow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))));
        }
        if self.missing == 0 {
            return Poll::Ready(None);
        }
        if !self.paused {
            // The server writes what it has when there is nothing to add; an error at once would
            // throw the first half away.
            self.paused = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.missing == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64 + self.missing)
    }
}
