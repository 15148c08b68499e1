//! Responses in the store that are given again when a call is repeated at another instance.
//!
//! A response is sealed with a key that comes from the secret id of what it answers, such as a receipt. The store knows
//! neither the id nor the key, so its operator cannot read the response, in which there are keys of objects.

use std::sync::LazyLock;
use std::time::Duration;

use crate::crypto;
use crate::store::client::{Script, SharedStore};
use crate::store::error::SharedStoreError;
use crate::time::Timestamp;

/// Claims a name, or returns what is stored at it. An empty value is a claim.
static CLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return false end \
         return redis.call('GET', KEYS[1])",
    )
});

/// The longest response that is stored, in bytes. The back ends of many uploads could fill the store otherwise.
const MAX_RESPONSE: usize = 8 * 1024;

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody else works on it.
    Made,
    /// Another instance works on it.
    Taken,
    /// The response that was given.
    Known(Vec<u8>),
}

impl SharedStore {
    /// Claims the work on something that is to be done once; `id` is secret. The claim ends after `lifetime`.
    pub async fn claim(
        &self,
        id: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Claim, SharedStoreError> {
        let lifetime = lifetime.as_millis().max(1).to_string();
        let names = [self.response_name(id)];
        let found: Option<Vec<u8>> = self.evaluate(&CLAIM, &names, &[lifetime], now).await?;
        match found {
            None => Ok(Claim::Made),
            Some(empty) if empty.is_empty() => Ok(Claim::Taken),
            Some(sealed) => crypto::open(&seal_key(id), &sealed)
                .map(Claim::Known)
                .ok_or(SharedStoreError::Malformed),
        }
    }

    /// Ends a claim without a response, so that the work can be tried again at once.
    pub async fn release(&self, id: &str, now: Timestamp) -> Result<(), SharedStoreError> {
        let mut command = redis::cmd("DEL");
        command.arg(self.response_name(id));
        self.exchange::<i64>(&command, now).await.map(drop)
    }

    /// Stores a response for `lifetime`. A response that is too long is forgotten, and its claim ends.
    pub async fn remember(
        &self,
        id: &str,
        response: &[u8],
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(), SharedStoreError> {
        if response.len() > MAX_RESPONSE {
            return self.release(id, now).await;
        }
        let random = (self.random)().map_err(|_| SharedStoreError::NoRandomness)?;
        let sealed =
            crypto::seal(&seal_key(id), &random, response).ok_or(SharedStoreError::Malformed)?;
        let mut command = redis::cmd("SET");
        let millis = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX).max(1);
        command.arg(self.response_name(id)).arg(sealed).arg("PX").arg(millis);
        self.exchange::<String>(&command, now).await.map(drop)
    }

    /// Returns a response that was stored.
    pub async fn recall(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, SharedStoreError> {
        let mut command = redis::cmd("GET");
        command.arg(self.response_name(id));
        let sealed: Option<Vec<u8>> = self.exchange(&command, now).await?;
        let Some(sealed) = sealed.filter(|sealed| !sealed.is_empty()) else { return Ok(None) };
        crypto::open(&seal_key(id), &sealed).map(Some).ok_or(SharedStoreError::Malformed)
    }

    fn response_name(&self, id: &str) -> String {
        self.name(&["response", id])
    }
}

/// Returns the key that seals the response, which nobody without the id can compute.
fn seal_key(id: &str) -> crypto::Digest {
    crypto::hmac_sha256(id.as_bytes(), b"oss-upload-response")
}
