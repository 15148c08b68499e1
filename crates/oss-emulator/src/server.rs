//! Accepts callers for the services whose requests are small: the gateway and STS.
//!
//! The local OSS has a server of its own, because a refused upload needs more care at its end.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use http::Request;
use http::Response;
use hyper::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a stop waits for answers under way.
const DRAIN: Duration = Duration::from_secs(2);

/// The pause after a failed accept; the usual cause, too many open files, needs a moment to pass.
const PAUSE: Duration = Duration::from_millis(100);

/// Says at which of this machine's addresses a request arrived; an extension of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached(pub(crate) IpAddr);

/// Serves callers until `shutdown` completes. A service that fails, or whose body does, cuts its
/// connection.
pub(crate) async fn serve<S, B, F>(listener: TcpListener, service: S, shutdown: F)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    F: Future<Output = ()>,
{
    let (stop, stopping) = watch::channel(());
    let mut callers = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.as_mut() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                callers.spawn(caller(stream, service.clone(), stopping.clone()));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
        while callers.try_join_next().is_some() {}
    }
    drop(listener);
    drop(stop);
    let answered = async { while callers.join_next().await.is_some() {} };
    // Who is not answered by then is dropped with the set.
    let _ = tokio::time::timeout(DRAIN, answered).await;
}

async fn caller<S, B>(stream: TcpStream, service: S, mut stopping: watch::Receiver<()>)
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None);
    let reached = stream.local_addr().map(|address| Reached(address.ip())).ok();
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(reached) = reached {
            request.extensions_mut().insert(reached);
        }
        service.call(request)
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
