//! Tickets: short-lived upload permissions that a back end issues with a key that it shares with the function.
//!
//! ```text
//! ticket  = "v1." base64url(payload) "." base64url(HMAC-SHA256(key, signed))
//! signed  = "oss-upload-ticket.v1." base64url(payload)
//! payload = {"sub":"alice","exp":1732688381,"route":"avatar","iat":…,"nbf":…,"jti":"…"}
//! ```
//!
//! base64url has no padding. `exp`, `iat` and `nbf` are whole Unix seconds. `sub` and `exp` are required. A ticket
//! without `route` is valid for every route that accepts tickets. Unknown members are an error, because a
//! restriction that is not understood must not be ignored. The prefix of the signed text separates the uses of a
//! key: a token never verifies as a ticket.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::AuthError;
use crate::auth::{AuthMethod, Caller, Claims, TicketId};
use crate::crypto;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest accepted ticket in bytes; it has to fit into a path.
const MAX_LENGTH: usize = 2048;

/// The shortest key in bytes: the length of the HMAC.
pub const MIN_KEY_LENGTH: usize = 32;

/// The default limit of a ticket's lifetime.
pub const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// How far the back end's clock may be ahead.
const CLOCK_LEEWAY: Duration = Duration::from_secs(30);

const PREFIX: &str = "v1.";
const SIGNED_PREFIX: &str = "oss-upload-ticket.";

/// The settings of ticket verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The keys. The first one signs, all of them verify, so that keys can be rotated.
    pub keys: Vec<Secret>,
    /// The limit of a ticket's lifetime.
    pub max_lifetime: Duration,
}

/// The content of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The subject of the caller.
    #[serde(rename = "sub")]
    pub subject: String,
    /// The only route for which it is valid; `None` for every route that accepts tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The first moment at which it is no longer valid, in Unix seconds.
    #[serde(rename = "exp")]
    pub expires_at: i64,
    /// The time of issue, in Unix seconds.
    #[serde(rename = "iat", default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<i64>,
    /// The first moment at which it is valid, in Unix seconds.
    #[serde(rename = "nbf", default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<i64>,
    /// An id for the back end's records. With a shared store, a ticket that has one can be used once.
    #[serde(rename = "jti", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Returns whether a text has the prefix that distinguishes tickets from tokens.
#[must_use]
pub(super) fn has_prefix(text: &str) -> bool {
    text.starts_with(PREFIX)
}

impl Ticket {
    /// Writes the ticket and signs it with `key`.
    #[must_use]
    pub fn sign(&self, key: &Secret) -> String {
        // JSON can express texts and numbers under fixed names, so this cannot fail.
        let payload = serde_json::to_vec(self).unwrap_or_default();
        let text = format!("{PREFIX}{}", crypto::base64_url(&payload));
        let code = crypto::hmac_sha256(key.expose().as_bytes(), signed(&text).as_bytes());
        format!("{text}.{}", crypto::base64_url(code.as_slice()))
    }
}

impl Options {
    /// Verifies a ticket that was sent for `route`.
    pub fn verify(&self, text: &str, route: &str, now: Timestamp) -> Result<Caller, AuthError> {
        let ticket = self.parse(text)?;
        self.check_times(&ticket, now)?;
        if ticket.route.as_deref().is_some_and(|ticket_route| ticket_route != route) {
            return Err(AuthError::TicketRouteMismatch);
        }
        let mut claims = Claims::from([("sub".to_owned(), ticket.subject.clone())]);
        let expires_at = ticket.expires_at;
        let id = ticket.id.map(|id| TicketId { id, expires_at });
        claims.extend(id.iter().map(|ticket| ("jti".to_owned(), ticket.id.clone())));
        let method = AuthMethod::Ticket;
        Ok(Caller { subject: Some(ticket.subject), claims, method, ticket: id })
    }

    /// Parses a ticket that one of the keys has signed.
    fn parse(&self, text: &str) -> Result<Ticket, AuthError> {
        if text.len() > MAX_LENGTH || !has_prefix(text) {
            return Err(AuthError::TicketMalformed);
        }
        let (text, code) = text.rsplit_once('.').ok_or(AuthError::TicketMalformed)?;
        let payload = text.strip_prefix(PREFIX).ok_or(AuthError::TicketMalformed)?;
        let code = crypto::from_base64_url(code).ok_or(AuthError::TicketMalformed)?;
        let payload = crypto::from_base64_url(payload).ok_or(AuthError::TicketMalformed)?;
        let signed = signed(text);
        let has_signed = |key: &Secret| {
            crypto::verify_hmac_sha256(key.expose().as_bytes(), signed.as_bytes(), &code)
        };
        if !self.keys.iter().any(has_signed) {
            return Err(AuthError::TicketSignatureInvalid);
        }
        let ticket: Ticket =
            serde_json::from_slice(&payload).map_err(|_| AuthError::TicketMalformed)?;
        if ticket.subject.is_empty() { Err(AuthError::TicketMalformed) } else { Ok(ticket) }
    }

    fn check_times(&self, ticket: &Ticket, now: Timestamp) -> Result<(), AuthError> {
        let (max_lifetime, leeway) = (seconds(self.max_lifetime), seconds(CLOCK_LEEWAY));
        let now = now.unix();
        if ticket.expires_at <= now {
            return Err(AuthError::TicketExpired);
        }
        let starts = [ticket.not_before, ticket.issued_at];
        if starts.iter().flatten().any(|start| *start > now.saturating_add(leeway)) {
            return Err(AuthError::TicketNotYetValid);
        }
        // A ticket without a time of issue counts as issued now.
        let issued_at = ticket.issued_at.unwrap_or(now);
        if ticket.expires_at.saturating_sub(issued_at) > max_lifetime {
            return Err(AuthError::TicketLifetimeTooLong);
        }
        Ok(())
    }
}

fn signed(text: &str) -> String {
    format!("{SIGNED_PREFIX}{text}")
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
