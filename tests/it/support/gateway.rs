//! The gateway of `fc-emulator` on a free loopback port, and functions behind it.

use std::net::SocketAddr;

use fc_emulator::{Backend, Function, Gateway, GatewayOptions, RoleCredentials};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Options for a function with a role, at a custom domain.
pub(crate) fn options(upstream: SocketAddr) -> GatewayOptions {
    let function = Function::new("signer", "cn-hangzhou");
    let mut options = GatewayOptions::new(Backend::Address(upstream), function);
    options.credentials = Some(RoleCredentials {
        access_key_id: "STS.id".to_owned(),
        access_key_secret: "marker-secret".to_owned(),
        security_token: "marker-token".to_owned(),
    });
    options
}

/// Serves a gateway until the test ends, and returns its address.
pub(crate) async fn serve(gateway: Gateway) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(gateway.serve(listener, std::future::pending()));
    address
}

/// Starts a function that responds to the first request of each connection with the connection's
/// number, and closes the connection at the second one.
pub(crate) async fn closes_at_the_second_request() -> SocketAddr {
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
