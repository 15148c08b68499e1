//! The error of an upload in parts: it says whether the upload can be continued.

/// The reason why an upload in parts did not end well, in one sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::upload) enum PartsError {
    /// The upload can be continued.
    Unfinished(String),
    /// The upload is over: there is nothing to continue.
    Over(String),
    /// The object is stored, but the callback to the application failed.
    CallbackFailed(String),
}

impl PartsError {
    pub(in crate::upload) fn into_reason(self) -> String {
        match self {
            Self::Unfinished(reason) | Self::Over(reason) | Self::CallbackFailed(reason) => reason,
        }
    }
}
