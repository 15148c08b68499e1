//! The byte stream of a connection, with the time limits that hyper does not set.
//!
//! hyper can either limit the time of a request head or keep an idle connection open: its timer does not distinguish
//! the two. The platform demands the second, so the first is done here: [`ConnectionState`] knows whether a head has
//! begun, and [`TimedStream`] ends a connection
//!
//! - whose client sends no request at all within [`Timeouts::fresh`],
//! - whose request head does not end,
//! - whose client does not read its responses.
//!
//! While a response is not read, no further request is read: otherwise a client that sends requests and reads nothing
//! could fill the memory with responses. After a response to a request that was not read to its end, the rest of the
//! request is drained before the connection is closed: closing on unread bytes resets the connection, and a reset can
//! overtake the response.
//!
//! A head that begins in the packet in which the previous request ends is noticed with its next byte only. Until then
//! its connection counts as idle, and the number of idle connections is limited.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection_state::{ConnectionState, Stage};

/// How long a request head may take from its first byte to its last.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a client that does not keep up may take for a whole response, however small its reads are.
const RESPONSE_TIME: Duration = Duration::from_mins(1);

/// How long the rest of a refused request is drained, and how many bytes of it. The platform passes no larger body.
const DRAIN_TIME: Duration = Duration::from_secs(5);
const DRAIN_BYTES: usize = 32 * 1024 * 1024;

/// A timer that fires this late means that the process was frozen: the platform freezes an idle instance.
const FREEZE: Duration = Duration::from_secs(1);

/// The time limits that a program can set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// How long a connection may be open without one whole request head.
    pub(crate) fresh: Duration,
    /// How long a client may read nothing of a response.
    pub(crate) write: Duration,
}

/// A byte stream with time limits.
#[derive(Debug)]
pub(crate) struct TimedStream<T> {
    stream: T,
    state: ConnectionState,
    timeouts: Timeouts,
    /// When a connection without one whole request head is closed.
    fresh_until: Instant,
    /// Ends the wait for a request head, or for the rest of a refused request. Set only during such a wait.
    read_timer: Timer,
    /// Ends the wait for a client that reads nothing. Set only while it reads nothing.
    write_timer: Timer,
    /// When the client has to have read the responses that are being written. `None` while it keeps up.
    response_until: Option<Instant>,
    /// Whether a read was postponed because the client read nothing.
    is_read_postponed: bool,
    /// How many bytes of a refused request may still be drained. `None` before the writing side is closed.
    drain: Option<usize>,
}

/// A timer that starts when it is first polled.
type Timer = Option<Pin<Box<Sleep>>>;

/// Completes at the moment to which the timer was set when it was first polled.
fn poll_timer(
    timer: &mut Timer,
    cx: &mut Context<'_>,
    until: impl FnOnce() -> Instant,
) -> Poll<()> {
    timer.get_or_insert_with(|| Box::pin(sleep_until(until()))).as_mut().poll(cx)
}

/// Returns the moment after `wait`. A wait beyond what the clock can count is a day.
fn after(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or_else(|| now + Duration::from_hours(24))
}

impl<T: AsyncRead + AsyncWrite + Unpin> TimedStream<T> {
    pub(crate) fn new(stream: T, state: ConnectionState, timeouts: Timeouts) -> Self {
        Self {
            stream,
            state,
            timeouts,
            fresh_until: after(timeouts.fresh),
            read_timer: None,
            write_timer: None,
            response_until: None,
            is_read_postponed: false,
            drain: None,
        }
    }

    /// Completes when the client has exceeded the time limit of the current stage.
    fn poll_time_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let fresh_until = self.fresh_until;
        let timer = &mut self.read_timer;
        match self.state.stage() {
            Stage::Fresh => self.poll_fresh(cx),
            Stage::FirstHead => poll_timer(timer, cx, || after(HEAD_TIME).min(fresh_until)),
            Stage::Head => poll_timer(timer, cx, || after(HEAD_TIME)),
            // The deadline of the request limits its body; an idle connection stays open.
            Stage::Busy | Stage::Idle | Stage::Unread | Stage::Closing => Poll::Pending,
        }
    }

    fn poll_fresh(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let until = self.fresh_until;
            ready!(poll_timer(&mut self.read_timer, cx, || until));
            if until.elapsed() < FREEZE {
                return Poll::Ready(());
            }
            // The instance was frozen, and may have been resumed for a request on this very connection.
            self.fresh_until = after(self.timeouts.fresh);
            self.read_timer = None;
        }
    }

    /// Applies the time limits to the outcome of a write.
    fn limit_write(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_pending() {
            let end = *self.response_until.get_or_insert_with(|| after(RESPONSE_TIME));
            let wait = self.timeouts.write;
            ready!(poll_timer(&mut self.write_timer, cx, || after(wait).min(end)));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.write_timer = None;
        if std::mem::take(&mut self.is_read_postponed) {
            // Nothing else would cause the postponed read.
            cx.waker().wake_by_ref();
        }
        outcome
    }

    /// Reads and discards the rest of a request, until the client is done or a limit is reached.
    fn poll_drain(&mut self, cx: &mut Context<'_>, mut left: usize) -> Poll<()> {
        let mut discarded = [0; 4096];
        while left > 0 {
            let mut buffer = ReadBuf::new(&mut discarded);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    left = left.saturating_sub(buffer.filled().len());
                    self.drain = Some(left);
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    return poll_timer(&mut self.read_timer, cx, || after(DRAIN_TIME));
                }
            }
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for TimedStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.write_timer.is_some() {
            self.is_read_postponed = true;
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let stage = self.state.stage();
        if let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            self.state.arrive(&buffer.filled()[before..]);
            if self.state.stage() != stage {
                self.read_timer = None;
            }
            return Poll::Ready(outcome);
        }
        if matches!(stage, Stage::Busy | Stage::Idle) {
            self.read_timer = None;
        }
        ready!(self.poll_time_limit(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimedStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.limit_write(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.limit_write(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when it has written everything.
        self.response_until = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.drain.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.read_timer = None;
            // hyper itself refused a head that never completed.
            let is_unread =
                matches!(self.state.stage(), Stage::Unread | Stage::Head | Stage::FirstHead);
            self.state.close();
            self.drain = Some(if is_unread { DRAIN_BYTES } else { 0 });
        }
        let left = self.drain.unwrap_or_default();
        self.poll_drain(cx, left).map(Ok)
    }
}
