//! Accepts callers for the gateway.

use std::convert::Infallible;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::emulator::fc::Gateway;

/// How long a stop waits for answers under way.
const DRAIN: Duration = Duration::from_secs(2);

/// The pause after a failed accept; the usual cause, too many open files, needs a moment to pass.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves callers until `shutdown` completes.
pub(crate) async fn serve<F>(listener: TcpListener, gateway: Gateway, shutdown: F)
where
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
                callers.spawn(caller(stream, gateway.clone(), stopping.clone()));
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

async fn caller(stream: TcpStream, gateway: Gateway, mut stopping: watch::Receiver<()>) {
    let service =
        service_fn(|request| async { Ok::<_, Infallible>(gateway.handle(request).await) });
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
