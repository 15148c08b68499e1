//! The accept loop: accepts connections, closes them, and shuts down gracefully.
//!
//! It takes a bound listener and a future that completes when the server should stop. Requests are
//! handled in `handler`.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::oss::callback::signing_key;
use crate::oss::handler;
use crate::oss::request::ClientAddress;
use crate::oss::response::OssResponse;
use crate::oss::state::OssState;
use crate::server::LocalAddress;

/// The maximum number of open connections; further ones wait in the listener's queue.
const MAX_CONNECTIONS: usize = 512;

/// The buffer for a request, in bytes per connection.
const READ_BUFFER: usize = 128 * 1024;

/// The time that a connection may be idle; longer than browsers keep theirs open.
const IDLE: Duration = Duration::from_mins(10);

/// The time that uploads in progress have to finish after a shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// The time for which the rest of a rejected body is read after the response, so that the response
/// arrives.
const LINGER: Duration = Duration::from_secs(2);

/// The pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A response in progress; boxed so that the connection can be polled in place.
type ResponseFuture = Pin<Box<dyn Future<Output = Result<OssResponse, Infallible>> + Send>>;

/// Serves until `shutdown` completes, then waits for requests in progress.
pub(super) async fn serve(
    state: OssState,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    // The state is not shared yet, so the value is never set already.
    let _ = state.callback_key_url.set(signing_key::url(reachable(address)));
    let state = Arc::new(state);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, paths)) = accepted else {
            break;
        };
        let (state, stopping) = (Arc::clone(&state), stopping.clone());
        connections.spawn(async move {
            connection(state, stream, stopping).await;
            drop(paths);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    drop(stop);
    // Connections that are still open after that are closed when the set is dropped.
    let all_done = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, all_done).await;
    Ok(())
}

/// Returns the address under which this machine reaches a listener that may be bound to all
/// interfaces.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

/// Waits for a free slot and a connection.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let paths = Arc::clone(slots).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, paths)),
            // Out of file descriptors, or the client has gone: other connections can still be
            // served.
            Err(error) => {
                tracing::warn!(%error, "the local OSS could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection until the client closes it or the server shuts down.
async fn connection(state: Arc<OssState>, stream: TcpStream, mut stopping: watch::Receiver<()>) {
    let unread = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&unread);
    let client = stream.peer_addr().map(|address| ClientAddress(address.ip())).ok();
    let local = stream.local_addr().map(|address| LocalAddress(address.ip())).ok();
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(local) = local {
            request.extensions_mut().insert(local);
        }
        if let Some(client) = client {
            request.extensions_mut().insert(client);
        }
        let (state, unread) = (Arc::clone(&state), Arc::clone(&unread));
        let response: ResponseFuture =
            Box::pin(async move { Ok(handler::handle(&state, request, &unread).await) });
        response
    });
    let mut connection = http1::Builder::new()
        // A client that has sent everything may close its half and still wait for the response.
        .half_close(true)
        .max_buf_size(READ_BUFFER)
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => {}
        _ = stopping.changed() => {
            Pin::new(&mut connection).graceful_shutdown();
            let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
        }
    }
    let stream = connection.into_parts().io.into_inner();
    close(stream, seen.load(Ordering::Relaxed)).await;
}

/// Closes a connection. If a part of the body is unread, reading goes on for a while, because the
/// system would discard a response in transit if the connection were closed at once.
async fn close(mut stream: TcpStream, unread: bool) {
    let _ = stream.shutdown().await;
    if !unread {
        return;
    }
    let mut space = vec![0; READ_BUFFER];
    let read_over = async { while matches!(stream.read(&mut space).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(LINGER, read_over).await;
}
