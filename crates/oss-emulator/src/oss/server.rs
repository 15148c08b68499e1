//! The accept loop: connections, their end, and the end of them all.
//!
//! Gets a bound listener and a future that ends when the server should. What a request means is
//! `dispatch`'s business.

use std::convert::Infallible;
use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::oss::answer::Answer;
use crate::oss::call::Client;
use crate::oss::call::Reached;
use crate::oss::callback::key;
use crate::oss::dispatch;
use crate::oss::site::Site;

/// The connections that are served at a time; further ones wait in the listener's queue.
const MAX_CONNECTIONS: usize = 512;

/// The bytes of a request that wait in memory, per connection.
const READ_BUFFER: usize = 128 * 1024;

/// How long a connection may stay without a request; longer than browsers keep theirs.
const IDLE: Duration = Duration::from_mins(10);

/// How long the uploads that are under way at the end may still take.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long the rest of a refused body is read after the answer, so that the answer arrives.
const LINGER: Duration = Duration::from_secs(2);

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An answer that is being made; boxed so that the connection can be polled in place.
type Answering = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

/// Serves until `shutdown` ends, then lets what is under way finish.
pub(super) async fn serve(
    site: Site,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    // Nobody else gets here first: the site is not shared yet.
    let _ = site.key_url.set(key::url(reachable(address)));
    let site = Arc::new(site);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, place)) = accepted else {
            break;
        };
        let (site, stopping) = (Arc::clone(&site), stopping.clone());
        connections.spawn(async move {
            connection(site, stream, stopping).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    drop(stop);
    // Whoever is not done by then is cut off when the set is dropped.
    let all_done = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, all_done).await;
    Ok(())
}

/// Gives the address at which this machine reaches a listener, which may listen on all of its own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

/// Waits for a free place and a connection to put there.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, place)),
            // Out of file descriptors, or the client is gone already: others still want service.
            Err(error) => {
                tracing::warn!(%error, "the local OSS could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection until the client or the server has had enough.
async fn connection(site: Arc<Site>, stream: TcpStream, mut stopping: watch::Receiver<()>) {
    let unread = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&unread);
    let client = stream.peer_addr().map(|address| Client(address.ip())).ok();
    let reached = stream.local_addr().map(|address| Reached(address.ip())).ok();
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(reached) = reached {
            request.extensions_mut().insert(reached);
        }
        if let Some(client) = client {
            request.extensions_mut().insert(client);
        }
        let (site, unread) = (Arc::clone(&site), Arc::clone(&unread));
        let answer: Answering =
            Box::pin(async move { Ok(dispatch::answer(&site, request, &unread).await) });
        answer
    });
    let mut connection = http1::Builder::new()
        // A client that has sent everything may close its half and still wants the answer.
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

/// Closes a connection; one with unread bytes is read for a while longer, because closing it at
/// once would make the system throw away the answer on its way.
async fn close(mut stream: TcpStream, unread: bool) {
    let _ = stream.shutdown().await;
    if !unread {
        return;
    }
    let mut space = vec![0; READ_BUFFER];
    let read_over = async { while matches!(stream.read(&mut space).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(LINGER, read_over).await;
}
