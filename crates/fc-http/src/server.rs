//! Accepts connections and serves requests on them until shutdown.
//!
//! hyper speaks the protocol; this file decides which connections are accepted, what hyper may do, and how the server
//! stops. It never closes a connection that is idle after a request: the platform reuses connections for many minutes,
//! and a POST that meets the closing is lost with a 502. The time limits of a connection are in `timed_stream`, the
//! number of connections is limited in `connections`.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use crate::BoxError;
use crate::connection_state::{ConnectionState, Stage};
use crate::connections::Connections;
use crate::error::Unread;
use crate::options::Options;
use crate::pipeline::{Pipeline, PipelineResponse};
use crate::timed_stream::{TimedStream, Timeouts};

/// The first and the longest pause after a failed accept.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A source of connections.
pub(crate) trait Accept {
    /// The byte stream of a connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection.
    async fn accept(&mut self) -> io::Result<Self::Stream>;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Responses are small and complete; waiting for more to send only delays them. Setting the option fails on a
        // connection that is closed already, and then its first read fails as well.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// Answers requests, several at a time.
pub(crate) trait Handle: Clone + Send + 'static {
    /// The body of a response.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Answers a request.
    fn handle(
        self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

impl<S, B> Handle for Pipeline<S>
where
    S: Service<Request<crate::Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Body = Either<Full<Bytes>, B>;

    fn handle(
        self,
        request: Request<Incoming>,
    ) -> impl Future<Output = PipelineResponse<B>> + Send {
        Pipeline::handle(self, request)
    }
}

/// Serves connections until `shutdown` completes, then lets the requests in progress finish.
pub(crate) async fn serve<A, H>(
    listener: A,
    handler: H,
    options: &Options,
    shutdown: impl Future<Output = ()>,
) where
    A: Accept,
    H: Handle,
{
    let (stop, stopping) = watch::channel(());
    let mut connections = Connections::new(options);
    let protocol = protocol(options);
    let timeouts = Timeouts { fresh: options.fresh_timeout, write: options.write_timeout };
    // Owns the handler: it is cloned for each connection and need not be shared.
    let connect = move |stream, state: &ConnectionState| {
        let stream = TimedStream::new(stream, state.clone(), timeouts);
        serve_connection(&protocol, stream, state.clone(), handler.clone(), stopping.clone())
    };
    tokio::select! {
        () = shutdown => {}
        never = accept_all(listener, &mut connections, connect) => match never {},
    }
    // The listener is closed now: new clients are refused instead of kept waiting.
    drop(stop);
    if tokio::time::timeout(options.drain, connections.ended()).await.is_err() {
        tracing::warn!("stopped before every request was answered");
    }
}

/// Completes at the first SIGTERM or SIGINT (elsewhere than on Unix: Ctrl-C).
///
/// A signal that cannot be watched is logged and never arrives: a server that goes on is better than one that stops.
pub async fn shutdown_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;

        tokio::select! {
            () = signal(SignalKind::terminate()) => {}
            () = signal(SignalKind::interrupt()) => {}
        }
    }
    #[cfg(not(unix))]
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C cannot be watched");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn signal(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "the stop signal cannot be watched");
            std::future::pending::<()>().await;
        }
    }
}

/// Serves every connection that is accepted, forever. A failed accept, for example because of too many open files, does
/// not stop the server; it is tried again after a pause that grows.
async fn accept_all<A, C, F>(
    mut listener: A,
    connections: &mut Connections,
    mut connect: C,
) -> Infallible
where
    A: Accept,
    C: FnMut(A::Stream, &ConnectionState) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.accept().await {
            Ok(stream) => {
                pause = FIRST_PAUSE;
                connections.make_room().await;
                let state = ConnectionState::new();
                connections.spawn(state.clone(), connect(stream, &state));
            }
            // The client left before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // The limit of the process can be lower than that of the options.
            Err(error) if is_out_of_files(&error) && connections.close_one().await => {}
            Err(error) => {
                tracing::error!(%error, "a connection cannot be accepted: {error}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Returns whether the process or the system has no file descriptor left (`EMFILE`, `ENFILE`).
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

fn protocol(options: &Options) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // This timer would close idle connections as well; see `timed_stream`.
        .header_read_timeout(None)
        // Large enough that a head beyond the limit is still read, and refused with a JSON error.
        .max_buf_size(options.max_header_bytes.saturating_mul(4).max(64 * 1024));
    builder
}

/// Serves one connection to its end. Its errors are caused by its client and are not reported.
fn serve_connection<T, H>(
    protocol: &http1::Builder,
    stream: TimedStream<T>,
    state: ConnectionState,
    handler: H,
    mut stopping: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send + use<T, H>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handle,
{
    let request_state = state.clone();
    let service = hyper::service::service_fn(move |request| {
        request_state.begin();
        let state = request_state.clone();
        let response = handler.clone().handle(request);
        async move {
            let response = response.await;
            state.end(response.extensions().get::<Unread>().is_some());
            Ok::<_, Infallible>(response)
        }
    });
    let connection = protocol.serve_connection(TokioIo::new(stream), service);
    async move {
        let mut connection = std::pin::pin!(connection);
        let is_stopped = tokio::select! {
            biased;
            _ = connection.as_mut() => false,
            // Ends with an error when the sender is dropped: that is the signal to stop.
            _ = stopping.changed() => true,
        };
        // hyper would wait for the first request of a connection even now.
        if is_stopped && state.stage() != Stage::Fresh {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    const RESPONSE_BYTES: usize = 100_000;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: l\r\n\r\n";
    const HEAD: &[u8] = b"HEAD / HTTP/1.1\r\nhost: l\r\n\r\n";

    /// Counts requests and answers each with as many bytes as the constant says.
    #[derive(Clone)]
    struct CountRequests(Arc<AtomicUsize>);

    impl Handle for CountRequests {
        type Body = Full<Bytes>;

        async fn handle(self, _: Request<Incoming>) -> Response<Full<Bytes>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Response::new(Full::new(Bytes::from(vec![b'x'; RESPONSE_BYTES])))
        }
    }

    /// Serves the other end of a pipe that holds 1,000 bytes in each direction, and counts requests.
    fn connect() -> (DuplexStream, Arc<AtomicUsize>) {
        let (client, stream) = tokio::io::duplex(1000);
        let served = Arc::new(AtomicUsize::new(0));
        let handler = CountRequests(Arc::clone(&served));
        let options = Options::default();
        let timeouts = Timeouts { fresh: options.fresh_timeout, write: options.write_timeout };
        let state = ConnectionState::new();
        let stream = TimedStream::new(stream, state.clone(), timeouts);
        let (stop, stopping) = watch::channel(());
        let connection = serve_connection(&protocol(&options), stream, state, handler, stopping);
        tokio::spawn(async move {
            connection.await;
            drop(stop);
        });
        (client, served)
    }

    /// Reads as many bytes after each pause, until there are no more or the connection is closed.
    async fn read_slowly(client: &mut DuplexStream, bytes: usize, pause: Duration) -> usize {
        let (mut scrap, mut all) = (vec![0; bytes], 0);
        loop {
            sleep(pause).await;
            match timeout(Duration::from_secs(1), client.read(&mut scrap)).await {
                Ok(Ok(count @ 1..)) => all += count,
                _ => return all,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_gets_its_whole_answer_and_its_connection_stays() {
        let (mut client, _) = connect();
        for _ in 0..2 {
            client.write_all(GET).await.unwrap();
            let all = read_slowly(&mut client, 20_000, Duration::from_millis(500)).await;
            assert!(all > RESPONSE_BYTES, "{all}");
            sleep(Duration::from_hours(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_read_in_tiny_steps_closes_its_connection_after_a_minute() {
        let (mut client, _) = connect();
        let started = Instant::now();
        client.write_all(GET).await.unwrap();
        let all = read_slowly(&mut client, 100, Duration::from_secs(5)).await;
        assert!(all < 3_000, "{all}");
        // What lay in the pipe was still read.
        assert!((60..130).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
        assert!(client.write_all(GET).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_behind_an_answer_that_nobody_reads_are_not_served() {
        for (request, most) in [(GET, 2), (HEAD, 200)] {
            let (mut client, served) = connect();
            let started = Instant::now();
            let mut sent = 0;
            while client.write_all(request).await.is_ok() {
                sent += 1;
            }
            assert_eq!(started.elapsed().as_secs(), 10);
            let served = served.load(Ordering::Relaxed);
            assert!((1..=most).contains(&served) && served < sent, "{served} of {sent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_were_put_off_are_served_when_the_answers_are_read() {
        let (mut client, served) = connect();
        for _ in 0..5 {
            client.write_all(GET).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        assert!(served.load(Ordering::Relaxed) < 5);
        let all = read_slowly(&mut client, 100_000, Duration::from_millis(1)).await;
        assert!(all > 5 * RESPONSE_BYTES, "{all}");
        assert_eq!(served.load(Ordering::Relaxed), 5);
    }

    /// Fails as often as it says, then hands out one connection, then none.
    struct Failing {
        error: fn() -> io::Error,
        times: u32,
        stream: Option<DuplexStream>,
    }

    impl Accept for Failing {
        type Stream = DuplexStream;

        async fn accept(&mut self) -> io::Result<DuplexStream> {
            match self.times.checked_sub(1) {
                Some(left) => {
                    self.times = left;
                    Err((self.error)())
                }
                None => match self.stream.take() {
                    Some(stream) => Ok(stream),
                    None => std::future::pending().await,
                },
            }
        }
    }

    fn connections() -> Connections {
        Connections::new(&Options::default())
    }

    async fn time_until_accepted(
        error: fn() -> io::Error,
        times: u32,
        connections: &mut Connections,
    ) -> Duration {
        let started = Instant::now();
        let (accepted, mut acceptance) = tokio::sync::mpsc::unbounded_channel();
        let listener = Failing { error, times, stream: Some(tokio::io::duplex(1).0) };
        let accepting = accept_all(listener, connections, |_, _| {
            accepted.send(()).unwrap_or_default();
            std::future::pending()
        });
        tokio::select! {
            never = accepting => match never {},
            _ = acceptance.recv() => started.elapsed(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_accept_is_tried_again_after_a_growing_pause() {
        for error in [|| io::ErrorKind::Other.into(), || io::Error::from_raw_os_error(24)] {
            let time = async |times| time_until_accepted(error, times, &mut connections()).await;
            assert_eq!(time(0).await.as_millis(), 0);
            assert_eq!(time(3).await.as_millis(), 5 + 10 + 20);
            assert_eq!(time(10).await.as_millis(), 1275 + 2000);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_left_early_costs_no_pause() {
        let aborted = || io::ErrorKind::ConnectionAborted.into();
        assert_eq!(time_until_accepted(aborted, 3, &mut connections()).await.as_millis(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_file_descriptor_a_fresh_connection_gives_way() {
        for error in [|| io::Error::from_raw_os_error(24), || io::Error::from_raw_os_error(23)] {
            let mut connections = connections();
            for _ in 0..3 {
                connections.spawn(ConnectionState::new(), std::future::pending());
            }
            assert_eq!(time_until_accepted(error, 3, &mut connections).await.as_millis(), 0);
            assert_eq!(time_until_accepted(error, 2, &mut connections).await.as_millis(), 5);
        }
    }
}
