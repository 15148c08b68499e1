//! A connection's bytes, watched from outside.
//!
//! hyper can either bound the time a request head takes or let an idle connection live: its timer
//! does not tell the two apart. The platform demands the second, so the first is done here: a
//! [`Pulse`] knows whether a head has begun, and [`Wire`] ends a connection whose head does not
//! end. It also closes gently after an answer to a request that was not read to its end: closing
//! on unread bytes resets the connection, and a reset can overtake the answer.
//!
//! A head that begins in the same packet in which the previous request ends is noticed only with
//! its next byte. Until then it is one of the idle connections, whose number is bounded.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Instant;
use tokio::time::Sleep;
use tokio::time::sleep_until;

/// How long a request head may take from its first byte to its last.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long the rest of a refused request is awaited, and how much of it; the platform lets no
/// body through that is larger.
const LINGER_TIME: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 32 * 1024 * 1024;

/// What a connection is doing; shared by its bytes and its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<AtomicU8>);

/// No byte has come yet.
const FRESH: u8 = 0;
/// A request head has begun.
const HEAD: u8 = 1;
/// A request is being served.
const BUSY: u8 = 2;
/// The last request is answered.
const IDLE: u8 = 3;
/// The last request is answered, but it was not read to its end.
const UNREAD: u8 = 4;

impl Pulse {
    /// Says that a request head is complete.
    pub(crate) fn begin(&self) {
        self.set(BUSY);
    }

    /// Says that a request is answered, and whether bytes of it may be left.
    pub(crate) fn end(&self, unread: bool) {
        self.set(if unread { UNREAD } else { IDLE });
    }

    /// Tells whether the connection was never used.
    pub(crate) fn is_fresh(&self) -> bool {
        self.get() == FRESH
    }

    fn arrive(&self, bytes: &[u8]) {
        // Some callers end a body with an empty line too many; that begins no head.
        let begins = bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
        if begins && matches!(self.get(), FRESH | IDLE) {
            self.set(HEAD);
        }
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Relaxed);
    }
}

/// A byte stream that notices when a head begins and when to close gently.
#[derive(Debug)]
pub(crate) struct Wire<T> {
    stream: T,
    pulse: Pulse,
    /// Rings when the head, or the rest of a refused request, has taken too long. Set only when
    /// there is something to wait for, which for most requests never happens.
    alarm: Option<Pin<Box<Sleep>>>,
    /// How much of a refused request may still be read; none before the writing side is closed.
    linger: Option<usize>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    pub(crate) fn new(stream: T, pulse: Pulse) -> Self {
        Self { stream, pulse, alarm: None, linger: None }
    }

    /// Completes when `patience` has passed since the first call after the alarm was cleared.
    fn poll_alarm(&mut self, cx: &mut Context<'_>, patience: Duration) -> Poll<()> {
        let ring = || Box::pin(sleep_until(Instant::now() + patience));
        self.alarm.get_or_insert_with(ring).as_mut().poll(cx)
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
                Poll::Pending => return self.poll_alarm(cx, LINGER_TIME),
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
        let before = buffer.filled().len();
        if self.pulse.get() != HEAD {
            self.alarm = None;
        }
        if let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            self.pulse.arrive(&buffer.filled()[before..]);
            return Poll::Ready(outcome);
        }
        if self.pulse.get() == HEAD {
            ready!(self.poll_alarm(cx, HEAD_TIME));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.alarm = None;
            // A head that never completed was refused by hyper itself.
            let unread = matches!(self.pulse.get(), UNREAD | HEAD);
            self.linger = Some(if unread { LINGER_BYTES } else { 0 });
        }
        let left = self.linger.unwrap_or_default();
        self.poll_linger(cx, left).map(Ok)
    }
}
