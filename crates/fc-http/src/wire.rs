//! A connection's bytes, with the time limits that hyper does not set.
//!
//! hyper can either bound the time a request head takes or let an idle connection live: its timer
//! does not tell the two apart. The platform demands the second, so the first is done here: a
//! [`ConnectionState`] knows whether a head has begun, and [`Wire`] ends a connection
//!
//! - whose client sends no request at all within [`Timeouts::fresh`],
//! - whose request head does not end,
//! - whose client does not take its answers.
//!
//! While an answer is not taken, no further request is read: otherwise a client that sends requests
//! and reads nothing could fill the memory with answers. The connection also closes gently after an
//! answer to a request that was not read to its end: closing on unread bytes resets the connection,
//! and a reset can overtake the answer.
//!
//! A head that begins in the same packet in which the previous request ends is noticed only with
//! its next byte. Until then it is one of the idle connections, whose number is bounded.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection_state::{ConnectionState, Stage};

/// How long a request head may take from its first byte to its last.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a client may take for an answer that it has begun to take too slowly, however small its
/// steps are.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// How long the rest of a refused request is awaited, and how much of it; the platform lets no
/// body through that is larger.
const LINGER_TIME: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 32 * 1024 * 1024;

/// A timer that rings so late means that the process was stopped meanwhile: the platform freezes an
/// instance that has nothing to do.
const FREEZE: Duration = Duration::from_secs(1);

/// What a host may choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// How long a connection may be open without one whole request head.
    pub(crate) fresh: Duration,
    /// How long a client may take nothing of an answer.
    pub(crate) write: Duration,
}

/// A byte stream with time limits.
#[derive(Debug)]
pub(crate) struct Wire<T> {
    stream: T,
    state: ConnectionState,
    timeouts: Timeouts,
    /// When a connection without one whole request head is closed.
    fresh_until: Instant,
    /// Ends the wait for a request head, or for the rest of a refused request. Set only when there
    /// is something to wait for.
    read_timer: Timer,
    /// Ends the wait for a client that takes nothing. Set only while it takes nothing.
    write_timer: Timer,
    /// When the answers that are being written have to be taken; none while there are none, or the
    /// client takes them at once.
    answer_until: Option<Instant>,
    /// Whether a read was put off because the client took nothing.
    is_read_put_off: bool,
    /// How much of a refused request may still be read; none before the writing side is closed.
    linger: Option<usize>,
}

/// A timer that is set when it is first waited for.
type Timer = Option<Pin<Box<Sleep>>>;

/// Completes at the moment that the timer was set to when it was first waited for.
fn poll_timer(
    timer: &mut Timer,
    cx: &mut Context<'_>,
    until: impl FnOnce() -> Instant,
) -> Poll<()> {
    timer.get_or_insert_with(|| Box::pin(sleep_until(until()))).as_mut().poll(cx)
}

/// Returns the moment after `wait`; more than the clock can count is a day.
fn after(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or_else(|| now + Duration::from_hours(24))
}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    pub(crate) fn new(stream: T, state: ConnectionState, timeouts: Timeouts) -> Self {
        Self {
            stream,
            state,
            timeouts,
            fresh_until: after(timeouts.fresh),
            read_timer: None,
            write_timer: None,
            answer_until: None,
            is_read_put_off: false,
            linger: None,
        }
    }

    /// Completes when the client has had long enough for what is awaited of it.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let fresh_until = self.fresh_until;
        let timer = &mut self.read_timer;
        match self.state.stage() {
            Stage::Fresh => self.poll_fresh(cx),
            Stage::FirstHead => poll_timer(timer, cx, || after(HEAD_TIME).min(fresh_until)),
            Stage::Head => poll_timer(timer, cx, || after(HEAD_TIME)),
            // The deadline of the request bounds its body; an idle connection may stay.
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
            // The instance was frozen, and may be woken for a request on this very connection.
            self.fresh_until = after(self.timeouts.fresh);
            self.read_timer = None;
        }
    }

    /// Takes the outcome of a write: one that makes no progress ends at its time.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_pending() {
            let end = *self.answer_until.get_or_insert_with(|| after(ANSWER_TIME));
            let wait = self.timeouts.write;
            ready!(poll_timer(&mut self.write_timer, cx, || after(wait).min(end)));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.write_timer = None;
        if std::mem::take(&mut self.is_read_put_off) {
            // Nothing else would cause the read that was put off.
            cx.waker().wake_by_ref();
        }
        outcome
    }

    /// Throws away what still comes, until the other side is done or a bound is reached.
    fn poll_linger(&mut self, cx: &mut Context<'_>, mut left: usize) -> Poll<()> {
        let mut scrap = [0; 4096];
        while left > 0 {
            let mut buffer = ReadBuf::new(&mut scrap);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    left = left.saturating_sub(buffer.filled().len());
                    self.linger = Some(left);
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    return poll_timer(&mut self.read_timer, cx, || after(LINGER_TIME));
                }
            }
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.write_timer.is_some() {
            self.is_read_put_off = true;
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
        ready!(self.poll_patience(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when it has written all that there is.
        self.answer_until = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.read_timer = None;
            // A head that never completed was refused by hyper itself.
            let unread =
                matches!(self.state.stage(), Stage::Unread | Stage::Head | Stage::FirstHead);
            self.state.close();
            self.linger = Some(if unread { LINGER_BYTES } else { 0 });
        }
        let left = self.linger.unwrap_or_default();
        self.poll_linger(cx, left).map(Ok)
    }
}
