//! Why a callback came to nothing.

use crate::receipt;

/// Says why a callback came to nothing. The texts go to the log; none shows what a caller sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// OSS has not signed this call, or it cannot be told; look who calls.
    SignatureInvalid(&'static str),
    /// The key to tell with cannot be fetched; look whether the function reaches the internet.
    KeyUnavailable {
        /// After how many seconds asking again may help.
        retry_after: u64,
    },
    /// The body is not what the route's forms order; compare the route's `body` with the function's.
    Malformed(&'static str),
    /// The receipt was not sealed here, or not for this object.
    Receipt(receipt::Refused),
    /// The back end was not told, or has not said that it understood; look there.
    NotifyFailed(String),
    /// The back end did not answer in time, and may have been told; look there.
    NotifyTimedOut,
}

impl From<receipt::Refused> for Refused {
    fn from(refused: receipt::Refused) -> Self {
        Self::Receipt(refused)
    }
}
