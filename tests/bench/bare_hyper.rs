//! The yardstick: a bare hyper server that answers every request with as many fixed bytes as the
//! function does. One thread, no routing, no log, no limits.
//!
//! Usage: `bare_hyper PORT BODY_BYTES`
#![expect(clippy::unwrap_used, reason = "a yardstick that breaks should say so at once")]

use std::convert::Infallible;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{Response, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let port = u16::try_from(arguments.next().unwrap()).unwrap();
    let body = Bytes::from(vec![b'x'; arguments.next().unwrap()]);
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let body = body.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |_| {
                let response = Response::builder()
                    .header(header::CONTENT_TYPE, "application/json")
                    .header(header::CACHE_CONTROL, "no-store")
                    .header(header::VARY, "Origin")
                    .body(Full::new(body.clone()));
                async move { Ok::<_, Infallible>(response.unwrap()) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
