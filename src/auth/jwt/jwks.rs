//! Keys behind a URL, as identity providers publish them. How long they are kept and who fetches them is
//! [`Kept`]'s business; an id that nobody knows asks for them anew.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use http::Uri;

use crate::auth::error::AuthError;
use crate::auth::jwt::head::Head;
use crate::auth::jwt::jwk;
use crate::auth::jwt::key::Key;
use crate::net::HttpClient;
use crate::net::RequestLimits;
use crate::net::kept::Kept;
use crate::net::kept::Missing;
use crate::net::kept::Source;
use crate::net::kept::Wanted;
use crate::time::Timestamp;

/// How long keys are good without asking again; an issuer may say less.
const MAX_AGE: Duration = Duration::from_mins(10);

const LIMITS: RequestLimits =
    RequestLimits { timeout: Duration::from_secs(3), max_body: 256 * 1024, use_proxy: true };

/// The address of a key set.
#[derive(Clone, PartialEq, Eq)]
pub struct JwksUrl(Uri);

impl JwksUrl {
    /// Reads `https://…`; on this machine itself `http://` will do.
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

/// A query may hold a key of its own, so only the host shows.
impl fmt::Debug for JwksUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JwksUrl({})", self.0.host().unwrap_or_default())
    }
}

/// A key set.
#[derive(Debug)]
pub(super) struct Jwks {
    kept: Kept,
    keys: Mutex<Arc<[Key]>>,
}

impl Jwks {
    pub(super) fn new(url: JwksUrl) -> Self {
        let source = Source {
            name: "the key set behind UPLOAD_JWKS_URL",
            uri: url.0,
            accept: "application/json",
            max_age: MAX_AGE,
            limits: LIMITS,
        };
        Self { kept: Kept::new(source), keys: Mutex::default() }
    }

    /// Finds the keys that could have signed a token.
    pub(super) async fn find(
        &self,
        head: &Head,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Vec<Key>, AuthError> {
        match self.kept.find(&KeysOf { jwks: self, head }, now, http).await {
            Ok(()) => Ok(head.select(&self.keys())),
            Err(Missing { is_known: true, .. }) => Err(AuthError::TokenKeyUnknown),
            Err(Missing { retry_after, .. }) => Err(AuthError::JwksUnavailable { retry_after }),
        }
    }

    fn keys(&self) -> Arc<[Key]> {
        Arc::clone(&self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The keys that could have signed this token.
struct KeysOf<'a> {
    jwks: &'a Jwks,
    head: &'a Head,
}

impl Wanted for KeysOf<'_> {
    fn will_do(&self) -> bool {
        self.jwks.keys().iter().any(|key| self.head.fits(key))
    }

    fn put(&self, body: &[u8]) -> bool {
        let keys = jwk::read_set(body).unwrap_or_default();
        let is_of_use = !keys.is_empty();
        if is_of_use {
            *self.jwks.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys.into();
        }
        is_of_use
    }
}
