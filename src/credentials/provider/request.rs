//! The function role's keys, as Function Compute adds them to each request.
//!
//! The platform drops `x-fc-*` headers of clients, so what arrives is its own. A forged key would
//! only make a form that OSS refuses; what must not happen is that garbage denies service, so
//! whatever does not look like a role's key counts as absent and the next source is asked.

use std::time::Duration;

use crate::credentials::Credentials;
use crate::credentials::RoleKeys;
use crate::time::Timestamp;

/// How long keys that have just arrived are counted on.
///
/// The platform does not say when they end. It mints them for 36 hours and lets a request run for
/// 24, with the keys it came with; so 24 hours is what a request can count on.
const LEAST_REMAINING: Duration = Duration::from_hours(24);

/// How the id of every temporary key begins.
const TEMPORARY_PREFIX: &str = "STS.";

/// Gives the keys that came with the request, if they look like a role's.
#[must_use]
pub fn read(hint: Option<&RoleKeys>, now: Timestamp) -> Option<Credentials> {
    let keys = hint.filter(|keys| is_plausible(keys))?;
    Some(Credentials {
        key_id: keys.key_id.clone(),
        secret: keys.secret.clone(),
        token: Some(keys.token.clone()),
        usable_until: Some(now.plus(LEAST_REMAINING)),
    })
}

fn is_plausible(keys: &RoleKeys) -> bool {
    let id = keys.key_id.strip_prefix(TEMPORARY_PREFIX).unwrap_or_default();
    let id_is_clean =
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    // A token is long, and these look at many bytes at a time; what came in a header holds no other
    // control character than a tab.
    let is_clean = |text: &str| {
        let bytes = text.as_bytes();
        !bytes.is_empty() && bytes.is_ascii() && !bytes.contains(&b' ') && !bytes.contains(&b'\t')
    };
    id_is_clean && is_clean(keys.secret.expose()) && is_clean(keys.token.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn provided(id: &str, secret: &str, token: &str) -> bool {
        let keys =
            RoleKeys { key_id: id.into(), secret: Secret::new(secret), token: Secret::new(token) };
        let now = Timestamp::from_unix(0).unwrap();
        read(Some(&keys), now).is_some()
    }

    #[test]
    fn a_temporary_key_is_taken_and_garbage_counts_as_absent() {
        assert!(provided("STS.NUexample", "secret", "token=="));
        assert!(!provided("LTAI5tExample", "secret", "token"));
        assert!(!provided("STS.", "secret", "token"));
        assert!(!provided("STS.a/20240101", "secret", "token"));
        assert!(!provided("STS.a", "", "token"));
        assert!(!provided("STS.a", "secret", "to ken"));
        assert!(read(None, Timestamp::from_unix(0).unwrap()).is_none());
    }
}
