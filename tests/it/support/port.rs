//! Ports that no other test can be given.

use std::hash::{BuildHasher, RandomState};
use std::net::{SocketAddr, TcpListener};

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

/// Ports below the range from which the system takes free ones, so that no other test is given one while a server is
/// restarted.
const FIRST_PORT: u64 = 20_000;
const PORTS: u64 = 12_000;

/// Returns a port at which nothing listens, for a server whose port is an argument. Two tests may still draw the same one.
pub(crate) fn free_port() -> u16 {
    loop {
        let number = FIRST_PORT + RandomState::new().hash_one(()) % PORTS;
        let port = u16::try_from(number).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
