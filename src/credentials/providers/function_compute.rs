//! The function role's keys, as Function Compute adds them to each request.
//!
//! The platform removes `x-fc-*` headers of clients, so the keys are its own. A forged key would only make a form
//! that OSS refuses. But a malformed one must not deny service, so keys that do not look like a role's are
//! ignored and the next source is used.

use std::time::Duration;

use crate::credentials::{Credentials, PlatformKeys};
use crate::time::Timestamp;

/// How long keys that have just arrived are used.
///
/// The platform does not state their end. They live for 36 hours, and a request may run for 24 hours with the
/// keys in its headers, so these are usable for at least 24 hours.
const MIN_REMAINING: Duration = Duration::from_hours(24);

/// The beginning of every temporary key's id.
const TEMPORARY_PREFIX: &str = "STS.";

/// Returns the keys of a request if they look like a role's.
#[must_use]
pub fn read(platform_keys: Option<&PlatformKeys>, now: Timestamp) -> Option<Credentials> {
    let keys = platform_keys.filter(|keys| is_plausible(keys))?;
    Some(Credentials {
        key_id: keys.key_id.clone(),
        secret: keys.secret.clone(),
        token: Some(keys.token.clone()),
        usable_until: Some(now.plus(MIN_REMAINING)),
    })
}

fn is_plausible(keys: &PlatformKeys) -> bool {
    let id = keys.key_id.strip_prefix(TEMPORARY_PREFIX).unwrap_or_default();
    let id_is_clean =
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    // A token is long. Without a way out of the loop, it checks many bytes at a time.
    let is_clean =
        |text: &str| text.bytes().fold(!text.is_empty(), |all, byte| all & byte.is_ascii_graphic());
    id_is_clean && is_clean(keys.secret.expose()) && is_clean(keys.token.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn provided(id: &str, secret: &str, token: &str) -> bool {
        let keys = PlatformKeys {
            key_id: id.into(),
            secret: Secret::new(secret),
            token: Secret::new(token),
        };
        let now = Timestamp::from_unix(0).unwrap();
        read(Some(&keys), now).is_some()
    }

    #[test]
    fn a_temporary_key_is_used_and_a_malformed_one_is_ignored() {
        assert!(provided("STS.NUexample", "secret", "token=="));
        assert!(!provided("LTAI5tExample", "secret", "token"));
        assert!(!provided("STS.", "secret", "token"));
        assert!(!provided("STS.a/20240101", "secret", "token"));
        assert!(!provided("STS.a", "", "token"));
        assert!(!provided("STS.a", "secret", "to ken"));
        assert!(read(None, Timestamp::from_unix(0).unwrap()).is_none());
    }
}
