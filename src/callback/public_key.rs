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

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use http::Uri;

use crate::callback::error::CallbackError;
use crate::callback::signed::SignedCallback;
use crate::crypto::rsa::PublicKey;
use crate::crypto::spki;
use crate::net::HttpClient;
use crate::net::RequestLimits;
use crate::net::kept::Kept;
use crate::net::kept::Missing;
use crate::net::kept::Source;
use crate::net::kept::Wanted;
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
    entries: Mutex<Vec<Arc<Entry>>>,
}

impl PublicKeys {
    /// Will believe addresses that begin so; where none is named, the documented ones.
    #[must_use]
    pub fn new(prefixes: Vec<String>) -> Self {
        let documented = || DOCUMENTED.map(str::to_owned).into();
        let prefixes = if prefixes.is_empty() { documented() } else { prefixes };
        Self { prefixes, entries: Mutex::default() }
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

    /// Tells whether the proof holds.
    pub(super) async fn verify(
        &self,
        proof: &SignedCallback,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<(), CallbackError> {
        let entry = self.entry(&proof.key_url);
        match entry.kept.find(&KeyOf { entry: &entry, proof }, now, http).await {
            Ok(()) => Ok(()),
            Err(Missing { is_known: true, .. }) => {
                Err(CallbackError::SignatureInvalid("the key has not signed this"))
            }
            Err(Missing { retry_after, .. }) => Err(CallbackError::KeyUnavailable { retry_after }),
        }
    }

    /// Finds the entry of an address, or makes it. Only addresses that [`Self::address`] has read come here, which
    /// bounds their number.
    fn entry(&self, uri: &Uri) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter().find(|entry| entry.kept.uri() == uri) {
            return Arc::clone(entry);
        }
        let source = Source {
            name: "the public key of OSS",
            uri: uri.clone(),
            accept: "*/*",
            max_age: MAX_AGE,
            limits: LIMITS,
        };
        let entry = Arc::new(Entry { kept: Kept::new(source), key: Mutex::default() });
        entries.push(Arc::clone(&entry));
        entry
    }
}

/// One address and the key that is there.
#[derive(Debug)]
struct Entry {
    kept: Kept,
    key: Mutex<Option<PublicKey>>,
}

impl Entry {
    fn key(&self) -> MutexGuard<'_, Option<PublicKey>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key that has signed this.
struct KeyOf<'a> {
    entry: &'a Entry,
    proof: &'a SignedCallback,
}

impl Wanted for KeyOf<'_> {
    fn will_do(&self) -> bool {
        let SignedCallback { signed, signature, .. } = self.proof;
        let key = self.entry.key().clone();
        key.is_some_and(|key| key.signed_md5(signed, signature))
    }

    fn put(&self, body: &[u8]) -> bool {
        let key = read(body);
        let is_of_use = key.is_some();
        if is_of_use {
            *self.entry.key() = key;
        }
        is_of_use
    }
}

/// Reads a text that is one RSA key.
fn read(body: &[u8]) -> Option<PublicKey> {
    let blocks = spki::blocks(str::from_utf8(body).ok()?)?;
    let [der] = &blocks[..] else { return None };
    let (modulus, exponent) = spki::rsa(der)?;
    PublicKey::new(modulus, exponent)
}
