//! OSS's public keys: which addresses are believed, and what is kept of them.
//!
//! A call names the address of the key that it is to be verified with, so the address is where a forger would
//! begin. It has to begin with one that OSS documents, the slash behind the host included, and what
//! follows is the documented name of the file, `callback_pub_key_v1.pem`, or that of one of the versions up
//! to 99. So there is no port, no user, no query, no escape, no folder, and no host that only looks like the
//! right one. A redirect is a failure.
//!
//! Keys are fetched over HTTPS, whatever the call says, and kept. Every address that is believed has an entry of its
//! own, which no other address can take: there are 99 of them for a host, so there is nothing to evict, and whoever
//! invents addresses can neither keep the genuine key out nor have the function call out without end. A failed
//! fetch delays the next one for the same address only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;

use crate::cached_resource::{CachedResource, ResourceOptions, ResourceUnavailable};
use crate::callback::CallbackError;
use crate::callback::signed::SignedCallback;
use crate::crypto::public_key::{RsaPublicKey, pem_blocks, rsa_components};
use crate::net::{HttpClient, RequestLimits};
use crate::time::Timestamp;

/// Where OSS documents that its keys are.
const DOCUMENTED: [&str; 2] = ["https://gosspublic.alicdn.com/", "http://gosspublic.alicdn.com/"];

/// How long a key is good without asking again. The name of its file has a version, so it hardly changes;
/// a signature that it does not verify asks anew.
const MAX_AGE: Duration = Duration::from_hours(12);

/// What stands before and after the version in the documented name of a key's file.
const FILE: (&str, &str) = ("callback_pub_key_v", ".pem");

/// The highest version of a key that is believed. OSS has had version 1 for as long as it has documented callbacks.
const MAX_VERSION: u8 = 99;

/// A key takes half of the time at most, so that the rest is left for telling the back end.
const LIMITS: RequestLimits =
    RequestLimits { timeout: Duration::from_secs(2), max_body: 8 * 1024, use_proxy: true };

/// OSS's public keys.
#[derive(Debug)]
pub struct PublicKeys {
    prefixes: Vec<String>,
    resources: Mutex<Vec<Arc<CachedResource<RsaPublicKey>>>>,
}

impl PublicKeys {
    /// Will believe addresses that begin so; where none is named, the documented ones.
    #[must_use]
    pub fn new(prefixes: Vec<String>) -> Self {
        let documented = || DOCUMENTED.map(str::to_owned).into();
        let prefixes = if prefixes.is_empty() { documented() } else { prefixes };
        Self { prefixes, resources: Mutex::default() }
    }

    /// Reads the address of a key; returns `None` for one that is not believed.
    #[must_use]
    pub fn address(&self, text: &str) -> Option<Uri> {
        // Without the slash behind it, a host could go on.
        let whole = self.prefixes.iter().filter(|prefix| prefix.ends_with('/'));
        let begins = |text: &str| whole.clone().find(|prefix| text.starts_with(*prefix));
        let file = text.strip_prefix(begins(text)?.as_str())?;
        let version = file.strip_prefix(FILE.0)?.strip_suffix(FILE.1)?;
        // Written as a number is written, so that one key has one address.
        let number: u8 = version.parse().ok()?;
        if !(1..=MAX_VERSION).contains(&number) || number.to_string() != version {
            return None;
        }
        let safe = text.strip_prefix("http://").map(|rest| format!("https://{rest}"));
        // A key on this machine has no safe address beside its own.
        safe.filter(|safe| begins(safe).is_some()).as_deref().unwrap_or(text).parse().ok()
    }

    /// Verifies the signature of a callback. A signature that does not fit may be that of a new key under the same
    /// address, so the key is fetched again.
    pub(super) async fn verify(
        &self,
        callback: &SignedCallback,
        key_url: &Uri,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<(), CallbackError> {
        let unavailable = |error: ResourceUnavailable| CallbackError::KeyUnavailable {
            retry_after: error.retry_after,
        };
        let resource = self.resource(key_url);
        let key = resource.get(now, http).await.map_err(unavailable)?;
        if key.verify_md5(&callback.signed, &callback.signature) {
            return Ok(());
        }
        let newer = resource.get_newer(&key, now, http).await.map_err(unavailable)?;
        if !Arc::ptr_eq(&key, &newer) && newer.verify_md5(&callback.signed, &callback.signature) {
            return Ok(());
        }
        Err(CallbackError::SignatureInvalid("the key has not signed this"))
    }

    /// Finds the resource of an address, or creates it. The address is one that [`Self::address`] has accepted,
    /// which bounds their number.
    fn resource(&self, uri: &Uri) -> Arc<CachedResource<RsaPublicKey>> {
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resource) = resources.iter().find(|resource| resource.uri() == uri) {
            return Arc::clone(resource);
        }
        let resource = Arc::new(CachedResource::new(ResourceOptions {
            name: "the public key of OSS",
            uri: uri.clone(),
            accept: "*/*",
            parse: read,
            max_age: MAX_AGE,
            limits: LIMITS,
        }));
        resources.push(Arc::clone(&resource));
        resource
    }
}

/// Reads a text that is one RSA key.
fn read(body: &[u8]) -> Option<RsaPublicKey> {
    let blocks = pem_blocks(str::from_utf8(body).ok()?)?;
    let [der] = &blocks[..] else { return None };
    let (modulus, exponent) = rsa_components(der)?;
    RsaPublicKey::new(modulus, exponent)
}
