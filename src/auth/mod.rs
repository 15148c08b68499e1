//! Who is asking, and may they?
//!
//! A route names what it accepts; nothing is open unless it is written. What a caller may do once in
//! is the route's rules (`policy/`); how a refusal is worded is `routes/`.
//!
//! | file | owns |
//! |---|---|
//! | `access` | the rule of a route: `anonymous`, `jwt`, `ticket`, `origin`, and how they combine |
//! | `gate` | the judge: rule + evidence + now → caller or refusal |
//! | `evidence` | what a call shows: headers, a ticket in the path, its page's origin |
//! | `caller` | who was let in, and by what |
//! | `denied` | why somebody was not |
//! | `jwt/` | tokens of an identity provider |
//! | `ticket` | short-lived tickets of a back end |
//! | `origin` | which pages may ask |
//! | `budget` | how much one caller may be granted, within one instance |

pub mod authenticator;
pub mod jwt;
pub mod origin;
pub mod rate_limit;
pub mod rule;
pub mod ticket;

use std::collections::BTreeMap;
use std::fmt;

/// Who is asking, as far as they have shown it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name that a caller has proved; none for an anonymous one.
    pub subject: Option<String>,
    /// What the token or ticket says of them, as text.
    pub claims: Claims,
    /// What let them in.
    pub method: AuthMethod,
}

/// What let a caller in; of several things the one that proves most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthMethod {
    /// Nothing was asked for.
    #[default]
    Anonymous,
    /// The page's origin.
    Origin,
    /// A ticket of the back end.
    Ticket,
    /// A token of the identity provider.
    Jwt,
    /// The platform, by its own rules: an event invocation.
    Platform,
}

/// Texts, numbers and truth values that a token carries at its top, by name.
pub type Claims = BTreeMap<String, String>;

impl Caller {
    /// Gives a caller who has shown no name.
    #[must_use]
    pub fn without_subject(method: AuthMethod) -> Self {
        Self { method, ..Self::default() }
    }

    /// Gives a claim as text; lists and objects are none.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).map(String::as_str)
    }

    /// Joins what two ways in say of one caller; where both have a claim, the first counts.
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
        for (name, value) in other.claims {
            self.claims.entry(name).or_insert(value);
        }
        Ok(self)
    }
}

/// Claims are somebody's personal data, so only their names show.
impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("subject", &self.subject)
            .field("claims", &self.claims.keys())
            .field("method", &self.method)
            .finish()
    }
}

/// A refusal. None of them carries any part of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// There is no token where one is asked for; send one.
    TokenMissing,
    /// It is no token, or one that says things in a way that is not understood.
    TokenMalformed,
    /// It is signed in a way that no key here allows: look at the issuer's settings.
    TokenAlgorithmNotAllowed,
    /// No key here has the id that it names.
    TokenKeyUnknown,
    /// It was not signed by any key here.
    TokenSignatureInvalid,
    /// Its time is over; get a new one.
    TokenExpired,
    /// Its time has not come; compare the clocks.
    TokenNotYetValid,
    /// It comes from somewhere else.
    TokenIssuerNotAllowed,
    /// It is meant for somebody else.
    TokenAudienceNotAllowed,
    /// It lacks this claim, or the claim has another value.
    TokenClaimMissing(String),
    /// The keys cannot be fetched; try again after so many seconds.
    JwksUnavailable {
        /// Seconds until the next attempt.
        retry_after: u64,
    },
    /// There is no ticket where one is asked for; send one.
    TicketMissing,
    /// It is no ticket.
    TicketMalformed,
    /// It was not minted with any key here.
    TicketSignatureInvalid,
    /// Its time is over; get a new one.
    TicketExpired,
    /// Its time has not come; compare the clocks.
    TicketNotYetValid,
    /// It wants to live longer than tickets may.
    TicketLifetimeTooLong,
    /// It is good for another route.
    TicketRouteMismatch,
    /// Token and ticket name different subjects; send those of one.
    SubjectMismatch,
    /// The call does not say from which page it comes.
    OriginRequired,
    /// The route has no rule, which the settings do not let happen.
    RuleMissing,
}

impl AuthError {
    /// Tells whether nothing was shown at all, so that another way's refusal says more.
    fn is_missing(&self) -> bool {
        matches!(self, Self::TokenMissing | Self::TicketMissing | Self::OriginRequired)
    }
}
