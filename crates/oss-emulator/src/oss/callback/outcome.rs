//! What becomes of a callback that fails: an answer with status 203, for the object is stored.
//!
//! Page of 203 errors, and the pages of EC 0007-00000202 and 0007-00000205. The messages are those that
//! the pages quote; the pages have one for "too long" and "no length" alike.

use std::fmt::Display;

use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The most bytes of an answer: 1 MB. A table of the same page says 3.
pub(super) const MAX_ANSWER: u64 = 1024 * 1024;

/// Says why an address was told in vain.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The address is none that is called from here.
    Elsewhere(&'static str),
    /// The address is not among those that were allowed; these are.
    NotAllowed(Vec<String>),
    /// No connection, or one that ended before the answer did.
    Unreachable(String),
    /// The time was over.
    Late,
    /// Another status than 200.
    Status(u16),
    /// The answer does not say how long it is.
    NoLength,
    /// The answer is longer than it may be.
    TooLong(u64),
    /// The answer is no JSON object.
    NotJson(&'static str),
    /// The key could not be made or used.
    Key(String),
}

impl Failure {
    /// Says that there was no connection, or none to the end.
    pub(super) fn unreachable(error: impl Display) -> Self {
        Self::Unreachable(error.to_string())
    }

    /// Makes the refusal that the uploader is answered with.
    pub(super) fn refusal(&self) -> Refusal {
        let kind = match self {
            Self::Late => Kind::CallbackLate,
            Self::NotJson(_) => Kind::CallbackAnswerNotJson,
            _ => Kind::CallbackFailed,
        };
        let refusal = kind.because(self.reason());
        match self {
            Self::Status(status) => refusal.with_message(format!("Error status : {status}.")),
            Self::NoLength | Self::TooLong(_) => refusal.with_message(
                "Error status : 400.User server return too long content-length value.",
            ),
            _ => refusal,
        }
    }

    /// Says in one sentence what happened and what helps.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Elsewhere(why) => (*why).to_owned(),
            Self::NotAllowed(allowed) if allowed.is_empty() => {
                "no address may be called from here; allow it with --allow-callback-to".to_owned()
            }
            Self::NotAllowed(allowed) => {
                format!("only {} may be called from here", allowed.join(", "))
            }
            Self::Unreachable(error) => format!("the server could not be reached: {error}"),
            Self::Late => "the server did not answer in time; 5 seconds are all it has".to_owned(),
            Self::Status(status) => format!("the server answered {status}; it must be 200"),
            Self::NoLength => "the answer has no Content-Length".to_owned(),
            Self::TooLong(length) => {
                format!("the answer has {length} bytes; {MAX_ANSWER} are allowed")
            }
            Self::NotJson(why) => format!("the answer {why}"),
            Self::Key(error) => format!("the local OSS could not sign the call: {error}"),
        }
    }
}
