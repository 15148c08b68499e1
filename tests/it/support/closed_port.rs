//! An address that refuses every connection.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of the loopback that is taken, and at which nothing listens: while it lives, no test that runs beside it
/// can be given the same port, and no process that is just being started can have inherited a listener of it.
pub(crate) struct ClosedPort {
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

impl ClosedPort {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { address: socket.local_addr().unwrap(), _socket: socket }
    }
}
