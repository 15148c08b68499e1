//! A token's first part: which algorithm and which key it claims. Nothing of it is believed; it only
//! says which of our own keys to try. Keys and addresses that a token brings along are never looked at.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::auth::error::AuthError;
use crate::auth::jwt::key::{Algorithm, Key};
use crate::crypto;

/// What a token says of its key.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
}

#[derive(Deserialize)]
struct Written {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl Head {
    /// Reads the head of a token in three parts.
    pub(super) fn read(token: &str) -> Result<Self, AuthError> {
        let mut parts = token.split('.');
        let (Some(head), Some(_), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(AuthError::TokenMalformed);
        };
        let bytes = crypto::from_base64_url(head).ok_or(AuthError::TokenMalformed)?;
        let written: Written =
            serde_json::from_slice(&bytes).map_err(|_| AuthError::TokenMalformed)?;
        // An extension that the issuer holds critical, and that nobody here knows.
        if written.crit.is_some() {
            return Err(AuthError::TokenMalformed);
        }
        let algorithm =
            Algorithm::parse(&written.alg).ok_or(AuthError::TokenAlgorithmNotAllowed)?;
        Ok(Self { algorithm, key_id: written.kid })
    }

    /// Selects the keys that could have signed this token.
    pub(super) fn select(&self, keys: &[Key]) -> Vec<Key> {
        keys.iter().filter(|key| self.fits(key)).cloned().collect()
    }

    /// Tells whether a key could have signed this token. An id that only one side has excludes nothing:
    /// keys in PEM have none.
    pub(super) fn fits(&self, key: &Key) -> bool {
        let same = match (&self.key_id, &key.id) {
            (Some(wanted), Some(id)) => wanted == id,
            _ => true,
        };
        same && key.algorithm() == self.algorithm
    }
}
