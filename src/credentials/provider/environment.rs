//! The key in the process's environment.
//!
//! On Function Compute the platform puts the role's key there when an instance starts, and nothing
//! says that it is ever renewed in a live process. A temporary key there carries no end, so it is
//! counted on for a set time from the start: 36 hours, which is how long the platform mints it for.

use std::sync::Arc;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::credentials::Unavailable;
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long Function Compute's role keys live.
pub const ROLE_KEY_LIFETIME: Duration = Duration::from_hours(36);

/// The key that the process was started with.
#[derive(Clone, Debug)]
pub struct EnvironmentKey {
    credentials: Arc<Credentials>,
}

impl EnvironmentKey {
    /// Keeps a key; with a token it is a temporary one that ends `lifetime` after `started`.
    #[must_use]
    pub fn new(
        key_id: String,
        secret: Secret,
        token: Option<Secret>,
        started: Timestamp,
        lifetime: Duration,
    ) -> Self {
        let usable_until = token.as_ref().map(|_| started.plus(lifetime));
        Self { credentials: Arc::new(Credentials { key_id, secret, token, usable_until }) }
    }

    /// Tells whether the key belongs to a user rather than to a role: it has no token and no end.
    #[must_use]
    pub fn is_long_lived(&self) -> bool {
        self.credentials.token.is_none()
    }

    /// Gives the key, if it can still be used.
    pub fn read(&self, now: Timestamp) -> Result<Arc<Credentials>, Unavailable> {
        match self.credentials.usable_until {
            Some(end) if end <= now => Err(Unavailable::Expired),
            _ => Ok(Arc::clone(&self.credentials)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(token: Option<&str>) -> EnvironmentKey {
        let started = Timestamp::from_unix(1_000).unwrap();
        EnvironmentKey::new(
            "id".into(),
            Secret::new("s"),
            token.map(Secret::new),
            started,
            Duration::from_secs(100),
        )
    }

    #[test]
    fn a_temporary_key_ends_and_is_then_refused() {
        let at = |seconds| key(Some("t")).read(Timestamp::from_unix(seconds).unwrap());
        assert_eq!(at(1_099).unwrap().usable_until, Timestamp::from_unix(1_100));
        assert_eq!(at(1_100).unwrap_err(), Unavailable::Expired);
    }

    #[test]
    fn a_long_lived_key_does_not_end() {
        let provided = key(None).read(Timestamp::from_unix(1_000_000_000).unwrap());
        assert_eq!(provided.unwrap().usable_until, None);
    }
}
