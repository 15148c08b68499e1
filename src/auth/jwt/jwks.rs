//! The key set of an identity provider behind a URL. [`CachedResource`] fetches and caches it.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;

use crate::auth::AuthError;
use crate::auth::jwt::JwtHeader;
use crate::auth::jwt::key::{VerificationKey, read_set};
use crate::cached_resource::{CachedResource, ResourceOptions, ResourceUnavailable};
use crate::net::{HttpClient, RequestLimits};
use crate::time::Timestamp;

/// How long a key set is fresh, unless the issuer says less.
const MAX_AGE: Duration = Duration::from_mins(10);

const LIMITS: RequestLimits =
    RequestLimits { timeout: Duration::from_secs(3), max_body: 256 * 1024, use_proxy: true };

/// The URL of a key set.
#[derive(Clone, PartialEq, Eq)]
pub struct JwksUrl(Uri);

impl JwksUrl {
    /// Parses `https://…`; for a server on this machine `http://` is allowed too.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const PROBLEM: &str =
            "a key set is at 'https://…', or at 'http://…' on this machine, without a password";
        let uri: Uri = text.parse().map_err(|_| PROBLEM)?;
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_here =
            bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let is_safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_here,
            _ => false,
        };
        let is_plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if is_safe && is_plain && !host.is_empty() { Ok(Self(uri)) } else { Err(PROBLEM) }
    }
}

/// The query may contain a secret, so only the host is shown.
impl fmt::Debug for JwksUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JwksUrl({})", self.0.host().unwrap_or_default())
    }
}

/// The cached key set of an issuer.
#[derive(Debug)]
pub(super) struct Jwks(CachedResource<Vec<VerificationKey>>);

impl Jwks {
    pub(super) fn new(url: JwksUrl) -> Self {
        Self(CachedResource::new(ResourceOptions {
            name: "the key set behind UPLOAD_JWKS_URL",
            uri: url.0,
            accept: "application/json",
            parse: |body| read_set(body).filter(|keys| !keys.is_empty()),
            max_age: MAX_AGE,
            limits: LIMITS,
        }))
    }

    /// Returns the keys that may have signed a token. An id that is not in the set may be that of a new key, so the set
    /// is fetched again.
    pub(super) async fn find(
        &self,
        head: &JwtHeader,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Vec<VerificationKey>, AuthError> {
        let unavailable = |error: ResourceUnavailable| AuthError::JwksUnavailable {
            retry_after: error.retry_after,
        };
        let mut keys = self.0.get(now, http).await.map_err(unavailable)?;
        let mut found = head.select(&keys);
        if found.is_empty() {
            keys = self.0.get_newer(&keys, now, http).await.map_err(unavailable)?;
            found = head.select(&keys);
        }
        if found.is_empty() { Err(AuthError::TokenKeyUnknown) } else { Ok(found) }
    }
}
