//! One connection to the store: name lookup, TCP, TLS, password, and the task that reads the answers.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisConnectionInfo};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::net;
use crate::store::error::SharedStoreError;
use crate::store::url::StoreUrl;

/// An open connection, on which several commands can wait for their answers at once.
pub(super) struct StoreConnection {
    commands: MultiplexedConnection,
    /// Sends commands and reads answers. It waits for the network and has no timer.
    driver: JoinHandle<()>,
}

impl StoreConnection {
    /// Connects, and sends the password, within a limit. `authorities` sign the certificate of the store; none for the
    /// public ones.
    pub(super) async fn open(
        url: &StoreUrl,
        authorities: &[CertificateDer<'static>],
        limit: Duration,
    ) -> Result<Self, SharedStoreError> {
        let end = Instant::now() + limit;
        let stream = timeout_at(end, net::connect(&url.host, url.port)).await;
        let stream = stream.unwrap_or_else(|_| Err(format!("not within {} ms", limit.as_millis())));
        let stream = stream.map_err(SharedStoreError::Unreachable)?;
        let started = if url.tls {
            // A server without TLS waits for the rest of what it takes for a command.
            let silent = SharedStoreError::Tls("no answer".to_owned());
            let stream = timeout_at(end, Self::shake_hands(stream, url, authorities)).await;
            timeout_at(end, Self::start(stream.unwrap_or(Err(silent))?, url)).await
        } else {
            timeout_at(end, Self::start(stream, url)).await
        };
        started.unwrap_or(Err(SharedStoreError::TimedOut))
    }

    async fn shake_hands(
        stream: TcpStream,
        url: &StoreUrl,
        authorities: &[CertificateDer<'static>],
    ) -> Result<TlsStream<TcpStream>, SharedStoreError> {
        let failed = |error: &dyn ToString| SharedStoreError::Tls(error.to_string());
        let config = net::tls_config_of(authorities).map_err(|error| failed(&error))?;
        let name = ServerName::try_from(url.host.clone()).map_err(|error| failed(&error))?;
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        connected.map_err(|error| failed(&error))
    }

    async fn start(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        url: &StoreUrl,
    ) -> Result<Self, SharedStoreError> {
        let mut info =
            RedisConnectionInfo::default().set_db(url.database.into()).set_skip_set_lib_name();
        if let Some(user) = &url.user {
            info = info.set_username(user);
        }
        if let Some(password) = &url.password {
            info = info.set_password(password.expose());
        }
        // The caller limits the time of a command, and of everything together.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (commands, driver) =
            MultiplexedConnection::new_with_config(&info, stream, config).await?;
        Ok(Self { commands, driver: tokio::spawn(driver) })
    }

    /// Sends one command and waits for its answer.
    pub(super) async fn send<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, SharedStoreError> {
        let mut commands = self.commands.clone();
        match timeout(limit, command.query_async(&mut commands)).await {
            Ok(answer) => answer.map_err(SharedStoreError::from),
            Err(_) => Err(SharedStoreError::TimedOut),
        }
    }
}

/// The task would wait for the answers of a silent store otherwise.
impl Drop for StoreConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
