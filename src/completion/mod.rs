//! An object is stored: is it true, was it granted, and who is told?
//!
//! OSS calls; its signature is verified, then the receipt, then the application's back end is told.
//! The HTTP face of it is `routes/callback`; what a receipt says is `receipt`.

use std::collections::BTreeMap;

use crate::secret::Secret;

/// How callbacks are made and verified, and who is told of them.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The keys of receipts; the first one signs, all of them verify, so that one can follow another.
    pub receipt_keys: Vec<Secret>,
    /// `https://host` of this function, where OSS reaches it; without it the host that it was asked at.
    pub public_url: Option<String>,
    /// The back ends that are told, by route.
    pub notify: BTreeMap<String, String>,
    /// What messages to back ends are signed with, `whsec_…`.
    pub webhook_secret: Option<Secret>,
    /// What addresses of OSS's public keys begin with.
    pub key_urls: Vec<String>,
}
