//! Why a caller was not let in. How it is worded, and with which status, is `routes/`' business.

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
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::TokenMissing | Self::TicketMissing | Self::OriginRequired)
    }
}
