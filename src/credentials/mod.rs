//! Credentials to sign with: where they come from, how long they are used, and which role they have.
//!
//! ```text
//! CredentialSource ─┬─▶ BaseCredentials ─┬─▶ the request's keys, the environment's
//!                   │                    └─▶ cache ─▶ chain ─▶ one provider after the other
//!                   └─▶ a role: cache or session pool ─▶ AssumeRole with BaseCredentials ─▶ sts
//! ```
//!
//! | file | owns |
//! |---|---|
//! | `options` | the settings, and the source that is built from them |
//! | `source` | the function's own credentials, or those of a role that it takes |
//! | `cache` | one set of credentials, kept while it is usable |
//! | `session` | a set for each caller: a bounded pool |
//! | `session_policy` | the policy that narrows a session |
//! | `assume_role` | a role, taken with other credentials |
//! | `chain`, `providers` | the places where credentials can come from, and their order |
//! | `sts` | requests to STS |
//!
//! A provider returns credentials, "not configured here", or "configured, but failing". Credentials past
//! their end are never returned. There is no background task, because an instance that is frozen between
//! requests does not run one: whatever has to be fresh is checked when a request needs it.

pub mod assume_role;
pub mod cache;
pub mod chain;
pub mod options;
pub mod providers;
pub mod session;
pub mod session_policy;
pub mod source;
pub mod sts;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::net::HttpClient;
use crate::secret::Secret;
use crate::time::Timestamp;

/// An access key, with its token if it is a temporary one.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key's id. Not a secret: every form contains it.
    pub key_id: String,
    /// The access key's secret.
    pub secret: Secret,
    /// The security token of a temporary key.
    pub token: Option<Secret>,
    /// From this moment on OSS rejects the key; `None` for a long-lived key.
    pub usable_until: Option<Timestamp>,
}

/// The function role's keys, as the platform adds them to a request.
#[derive(Clone, Debug)]
pub struct PlatformKeys {
    /// The access key's id.
    pub key_id: String,
    /// The access key's secret.
    pub secret: Secret,
    /// The security token.
    pub token: Secret,
}

/// The reason why there are no credentials to sign with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsError {
    /// No source has a key; the text names each source and its reason.
    Missing(String),
    /// The key in the environment has expired: start a new instance.
    Expired,
    /// A source is configured and fails for now.
    Failing {
        /// The source and its error.
        reason: String,
        /// Pause before the next attempt.
        retry_after: Duration,
    },
}

/// One fetch of credentials.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest<'a> {
    /// The keys in the headers of the request that is waiting.
    pub platform_keys: Option<&'a PlatformKeys>,
    /// The wall clock, read once for the request that is waiting.
    pub now: Timestamp,
    /// Limit for all attempts together.
    pub timeout: Duration,
}

/// The clock of one fetch. The wall clock is read once, for the request that waits; from then on time is
/// measured, so that a second attempt does not carry the time of the first.
#[derive(Clone, Copy, Debug)]
struct FetchDeadline {
    started: Instant,
    now: Timestamp,
    timeout: Duration,
}

impl FetchDeadline {
    fn start(request: FetchRequest<'_>) -> Self {
        Self { started: Instant::now(), now: request.now, timeout: request.timeout }
    }

    /// Returns the time of day.
    fn now(&self) -> Timestamp {
        self.now.plus(self.started.elapsed())
    }

    /// Returns the time that is left.
    fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    /// Returns `request` with the time of now and what is left of its limit, for another provider.
    fn remaining<'a>(&self, request: FetchRequest<'a>) -> FetchRequest<'a> {
        FetchRequest { now: self.now(), timeout: self.left(), ..request }
    }

    /// Cancels a fetch that takes longer than its limit.
    async fn limit(
        &self,
        fetch: impl Future<Output = Result<Credentials, ProviderError>>,
    ) -> Result<Credentials, ProviderError> {
        let late = || Err(ProviderError::temporary("no answer in time"));
        tokio::time::timeout(self.left(), fetch).await.unwrap_or_else(|_| late())
    }
}

/// Credentials that are being fetched.
pub type FetchFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, ProviderError>> + Send + 'a>>;

/// One place where credentials can come from. It fetches each time; `cache` keeps what it returns.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Returns the name in errors and in the log.
    fn name(&self) -> &'static str;

    /// Fetches credentials.
    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a>;
}

/// The reason why a provider returns no credentials. Its text never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    /// What the chain and the cache do about it.
    pub kind: ProviderErrorKind,
    /// What happened and what to do, as part of a sentence.
    pub reason: String,
}

/// What a provider's error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// The provider is not configured here: the next one is used.
    Absent,
    /// It is configured, and another attempt may succeed soon.
    Temporary,
    /// It is configured wrongly, and the configuration has to be changed.
    Permanent,
}

impl ProviderError {
    /// The provider is not configured here.
    pub fn absent(reason: impl Into<String>) -> Self {
        Self { kind: ProviderErrorKind::Absent, reason: reason.into() }
    }

    /// Another attempt may succeed.
    pub fn temporary(reason: impl Into<String>) -> Self {
        Self { kind: ProviderErrorKind::Temporary, reason: reason.into() }
    }

    /// The provider is configured wrongly.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self { kind: ProviderErrorKind::Permanent, reason: reason.into() }
    }
}

/// For a provider that needs the credentials of a source.
impl From<CredentialsError> for ProviderError {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::Missing(reason) => Self::absent(reason),
            CredentialsError::Expired => Self::permanent(
                "the key in the environment has reached its end; start a new instance",
            ),
            CredentialsError::Failing { reason, .. } => Self::temporary(reason),
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for ProviderError {}

pub use crate::crypto::RandomSource;

/// The network and the randomness of providers.
#[derive(Clone)]
pub struct ProviderContext {
    /// The client for all requests.
    pub http: Arc<dyn HttpClient>,
    /// Randomness for nonces and pauses.
    pub random: RandomSource,
}

impl fmt::Debug for ProviderContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProviderContext").field("http", &self.http).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod test_provider;
