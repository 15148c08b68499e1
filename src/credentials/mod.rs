//! Whom the function signs as, and until when.
//!
//! ```text
//! broker ─┬─▶ own ─┬─▶ the request's keys, the environment's
//!         │        └─▶ cache ─▶ chain ─▶ provider, one after the other
//!         └─▶ a role: cache or sessions ─▶ AssumeRole with the key of `own` ─▶ sts
//! ```
//!
//! | file | owns |
//! |---|---|
//! | `sources` | what the settings say, put together |
//! | `broker` | the function itself, or a role that it takes |
//! | `own` | the function's own identity |
//! | `cache` | one set of keys, kept as long as it is good |
//! | `sessions` | a set for each caller: bounded, and never too many at once |
//! | `chain` | the sources in their order |
//! | `provider` | the sources, one file each |
//! | `sts` | the calls that take a role |
//! | `scope` | the session policy that narrows it |
//!
//! A source answers with credentials, with "not set up here", or with "set up, but it does not
//! work". A credential past its end is never given out. Nothing here runs by itself: an instance
//! that is frozen between requests does not tick, so whatever has to be fresh is looked at when a
//! request asks.

pub mod broker;
pub mod cache;
pub mod chain;
pub mod own;
pub mod provider;
pub mod scope;
pub mod sessions;
pub mod sources;
pub mod sts;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::net::HttpClient;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A key, and the token that belongs to it if it is a temporary one.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key's id; no secret, it stands in every form.
    pub key_id: String,
    /// The access key's secret.
    pub secret: Secret,
    /// The security token of a temporary key.
    pub token: Option<Secret>,
    /// The moment from which on OSS will no longer know the key; none for a long-lived key.
    pub usable_until: Option<Timestamp>,
}

/// The role's keys as a request brought them: a hint, not to be trusted further than a key can be.
#[derive(Clone, Debug)]
pub struct RoleKeys {
    /// The access key's id.
    pub key_id: String,
    /// The access key's secret.
    pub secret: Secret,
    /// The security token.
    pub token: Secret,
}

/// Says why there is nothing to sign with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// No source has a key; the text names each and why it passed.
    Missing(String),
    /// The key in the environment has reached its end: start a new instance.
    Expired,
    /// The source has a key to give and did not, for now; the text says why.
    Failing {
        /// Which source, and what it said.
        reason: String,
        /// When to ask again.
        retry_after: Duration,
    },
}

/// What a provider is sent out with.
#[derive(Clone, Copy, Debug)]
pub struct Errand<'a> {
    /// The keys that came with the request that is waiting.
    pub hint: Option<&'a RoleKeys>,
    /// The one reading of the clock.
    pub now: Timestamp,
    /// How long it may take, all attempts together.
    pub patience: Duration,
}

/// Credentials that are under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Credentials, Failure>> + Send + 'a>>;

/// One place where credentials can come from. Asked anew for each set of credentials: what it has
/// given before is kept by `cache`, not here.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Names the source, as a failure and the log name it.
    fn name(&self) -> &'static str;

    /// Fetches credentials.
    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a>;
}

/// Says why a provider has nothing. Its text never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What that means for the chain and the cache.
    pub kind: FailureKind,
    /// What happened and what to do, as part of a sentence.
    pub reason: String,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// This source is not set up here: the next one may be asked.
    Absent,
    /// It is set up, and trying again soon may help.
    Temporary,
    /// It is set up wrongly, and somebody has to mend it.
    Permanent,
}

impl Failure {
    /// Says that a source is not set up here.
    pub fn absent(reason: impl Into<String>) -> Self {
        Self { kind: FailureKind::Absent, reason: reason.into() }
    }

    /// Says that a source may work when it is tried again.
    pub fn temporary(reason: impl Into<String>) -> Self {
        Self { kind: FailureKind::Temporary, reason: reason.into() }
    }

    /// Says that a source is set up wrongly.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self { kind: FailureKind::Permanent, reason: reason.into() }
    }
}

/// For a source that stands on another one.
impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Missing(reason) => Self::absent(reason),
            Unavailable::Expired => Self::permanent(
                "the key in the environment has reached its end; start a new instance",
            ),
            Unavailable::Failing { reason, .. } => Self::temporary(reason),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

/// Returns sixteen random bytes; an argument, so that tests can fix it.
pub type RandomSource = Arc<dyn Fn() -> Result<[u8; 16], getrandom::Error> + Send + Sync>;

/// What providers reach the world with.
#[derive(Clone)]
pub struct Means {
    /// The network.
    pub http: Arc<dyn HttpClient>,
    /// Randomness, for nonces.
    pub draw: RandomSource,
}

impl fmt::Debug for Means {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Means").field("http", &self.http).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod scripted;
