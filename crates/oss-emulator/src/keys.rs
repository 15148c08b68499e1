//! The keys that are known in the local cloud, and the ring that its services share.
//!
//! A service takes the whole ring at each request, so what STS issues works in OSS at once. Whether
//! a key has expired is for the service to say, by its own clock; the ring has none.

use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::ram::Permissions;

/// Says whose key it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Holder {
    /// The account itself; it may do everything but assume a role.
    Root,
    /// A RAM user.
    #[default]
    User,
    /// A session of the role with this ARN.
    Role(String),
}

/// Holds a key that may sign: a long-term one, or a temporary one with its token.
#[derive(Clone)]
pub struct AccessKey {
    /// The id that requests carry.
    pub id: String,
    /// The secret that signs.
    pub secret: String,
    /// The token that must come along with a temporary key.
    pub security_token: Option<String>,
    /// The Unix second from which the key no longer works.
    pub expires_at: Option<i64>,
    /// What the key may do; none means everything.
    pub permissions: Option<Permissions>,
    /// Whose key it is.
    pub holder: Holder,
}

impl AccessKey {
    /// Makes a user's long-term key, which may do everything.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: secret.into(),
            security_token: None,
            expires_at: None,
            permissions: None,
            holder: Holder::User,
        }
    }

    /// Says whether the key may do this.
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
            .field("holder", &self.holder)
            .finish()
    }
}

/// Holds the keys of a local cloud; its clones are the same ring.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<RwLock<Arc<Vec<AccessKey>>>>);

impl KeyRing {
    /// Returns all keys as they are now.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<AccessKey>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a key; one with the same id and token is replaced.
    pub fn add(&self, key: AccessKey) {
        self.change(|keys| {
            let same =
                |one: &AccessKey| one.id == key.id && one.security_token == key.security_token;
            keys.retain(|one| !same(one));
            keys.push(key);
        });
    }

    /// Forgets what has expired before this moment, so that a long run does not grow.
    pub fn forget(&self, before: i64) {
        let over = |key: &AccessKey| key.expires_at.is_some_and(|end| end < before);
        if self.all().iter().any(over) {
            self.change(|keys| keys.retain(|key| !over(key)));
        }
    }

    /// Changes the list; who holds an older one keeps it as it was.
    fn change(&self, change: impl FnOnce(&mut Vec<AccessKey>)) {
        // A panic elsewhere cannot leave a list half changed, so a poisoned lock is still good.
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
    fn a_clone_is_the_same_ring_and_a_list_once_taken_stays() {
        let ring: KeyRing = [key("one", None)].into_iter().collect();
        let before = ring.all();
        ring.clone().add(key("two", None));
        assert_eq!(ids(&ring.all()), ["one", "two"]);
        assert_eq!(ids(&before), ["one"]);
    }

    #[test]
    fn a_key_that_comes_again_replaces_itself_and_no_other_token() {
        let token =
            |token: &str| AccessKey { security_token: Some(token.to_owned()), ..key("one", None) };
        let ring: KeyRing = [token("a"), token("b"), token("a")].into_iter().collect();
        assert_eq!(ids(&ring.all()), ["one", "one"]);
    }

    #[test]
    fn what_has_long_expired_is_forgotten() {
        let ring: KeyRing =
            [key("old", Some(9)), key("new", Some(10)), key("ever", None)].into_iter().collect();
        ring.forget(10);
        assert_eq!(ids(&ring.all()), ["new", "ever"]);
    }

    #[test]
    fn debug_shows_neither_secret_nor_token() {
        let key = AccessKey { security_token: Some("marker-token".to_owned()), ..key("id", None) };
        let ring: KeyRing = [key].into_iter().collect();
        let text = format!("{ring:?}");
        assert!(text.contains("\"id\""));
        assert!(!text.contains("marker"));
    }
}
