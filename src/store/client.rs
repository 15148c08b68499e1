//! The client of the store: one command at a time with its limit, and a pause after a failure.
//!
//! A failure is logged once, and then nothing is sent for [`PAUSE`]: a request must not wait for a store that does not
//! answer. The first command after the pause opens a new connection.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{Cmd, FromRedisValue};
use rustls_pki_types::CertificateDer;
use tokio::time::{Instant, timeout};

use crate::crypto;
use crate::crypto::{Digest, RandomSource};
use crate::store::connection::StoreConnection;
use crate::store::error::SharedStoreError;
use crate::store::url::StoreUrl;
use crate::time::Timestamp;

/// The default limit of one command.
const TIME_LIMIT: Duration = Duration::from_millis(50);

/// The default limit of a new connection, in addition. A TLS handshake takes several round trips, and its computation
/// takes some ten milliseconds on a twentieth of a core. A connection serves many commands.
const CONNECT_LIMIT: Duration = Duration::from_millis(250);

/// How long nothing is sent after a failure.
pub const PAUSE: Duration = Duration::from_secs(2);

/// A connection that was not used for so long is replaced. While an instance is frozen, a load balancer may drop the
/// connection, and no command would ever be answered on it. The wall clock counts, because the other one may stop too.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// The beginning of every name in the store. In a cluster, the part in braces decides which server has the key, and a
/// script can only use keys of one server.
const PREFIX: &str = "{oss-upload}:";

/// What happens to a call that cannot be counted in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailureMode {
    /// The instance counts by itself.
    #[default]
    Local,
    /// The call is refused.
    Refuse,
}

impl FailureMode {
    /// Returns the word of the setting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Refuse => "refuse",
        }
    }
}

/// The settings of the store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address.
    pub url: StoreUrl,
    /// What happens if the store fails.
    pub failure: FailureMode,
    /// The authorities that sign the certificate of the store; none for the public ones.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The limit of one command.
    pub time_limit: Duration,
    /// The limit of a new connection.
    pub connect_limit: Duration,
}

impl Options {
    /// Returns the settings for an address, with the default values.
    #[must_use]
    pub fn new(url: StoreUrl) -> Self {
        let failure = FailureMode::default();
        let (time_limit, connect_limit) = (TIME_LIMIT, CONNECT_LIMIT);
        Self { url, failure, authorities: Vec::new(), time_limit, connect_limit }
    }
}

/// The store that all instances share.
pub struct SharedStore {
    options: Options,
    name_key: Digest,
    pub(super) random: RandomSource,
    /// Locked while a connection is being opened, so that there is one.
    connection: tokio::sync::Mutex<Option<OpenConnection>>,
    /// The end of the pause after the latest failure; `None` if the store has answered since.
    paused_until: Mutex<Option<Instant>>,
}

struct OpenConnection {
    connection: Arc<StoreConnection>,
    used_at: Timestamp,
}

/// A script, and the name under which the store keeps it.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(source: &'static str) -> Self {
        Self { source, hash: crypto::hex(&crypto::sha1(source.as_bytes())) }
    }
}

impl SharedStore {
    /// Opens no connection yet.
    #[must_use]
    pub fn new(options: Options, random: RandomSource) -> Self {
        let name_key = crypto::hmac_sha256(b"oss-upload-store", options.url.password().as_bytes());
        Self {
            options,
            name_key,
            random,
            connection: tokio::sync::Mutex::default(),
            paused_until: Mutex::default(),
        }
    }

    /// Returns what happens to a call that cannot be counted.
    #[must_use]
    pub fn failure(&self) -> FailureMode {
        self.options.failure
    }

    /// Returns the name in the store for some parts. It is a keyed hash, so that it says nothing about them.
    #[must_use]
    pub fn name(&self, parts: &[&str]) -> String {
        let mut message = Vec::new();
        for part in parts {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend(part.as_bytes());
        }
        let hash = crypto::hmac_sha256(self.name_key.as_slice(), &message);
        format!("{PREFIX}{}", crypto::hex(&hash[..16]))
    }

    /// Runs a script by its hash; with its source where the store does not have it yet.
    pub(super) async fn evaluate<T: FromRedisValue>(
        &self,
        script: &Script,
        names: &[String],
        arguments: &[String],
        now: Timestamp,
    ) -> Result<T, SharedStoreError> {
        let command = |verb: &str, script: &str| {
            let mut command = redis::cmd(verb);
            command.arg(script).arg(names.len()).arg(names).arg(arguments);
            command
        };
        match self.exchange(&command("EVALSHA", &script.hash), now).await {
            Err(SharedStoreError::ScriptUnknown) => {
                self.exchange(&command("EVAL", script.source), now).await
            }
            other => other,
        }
    }

    /// Sends one command and returns the answer.
    pub(super) async fn exchange<T: FromRedisValue>(
        &self,
        command: &Cmd,
        now: Timestamp,
    ) -> Result<T, SharedStoreError> {
        self.check_pause()?;
        let limit = self.options.time_limit + self.options.connect_limit;
        let answer = timeout(limit, self.send(command, now)).await;
        let answer = answer.unwrap_or(Err(SharedStoreError::TimedOut));
        match &answer {
            Err(error) if error.is_failure() => self.pause(error),
            Err(SharedStoreError::Paused) => {}
            Ok(_) | Err(_) => self.resume(),
        }
        answer
    }

    async fn send<T: FromRedisValue>(
        &self,
        command: &Cmd,
        now: Timestamp,
    ) -> Result<T, SharedStoreError> {
        loop {
            let (connection, is_new) = self.connection(now).await?;
            let answer = connection.send(command, self.options.time_limit).await;
            if !answer.as_ref().is_err_and(SharedStoreError::is_failure) {
                return answer;
            }
            self.discard(&connection);
            // The store closes a connection that is idle for long, and a frozen instance learns of it only now.
            if is_new || !matches!(answer, Err(SharedStoreError::Broken)) {
                return answer;
            }
        }
    }

    /// Returns the connection, and whether it was opened just now.
    async fn connection(
        &self,
        now: Timestamp,
    ) -> Result<(Arc<StoreConnection>, bool), SharedStoreError> {
        let mut slot = self.connection.lock().await;
        // While this call waited, another one may have failed to connect.
        self.check_pause()?;
        if let Some(open) = slot.as_mut().filter(|open| now.since(open.used_at) < IDLE_LIMIT) {
            open.used_at = now;
            return Ok((Arc::clone(&open.connection), false));
        }
        *slot = None;
        let Options { url, authorities, connect_limit, .. } = &self.options;
        let connection = Arc::new(StoreConnection::open(url, authorities, *connect_limit).await?);
        *slot = Some(OpenConnection { connection: Arc::clone(&connection), used_at: now });
        Ok((connection, true))
    }

    /// Drops a connection, unless it was replaced already.
    fn discard(&self, connection: &Arc<StoreConnection>) {
        // Whoever has the lock opens a connection or returns at once.
        if let Ok(mut slot) = self.connection.try_lock()
            && slot.as_ref().is_some_and(|open| Arc::ptr_eq(&open.connection, connection))
        {
            *slot = None;
        }
    }

    fn check_pause(&self) -> Result<(), SharedStoreError> {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| Instant::now() < until) {
            return Err(SharedStoreError::Paused);
        }
        Ok(())
    }

    /// Begins a pause, and logs the reason. Several calls can fail at once; the first one logs.
    fn pause(&self, error: &SharedStoreError) {
        let now = Instant::now();
        let mut until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| now < until) {
            return;
        }
        *until = Some(now + PAUSE);
        drop(until);
        let store = &self.options.url;
        match self.options.failure {
            FailureMode::Local => tracing::warn!(
                %store,
                "the shared store cannot be used: {error}; this instance counts by itself for 2 s"
            ),
            FailureMode::Refuse => tracing::warn!(
                %store,
                "the shared store cannot be used: {error}; calls that are counted are refused for 2 s"
            ),
        }
    }

    fn resume(&self) {
        let mut until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.take().is_some() {
            tracing::info!(store = %self.options.url, "the shared store answers again");
        }
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SharedStore")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
