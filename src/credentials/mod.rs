//! Whom the function signs as, and until when.
//!
//! One file per source; `chain` asks them in order. A source answers with credentials, with "not
//! mine" (`None`), or with "mine, but unusable". A credential past its end is never given out.
//! Nothing here runs by itself: an instance that is frozen between requests does not tick, so
//! whatever has to be fresh is looked at when a request asks.

pub mod chain;
pub mod environment;
pub mod request;

use std::sync::Arc;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// No source has a key: attach a role to the function, or set the key variables.
    Missing,
    /// The key in the environment has reached its end: start a new instance.
    Expired,
}

/// One place where credentials can come from.
pub trait Provider {
    /// Gives credentials that are usable at `now`, or `None` where this source has none.
    fn provide(
        &self,
        hint: Option<&RoleKeys>,
        now: Timestamp,
    ) -> Result<Option<Arc<Credentials>>, Unavailable>;
}
