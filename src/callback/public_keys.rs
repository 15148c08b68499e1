//! OSS's public keys: which URLs are accepted, and the cache.
//!
//! A callback names the URL of the key that verifies it, so an attacker would begin there. The URL has to begin with
//! one that OSS documents, including the slash after the host. The rest has to be the documented file name,
//! `callback_pub_key_v1.pem`, or that of another version up to 99. So the URL has no port, no user, no query, no
//! escape, no directory, and no host that only resembles the right one. A redirect is an error.
//!
//! Keys are fetched over HTTPS, whatever the callback says, and cached. Every accepted URL has an entry of its own,
//! which no other URL can replace. There are 99 of them for each host, so nothing has to be evicted: a client that
//! invents URLs can neither remove the genuine key nor cause unlimited requests. A failed fetch delays the next one
//! for the same URL only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;

use crate::cached_resource::{CachedResource, ResourceOptions, ResourceUnavailable};
use crate::callback::CallbackError;
use crate::callback::signed::SignedCallback;
use crate::crypto::public_key::{RsaPublicKey, pem_blocks, rsa_components};
use crate::net::{HttpClient, RequestLimits};
use crate::time::Timestamp;

/// The URLs under which OSS documents its keys.
const DOCUMENTED_URLS: [&str; 2] =
    ["https://gosspublic.alicdn.com/", "http://gosspublic.alicdn.com/"];

/// How long a key is fresh. Its file name has a version, so it hardly changes. When a signature does not fit, the
/// key is fetched again earlier.
const MAX_AGE: Duration = Duration::from_hours(12);

/// The parts of the documented file name before and after the version.
const FILE: (&str, &str) = ("callback_pub_key_v", ".pem");

/// The highest accepted version. OSS has had version 1 for as long as it has documented callbacks.
const MAX_VERSION: u8 = 99;

/// The limits of a fetch. It takes half of the time at most, so that the rest is left for the webhook.
const LIMITS: RequestLimits =
    RequestLimits { timeout: Duration::from_secs(2), max_body: 8 * 1024, use_proxy: true };

/// The cached public keys of OSS.
#[derive(Debug)]
pub struct PublicKeys {
    prefixes: Vec<String>,
    resources: Mutex<Vec<Arc<CachedResource<RsaPublicKey>>>>,
}

impl PublicKeys {
    /// Accepts URLs that begin with one of `prefixes`; if that is empty, the documented ones.
    #[must_use]
    pub fn new(prefixes: Vec<String>) -> Self {
        let documented = || DOCUMENTED_URLS.map(str::to_owned).into();
        let prefixes = if prefixes.is_empty() { documented() } else { prefixes };
        Self { prefixes, resources: Mutex::default() }
    }

    /// Parses the URL of a key. Returns `None` for one that is not accepted.
    #[must_use]
    pub fn parse_url(&self, text: &str) -> Option<Uri> {
        // Without the final slash, the host name could continue.
        let prefixes = self.prefixes.iter().filter(|prefix| prefix.ends_with('/'));
        let begins = |text: &str| prefixes.clone().find(|prefix| text.starts_with(*prefix));
        let file = text.strip_prefix(begins(text)?.as_str())?;
        let version = file.strip_prefix(FILE.0)?.strip_suffix(FILE.1)?;
        // Compared with the number's usual notation, so that one key has one URL.
        let number: u8 = version.parse().ok()?;
        if !(1..=MAX_VERSION).contains(&number) || number.to_string() != version {
            return None;
        }
        let https = text.strip_prefix("http://").map(|rest| format!("https://{rest}"));
        // A key server on this machine has no https URL.
        https.filter(|https| begins(https).is_some()).as_deref().unwrap_or(text).parse().ok()
    }

    /// Verifies the signature of a callback. A signature that does not fit may be made with a new key under the same
    /// URL, so the key is fetched again.
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
        Err(CallbackError::SignatureInvalid("the signature does not fit the key"))
    }

    /// Returns the resource of a URL, which is created if necessary. [`Self::parse_url`] has accepted the URL, which
    /// bounds their number.
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

/// Parses a text that contains exactly one RSA key.
fn read(body: &[u8]) -> Option<RsaPublicKey> {
    let blocks = pem_blocks(str::from_utf8(body).ok()?)?;
    let [der] = &blocks[..] else { return None };
    let (modulus, exponent) = rsa_components(der)?;
    RsaPublicKey::new(modulus, exponent)
}
