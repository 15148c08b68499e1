//! The gateway on a free port of the loopback, and functions to put behind it.

use std::net::SocketAddr;

use fc_emulator::Behind;
use fc_emulator::Function;
use fc_emulator::Gateway;
use fc_emulator::Keys;
use fc_emulator::Options;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// A function with role keys, reached by a custom domain.
pub(crate) fn options(upstream: SocketAddr) -> Options {
    Options {
        behind: Behind::Address(upstream),
        function: Function::new("signer", "cn-hangzhou"),
        keys: Some(Keys {
            access_key_id: "STS.id".to_owned(),
            access_key_secret: "marker-secret".to_owned(),
            security_token: "marker-token".to_owned(),
        }),
        default_domain: false,
    }
}

/// Serves a gateway until the test ends, and returns where.
pub(crate) async fn serve(gateway: Gateway) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(gateway.serve(listener, std::future::pending()));
    address
}

/// Returns an address at which nothing listens.
pub(crate) async fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Starts a function that answers the first request of each connection with the connection's
/// number, and the second by hanging up.
pub(crate) async fn hangs_up_at_the_second_request() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 64 * 1024];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.read(&mut request).await;
        }
    });
    address
}
