//! The runtime on a free port of the loopback.

use std::net::SocketAddr;

use bytes::Bytes;
use fc_http::{BoxError, Options};
use http::{Request, Response};
use http_body::Body;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::Service;

/// A running server; it stops when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start<S, B>(service: S, options: Options) -> Self
    where
        S: Service<Request<fc_http::Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async { stopping.await.unwrap_or_default() };
            let served = fc_http::serve(listener, service, options, shutdown).await;
            served.unwrap();
        });
        Self { address, stop: Some(stop), task }
    }

    /// Gives the sign to stop and does not wait.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the server has returned.
    pub(crate) async fn stopped(self) {
        self.task.await.unwrap();
    }
}
