//! Tickets: short-lived permissions to ask, minted by a back end that shares a key with the function.
//!
//! ```text
//! ticket  = "v1." base64url(payload) "." base64url(HMAC-SHA256(key, signed))
//! signed  = "oss-upload-ticket.v1." base64url(payload)
//! payload = {"sub":"alice","exp":1732688381,"route":"avatar","iat":…,"nbf":…,"jti":"…"}
//! ```
//!
//! base64url is written without padding; `exp`, `iat`, `nbf` are whole Unix seconds. `sub` and `exp` have
//! to be there. A ticket without `route` is good for every route that takes tickets. Members that are
//! not named here are refused: a limit that is not understood must not be passed over. The words in
//! front of what is signed keep the key apart from every other use of it: no token is ever a ticket.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::AuthError;
use crate::auth::{AuthMethod, Caller, Claims};
use crate::crypto;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest ticket that is looked at; paths have little room anyway.
const MAX_LENGTH: usize = 2048;

/// The shortest key, in bytes: as long as what it signs with.
pub const MIN_KEY_LENGTH: usize = 32;

/// The longest lifetime of a ticket, unless the settings say otherwise.
pub const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// How far the back end's clock may be ahead of ours.
const CLOCK_LEEWAY: Duration = Duration::from_secs(30);

const PREFIX: &str = "v1.";
const SIGNED_PREFIX: &str = "oss-upload-ticket.";

/// How tickets are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The keys; the first one mints, all of them verify, so that one can follow another.
    pub keys: Vec<Secret>,
    /// The longest lifetime that a ticket may claim.
    pub lifetime: Duration,
}

/// What a ticket says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// For whom it was minted.
    #[serde(rename = "sub")]
    pub subject: String,
    /// The one route that it is good for; without it every route that takes tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The first moment at which it is no longer good, in Unix seconds.
    #[serde(rename = "exp")]
    pub expires_at: i64,
    /// When it was minted.
    #[serde(rename = "iat", default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<i64>,
    /// The first moment at which it is good.
    #[serde(rename = "nbf", default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<i64>,
    /// A name of its own, for the back end's records; nothing here remembers it.
    #[serde(rename = "jti", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Tells a ticket from a token by its first letters.
#[must_use]
pub(super) fn has_prefix(text: &str) -> bool {
    text.starts_with(PREFIX)
}

impl Ticket {
    /// Writes the ticket and signs it with `key`.
    #[must_use]
    pub fn sign(&self, key: &Secret) -> String {
        // Texts and numbers under fixed names: there is nothing here that JSON cannot say.
        let payload = serde_json::to_vec(self).unwrap_or_default();
        let text = format!("{PREFIX}{}", crypto::base64_url(&payload));
        let code = crypto::hmac_sha256(key.expose().as_bytes(), signed(&text).as_bytes());
        format!("{text}.{}", crypto::base64_url(code.as_slice()))
    }
}

impl Options {
    /// Verifies a ticket that was shown for `route`.
    pub fn verify(&self, text: &str, route: &str, now: Timestamp) -> Result<Caller, AuthError> {
        let ticket = self.open(text)?;
        self.check_times(&ticket, now)?;
        if ticket.route.as_deref().is_some_and(|good_for| good_for != route) {
            return Err(AuthError::TicketRouteMismatch);
        }
        let mut claims = Claims::from([("sub".to_owned(), ticket.subject.clone())]);
        claims.extend(ticket.id.map(|id| ("jti".to_owned(), id)));
        Ok(Caller { subject: Some(ticket.subject), claims, method: AuthMethod::Ticket })
    }

    /// Reads a ticket whose signature is that of one of the keys.
    fn open(&self, text: &str) -> Result<Ticket, AuthError> {
        if text.len() > MAX_LENGTH || !has_prefix(text) {
            return Err(AuthError::TicketMalformed);
        }
        let (text, code) = text.rsplit_once('.').ok_or(AuthError::TicketMalformed)?;
        let payload = text.strip_prefix(PREFIX).ok_or(AuthError::TicketMalformed)?;
        let code = crypto::from_base64_url(code).ok_or(AuthError::TicketMalformed)?;
        let payload = crypto::from_base64_url(payload).ok_or(AuthError::TicketMalformed)?;
        let signed = signed(text);
        let is_ours = |key: &Secret| {
            crypto::verify_hmac_sha256(key.expose().as_bytes(), signed.as_bytes(), &code)
        };
        if !self.keys.iter().any(is_ours) {
            return Err(AuthError::TicketSignatureInvalid);
        }
        let ticket: Ticket =
            serde_json::from_slice(&payload).map_err(|_| AuthError::TicketMalformed)?;
        if ticket.subject.is_empty() { Err(AuthError::TicketMalformed) } else { Ok(ticket) }
    }

    fn check_times(&self, ticket: &Ticket, now: Timestamp) -> Result<(), AuthError> {
        let (lifetime, leeway) = (seconds(self.lifetime), seconds(CLOCK_LEEWAY));
        let now = now.unix();
        if ticket.expires_at <= now {
            return Err(AuthError::TicketExpired);
        }
        let starts = [ticket.not_before, ticket.issued_at];
        if starts.iter().flatten().any(|start| *start > now.saturating_add(leeway)) {
            return Err(AuthError::TicketNotYetValid);
        }
        // Without a date of its own it is taken to be minted just now.
        let issued_at = ticket.issued_at.unwrap_or(now);
        if ticket.expires_at.saturating_sub(issued_at) > lifetime {
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
