//! Access keys, and the key ring that the local services share.
//!
//! A service reads the whole ring for each request, so a key that STS issues works in OSS at once.
//! The ring has no clock: each service checks by its own clock whether a key has expired.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::ram::Permissions;

/// The owner of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyOwner {
    /// The account itself. It may do everything except assume a role.
    Root,
    /// A RAM user.
    #[default]
    User,
    /// A session of the role with this ARN.
    Role(String),
}

/// A key that may sign: a long-term key, or a temporary key with its token.
#[derive(Clone)]
pub struct AccessKey {
    /// The access key id that requests carry.
    pub id: String,
    /// The access key secret.
    pub secret: String,
    /// The token that must accompany a temporary key.
    pub security_token: Option<String>,
    /// The Unix second from which the key is invalid.
    pub expires_at: Option<i64>,
    /// The key's permissions; `None` allows everything.
    pub permissions: Option<Permissions>,
    /// The owner of the key.
    pub owner: KeyOwner,
}

impl AccessKey {
    /// Creates a user's long-term key that may do everything.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: secret.into(),
            security_token: None,
            expires_at: None,
            permissions: None,
            owner: KeyOwner::User,
        }
    }

    /// Returns whether the key may do this action on this resource.
    #[must_use]
    pub fn may(&self, action: &str, resource: &str) -> bool {
        self.permissions.as_ref().is_none_or(|permissions| permissions.allow(action, resource))
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.security_token.as_ref().map(|_| "…");
        formatter
            .debug_struct("AccessKey")
            .field("id", &self.id)
            .field("secret", &"…")
            .field("security_token", &token)
            .field("expires_at", &self.expires_at)
            .field("permissions", &self.permissions)
            .field("holder", &self.owner)
            .finish()
    }
}

/// The keys that the services know. Clones share one ring.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<RwLock<Arc<Vec<AccessKey>>>>);

impl KeyRing {
    /// Returns a snapshot of all keys.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<AccessKey>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a key. A key with the same id and token is replaced.
    pub fn add(&self, key: AccessKey) {
        self.change(|keys| {
            let same =
                |one: &AccessKey| one.id == key.id && one.security_token == key.security_token;
            keys.retain(|one| !same(one));
            keys.push(key);
        });
    }

    /// Removes keys that expired before this Unix second, so that the ring does not grow in a long
    /// run.
    pub fn remove_expired(&self, before: i64) {
        let over = |key: &AccessKey| key.expires_at.is_some_and(|end| end < before);
        if self.all().iter().any(over) {
            self.change(|keys| keys.retain(|key| !over(key)));
        }
    }

    /// Changes the list. Snapshots taken earlier do not change.
    fn change(&self, change: impl FnOnce(&mut Vec<AccessKey>)) {
        // A panic cannot leave the list half changed, so the data of a poisoned lock is still
        // consistent.
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut keys));
    }
}

impl FromIterator<AccessKey> for KeyRing {
    fn from_iter<I: IntoIterator<Item = AccessKey>>(keys: I) -> Self {
        let ring = Self::default();
        keys.into_iter().for_each(|key| ring.add(key));
        ring
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("KeyRing").field(&self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, expires_at: Option<i64>) -> AccessKey {
        AccessKey { expires_at, ..AccessKey::new(id, "marker-secret") }
    }

    fn ids(keys: &[AccessKey]) -> Vec<&str> {
        keys.iter().map(|key| key.id.as_str()).collect()
    }

    #[test]
    fn clones_share_the_ring_and_snapshots_do_not_change() {
        let ring: KeyRing = [key("one", None)].into_iter().collect();
        let before = ring.all();
        ring.clone().add(key("two", None));
        assert_eq!(ids(&ring.all()), ["one", "two"]);
        assert_eq!(ids(&before), ["one"]);
    }

    #[test]
    fn a_key_replaces_one_with_the_same_id_and_token_only() {
        let token =
            |token: &str| AccessKey { security_token: Some(token.to_owned()), ..key("one", None) };
        let ring: KeyRing = [token("a"), token("b"), token("a")].into_iter().collect();
        assert_eq!(ids(&ring.all()), ["one", "one"]);
    }

    #[test]
    fn expired_keys_are_removed() {
        let ring: KeyRing =
            [key("old", Some(9)), key("new", Some(10)), key("ever", None)].into_iter().collect();
        ring.remove_expired(10);
        assert_eq!(ids(&ring.all()), ["new", "ever"]);
    }

    #[test]
    fn debug_output_contains_neither_secret_nor_token() {
        let key = AccessKey { security_token: Some("marker-token".to_owned()), ..key("id", None) };
        let ring: KeyRing = [key].into_iter().collect();
        let text = format!("{ring:?}");
        assert!(text.contains("\"id\""));
        assert!(!text.contains("marker"));
    }
}
