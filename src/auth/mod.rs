//! Authentication: which callers may use a route.
//!
//! Every route has a rule; nothing is open unless the settings say so. What an authenticated caller may upload is
//! the business of `policy`; `http` turns errors into responses.
//!
//! | file | owns |
//! |---|---|
//! | `rule` | the rule of a route: `anonymous`, `jwt`, `ticket`, `origin`, and their combinations |
//! | `authenticator` | the credentials of a request, and their check against the rule |
//! | `jwt` | tokens of an identity provider |
//! | `ticket` | short-lived tickets of a back end |
//! | `origin` | the pages that may call the function |
//! | `limits` | what a signing call is counted against, in this instance or in the shared store |
//! | `rate_limit` | budgets, counted within one instance |

pub mod authenticator;
pub mod jwt;
pub mod limits;
pub mod origin;
pub mod rate_limit;
pub mod rule;
pub mod ticket;

use std::collections::BTreeMap;
use std::fmt;

/// The authenticated sender of a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The verified subject; `None` for an anonymous caller.
    pub subject: Option<String>,
    /// The claims of the token or ticket, as texts.
    pub claims: Claims,
    /// The method of authentication.
    pub method: AuthMethod,
    /// The ticket that authenticated the caller, if it has an id.
    pub ticket: Option<TicketId>,
}

/// The id of a ticket, which may be used once where instances share their memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketId {
    /// The claim `jti`.
    pub id: String,
    /// The first moment at which the ticket is no longer valid, in Unix seconds.
    pub expires_at: i64,
}

/// The method by which a caller was authenticated; of several methods the strongest one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthMethod {
    /// The route needs no authentication.
    #[default]
    Anonymous,
    /// The origin of the page.
    Origin,
    /// A ticket of the back end.
    Ticket,
    /// A token of the identity provider.
    Jwt,
    /// The platform's own permissions: an event invocation.
    Platform,
}

/// The texts, numbers and truth values at the top level of a token, by name.
pub type Claims = BTreeMap<String, String>;

impl Caller {
    /// Returns a caller without a subject.
    #[must_use]
    pub fn without_subject(method: AuthMethod) -> Self {
        Self { method, ..Self::default() }
    }

    /// Returns a claim as text; `None` for lists and objects.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).map(String::as_str)
    }

    /// Combines the results of two methods for one caller. The first value of a claim counts.
    ///
    /// # Errors
    /// [`AuthError::SubjectMismatch`] if they name different subjects.
    fn with(mut self, other: Self) -> Result<Self, AuthError> {
        if let (Some(one), Some(another)) = (&self.subject, &other.subject)
            && one != another
        {
            return Err(AuthError::SubjectMismatch);
        }
        self.method = self.method.max(other.method);
        self.subject = self.subject.or(other.subject);
        self.ticket = self.ticket.or(other.ticket);
        for (name, value) in other.claims {
            self.claims.entry(name).or_insert(value);
        }
        Ok(self)
    }
}

/// Claims are personal data, so only their names are shown.
impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("subject", &self.subject)
            .field("claims", &self.claims.keys())
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The reason why a caller was not authenticated. It contains no part of a token or ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// There is no token, and the route needs one.
    TokenMissing,
    /// The text is not a readable token.
    TokenMalformed,
    /// No key here is for this algorithm: check the settings of the issuer.
    TokenAlgorithmNotAllowed,
    /// No key here has the id that the token names.
    TokenKeyUnknown,
    /// No key here has signed the token.
    TokenSignatureInvalid,
    /// The token has expired: get a new one.
    TokenExpired,
    /// The token is not valid yet: compare the clocks.
    TokenNotYetValid,
    /// The issuer is not one of the allowed issuers.
    TokenIssuerNotAllowed,
    /// The token is for another audience.
    TokenAudienceNotAllowed,
    /// The token lacks this claim, or the claim has another value.
    TokenClaimMissing(String),
    /// The keys cannot be fetched for now.
    JwksUnavailable {
        /// Seconds until the next attempt.
        retry_after: u64,
    },
    /// There is no ticket, and the route needs one.
    TicketMissing,
    /// The text is not a readable ticket.
    TicketMalformed,
    /// No key here has signed the ticket.
    TicketSignatureInvalid,
    /// The ticket has expired: get a new one.
    TicketExpired,
    /// The ticket is not valid yet: compare the clocks.
    TicketNotYetValid,
    /// The ticket's lifetime exceeds the limit.
    TicketLifetimeTooLong,
    /// The ticket is for another route.
    TicketRouteMismatch,
    /// The ticket has an id, and an earlier call has used it.
    TicketUsed,
    /// Token and ticket have different subjects.
    SubjectMismatch,
    /// The request names no allowed origin.
    OriginRequired,
    /// The route has no rule, which the settings prevent.
    RuleMissing,
}

impl AuthError {
    /// Returns whether the credentials are absent, so that an error of another method says more.
    fn is_missing(&self) -> bool {
        matches!(self, Self::TokenMissing | Self::TicketMissing | Self::OriginRequired)
    }
}
