//! What a call shows: a token or a ticket in its headers, a ticket in its path, its page's origin.
//!
//! Never in the query: queries are kept in histories and in other people's logs. A ticket may stand in
//! the path, since some clients can send no header; it lives for minutes, and our log leaves it out.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::auth::error::AuthError;
use crate::auth::origin::Verdict;
use crate::auth::ticket;

/// Where a ticket may stand alone.
pub const X_UPLOAD_TICKET: HeaderName = HeaderName::from_static("x-upload-ticket");

/// Where Uppy's companions look for a token.
const UPPY_AUTH_TOKEN: HeaderName = HeaderName::from_static("uppy-auth-token");

/// What one call shows.
#[derive(Clone, Copy)]
pub struct RequestCredentials<'a> {
    /// The call's headers.
    pub headers: &'a HeaderMap,
    /// The ticket in the path, if the call has one there.
    pub path_ticket: Option<&'a str>,
    /// What the origin list says of it.
    pub origin: Verdict,
    /// The route that is asked for.
    pub route: &'a str,
}

/// Headers and path carry what lets callers in, so neither shows.
impl fmt::Debug for RequestCredentials<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequestCredentials")
            .field("origin", &self.origin)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

impl<'a> RequestCredentials<'a> {
    /// Gives the token, from `Authorization: Bearer` or `Uppy-Auth-Token`.
    pub(super) fn token(&self) -> Result<&'a str, AuthError> {
        let shown = self.bearer().map_err(|Ambiguous| AuthError::TokenMalformed)?;
        shown.filter(|text| !ticket::is_marked(text)).ok_or(AuthError::TokenMissing)
    }

    /// Gives the ticket, from the path, from `X-Upload-Ticket`, or from where tokens stand.
    pub(super) fn ticket(&self) -> Result<&'a str, AuthError> {
        if let Some(text) = self.path_ticket {
            return Ok(text);
        }
        if let Some(text) =
            self.one(&X_UPLOAD_TICKET).map_err(|Ambiguous| AuthError::TicketMalformed)?
        {
            return Ok(text);
        }
        let shown = self.bearer().map_err(|Ambiguous| AuthError::TicketMalformed)?;
        shown.filter(|text| ticket::is_marked(text)).ok_or(AuthError::TicketMissing)
    }

    fn bearer(&self) -> Result<Option<&'a str>, Ambiguous> {
        let Some(text) = self.one(&AUTHORIZATION)? else {
            return self.one(&UPPY_AUTH_TOKEN);
        };
        let (scheme, text) = text.split_once(' ').unwrap_or((text, ""));
        Ok(scheme.eq_ignore_ascii_case("bearer").then_some(text.trim_start()))
    }

    /// Gives the text of a header that may stand there once.
    fn one(&self, name: &HeaderName) -> Result<Option<&'a str>, Ambiguous> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
            (Some(_), Some(_)) => Err(Ambiguous),
        }
    }
}

/// A header that is there twice, or is no text: nobody can say what it shows.
struct Ambiguous;
