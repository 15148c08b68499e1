//! A connection to a server that a test stops and cuts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of the bytes on their way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireState {
    /// They pass.
    Open,
    /// They wait.
    Stopped,
    /// Connections are closed, and new ones too.
    Cut,
}

/// Forwards connections to a server. It ends with its test.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    state: Arc<watch::Sender<WireState>>,
    passed: Arc<AtomicU64>,
}

impl Wire {
    /// Opens a line to a server. After `limit` bytes of all connections it changes to `then`.
    pub(crate) async fn to(server: SocketAddr, limit: u64, then: WireState) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, _) = watch::channel(WireState::Open);
        let (state, passed) = (Arc::new(state), Arc::new(AtomicU64::new(0)));
        let line = Self { address, state: Arc::clone(&state), passed: Arc::clone(&passed) };
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (state, passed) = (Arc::clone(&state), Arc::clone(&passed));
                tokio::spawn(async move {
                    let mut changes = state.subscribe();
                    let on_bytes = |count: u64| {
                        let before = passed.fetch_add(count, Ordering::Relaxed);
                        if before < limit && before + count >= limit {
                            state.send_replace(then);
                        }
                    };
                    tokio::select! {
                        () = forward(client, server, state.subscribe(), on_bytes) => {}
                        _ = changes.wait_for(|state| *state == WireState::Cut) => {}
                    }
                });
            }
        });
        line
    }

    pub(crate) fn set(&self, state: WireState) {
        self.state.send_replace(state);
    }

    pub(crate) fn is(&self, state: WireState) -> bool {
        *self.state.borrow() == state
    }

    /// Returns the number of bytes that have passed to the server.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

async fn forward(
    client: TcpStream,
    server: SocketAddr,
    mut state: watch::Receiver<WireState>,
    on_bytes: impl Fn(u64),
) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            if state.wait_for(|state| *state == WireState::Open).await.is_err()
                || to_server.write_all(&buffer[..count]).await.is_err()
            {
                return;
            }
            on_bytes(count as u64);
        }
        let _ = to_server.shutdown().await;
    };
    let back = async {
        let _ = copy(&mut from_server, &mut to_client).await;
    };
    tokio::join!(there, back);
}
