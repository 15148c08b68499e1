//! Why a callback came to nothing.

use crate::receipt;
use crate::receipt::ReceiptMismatch;

/// Says why a callback came to nothing. The texts go to the log; none shows what a caller sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackError {
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
    Receipt(receipt::ReceiptError),
    /// The object lies where it was granted and is not what was granted; delete it if it does not fit.
    Mismatched(Box<Mismatched>),
    /// The back end was not told, or has not said that it understood; look there.
    NotifyFailed(String),
    /// The back end did not answer in time, and may have been told; look there.
    NotifyTimedOut,
}

/// An object that lies where it was granted and is not what was granted. It names the object, since without
/// a back end the log is the only place where somebody can learn of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatched {
    /// In what it differs.
    pub mismatches: Vec<ReceiptMismatch>,
    /// The receipt's id.
    pub receipt_id: String,
    /// The object's key.
    pub key: String,
    /// What became of the webhook; `None` where the route has no back end.
    pub webhook: Option<Result<(), CallbackError>>,
}

impl From<receipt::ReceiptError> for CallbackError {
    fn from(refused: receipt::ReceiptError) -> Self {
        Self::Receipt(refused)
    }
}
