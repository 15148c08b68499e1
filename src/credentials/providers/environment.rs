//! The key in the process's environment.
//!
//! Function Compute sets the role's key there when an instance starts, and does not document a renewal in a
//! running process. A temporary key there has no end, so it is used for a fixed time from the start: 36 hours,
//! the lifetime of the platform's keys.

use std::sync::Arc;
use std::time::Duration;

use crate::credentials::{Credentials, CredentialsError};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The lifetime of Function Compute's role keys.
pub const ROLE_KEY_LIFETIME: Duration = Duration::from_hours(36);

/// The key that the process has started with.
#[derive(Clone, Debug)]
pub struct EnvironmentCredentials {
    credentials: Arc<Credentials>,
}

impl EnvironmentCredentials {
    /// With a token, the key is a temporary one that ends `lifetime` after `started`.
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

    /// Returns whether the key belongs to a user rather than to a role: it has neither token nor end.
    #[must_use]
    pub fn is_long_lived(&self) -> bool {
        self.credentials.token.is_none()
    }

    /// Returns the key if it is usable at `now`.
    pub fn read(&self, now: Timestamp) -> Result<Arc<Credentials>, CredentialsError> {
        match self.credentials.usable_until {
            Some(end) if end <= now => Err(CredentialsError::Expired),
            _ => Ok(Arc::clone(&self.credentials)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(token: Option<&str>) -> EnvironmentCredentials {
        let started = Timestamp::from_unix(1_000).unwrap();
        EnvironmentCredentials::new(
            "id".into(),
            Secret::new("s"),
            token.map(Secret::new),
            started,
            Duration::from_secs(100),
        )
    }

    #[test]
    fn a_temporary_key_is_refused_after_its_end() {
        let at = |seconds| key(Some("t")).read(Timestamp::from_unix(seconds).unwrap());
        assert_eq!(at(1_099).unwrap().usable_until, Timestamp::from_unix(1_100));
        assert_eq!(at(1_100).unwrap_err(), CredentialsError::Expired);
    }

    #[test]
    fn a_long_lived_key_has_no_end() {
        let provided = key(None).read(Timestamp::from_unix(1_000_000_000).unwrap());
        assert_eq!(provided.unwrap().usable_until, None);
    }
}
