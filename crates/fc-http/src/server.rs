//! Accepts connections and serves requests on them, until told to stop.
//!
//! hyper speaks the protocol; this file decides who may connect, what hyper is allowed, and how
//! the end goes. It never closes an idle connection first: the platform keeps one open for many
//! minutes, and a POST that meets its closing is lost with a 502.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Service;
use tower::ServiceExt;

use crate::fault::Unread;
use crate::options::Options;
use crate::service::BoxError;
use crate::wire::Pulse;
use crate::wire::Wire;

/// How many connections may be open at once. An instance serves at most 200 requests at a time,
/// so this only bounds what idle and half-dead connections can take.
const MAX_CONNECTIONS: usize = 1024;

/// The first and the longest pause after a failed accept.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where connections come from.
pub(crate) trait Accept {
    /// A connection's byte stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection.
    async fn accept(&mut self) -> io::Result<Self::Stream>;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Answers are small and complete; waiting for more to send only delays them. A connection
        // that is gone already cannot be set, and shows itself at its first read.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// Serves connections until `shutdown` completes, then lets the requests under way finish.
pub(crate) async fn serve<A, S, B, F>(listener: A, stack: S, options: &Options, shutdown: F)
where
    A: Accept,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    F: Future<Output = ()>,
{
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let protocol = protocol(options);
    let under_way = &mut connections;
    // Owns the service: a service is cloned for each connection and need not be shared.
    let begin = move |stream, permit| {
        // Reaps what has ended; the set must not grow with every connection there ever was.
        while under_way.try_join_next().is_some() {}
        let connection = connection(&protocol, stream, stack.clone(), stopping.clone());
        under_way.spawn(async move {
            connection.await;
            drop(permit);
        });
    };
    tokio::select! {
        () = shutdown => {}
        never = accept_all(listener, begin) => match never {},
    }
    // The listener is closed by now: new callers are refused instead of kept waiting.
    drop(stop);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.drain, drained).await.is_err() {
        tracing::warn!("stopped before every request was answered");
    }
}

/// Hands every connection to `begin`, forever. What goes wrong with accepting, too many open files
/// for one, does not stop the server; it tries again after a pause that grows.
async fn accept_all<A: Accept>(
    mut listener: A,
    mut begin: impl FnMut(A::Stream, Option<OwnedSemaphorePermit>),
) -> Infallible {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut pause = FIRST_PAUSE;
    loop {
        // The semaphore is never closed, so there is always a permit in the end.
        let permit = Arc::clone(&places).acquire_owned().await.ok();
        match listener.accept().await {
            Ok(stream) => {
                pause = FIRST_PAUSE;
                begin(stream, permit);
            }
            // The caller left before its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection: {error}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn protocol(options: &Options) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // Its timer would close idle connections as well; see `wire`.
        .header_read_timeout(None)
        // Room enough that a head beyond the limit is still read, and refused in words.
        .max_buf_size(options.max_header_bytes.saturating_mul(4).max(64 * 1024));
    builder
}

/// Serves one connection to its end. Its errors are its caller's doing and nobody's concern.
fn connection<T, S, B>(
    protocol: &http1::Builder,
    stream: T,
    stack: S,
    mut stopping: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send + use<T, S, B>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let pulse = Pulse::default();
    let wire = TokioIo::new(Wire::new(stream, pulse.clone()));
    let beat = pulse.clone();
    let service = hyper::service::service_fn(move |request| {
        beat.begin();
        let beat = beat.clone();
        let answer = stack.clone().oneshot(request);
        async move {
            let answer = answer.await?;
            beat.end(answer.extensions().get::<Unread>().is_some());
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = protocol.serve_connection(wire, service);
    async move {
        let mut connection = std::pin::pin!(connection);
        let stopped = tokio::select! {
            biased;
            _ = connection.as_mut() => false,
            // Ends with an error when the sender is dropped: that is the sign to stop.
            _ = stopping.changed() => true,
        };
        // hyper waits for the first request of a connection even now; nobody else does.
        if stopped && !pulse.is_fresh() {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;
    use tokio::time::Instant;

    use super::*;

    /// Fails as often as told, then hands out one connection, then none.
    struct Failing {
        kind: io::ErrorKind,
        times: u32,
    }

    impl Accept for Failing {
        type Stream = DuplexStream;

        async fn accept(&mut self) -> io::Result<DuplexStream> {
            match self.times.checked_sub(1) {
                Some(left) => {
                    self.times = left;
                    Err(self.kind.into())
                }
                None => Ok(tokio::io::duplex(1).0),
            }
        }
    }

    async fn time_until_accepted(kind: io::ErrorKind, times: u32) -> Duration {
        let started = Instant::now();
        let (accepted, mut acceptance) = tokio::sync::mpsc::unbounded_channel();
        let accepting = accept_all(Failing { kind, times }, |_, permit| {
            accepted.send(permit).unwrap_or_default();
        });
        tokio::select! {
            never = accepting => match never {},
            _ = acceptance.recv() => started.elapsed(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_accept_is_tried_again_after_a_growing_pause() {
        let other = io::ErrorKind::Other;
        assert_eq!(time_until_accepted(other, 0).await.as_millis(), 0);
        assert_eq!(time_until_accepted(other, 3).await.as_millis(), 5 + 10 + 20);
        assert_eq!(time_until_accepted(other, 10).await.as_millis(), 1275 + 2000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_left_early_costs_no_pause() {
        let aborted = io::ErrorKind::ConnectionAborted;
        assert_eq!(time_until_accepted(aborted, 3).await.as_millis(), 0);
    }
}
