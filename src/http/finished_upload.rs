//! An upload in parts that has become an object, and its memory: where instances share a store, a completion that is
//! repeated at another one gets the same answer, with that of the callback.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::bucket::multipart_upload::{CallbackOutcome, CompletedObject};
use crate::callback::upload_token::UploadToken;
use crate::http::error::{ApiError, MultipartError};
use crate::http::signing::SigningSession;

/// How long the store keeps an answer: a client repeats a call whose answer was lost within minutes.
const MEMORY: Duration = Duration::from_hours(1);

/// An upload that has become an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FinishedUpload {
    /// The size in bytes; `None` where OSS did not say it.
    pub(super) size: Option<u64>,
    pub(super) object: CompletedObject,
}

/// A finished upload as the store keeps it.
#[derive(Deserialize, Serialize)]
struct StoredUpload {
    size: Option<u64>,
    etag: Option<String>,
    crc64: Option<String>,
    /// The answer of the callback, which is JSON.
    answer: Option<String>,
    /// The EC of a callback that failed.
    failed: Option<String>,
}

impl FinishedUpload {
    /// Compares the CRC-64 of the object with the one that the client computed, in decimal digits.
    pub(super) fn check_crc64(&self, computed: Option<&str>) -> Result<(), ApiError> {
        let plain = |text: &'_ str| text.trim_start_matches('0').to_owned();
        match (computed, &self.object.crc64) {
            (Some(computed), Some(stored)) if plain(computed) != plain(stored) => {
                Err(MultipartError::ChecksumMismatch { stored: stored.clone() }.into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the answer of the callback, if there is one.
    pub(super) fn callback_answer(&self) -> Result<Option<&Bytes>, ApiError> {
        match &self.object.callback {
            CallbackOutcome::Unknown => Ok(None),
            CallbackOutcome::Answered(answer) => Ok(Some(answer)),
            CallbackOutcome::Failed(ec) => Err(MultipartError::CallbackFailed(ec.clone()).into()),
        }
    }

    /// Returns what an earlier call has completed, if there is a store that knows it. The token has been verified.
    pub(super) async fn recall(session: &SigningSession<'_>, token: &UploadToken) -> Option<Self> {
        let store = session.app.store.as_ref()?;
        // A failure is in the log already, and OSS is asked for the object then.
        let stored = store.recall(&token.id_text(), session.now).await.ok()??;
        Self::read(&stored)
    }

    /// Lets a repeated call get the same answer from any instance.
    pub(super) async fn remember(&self, session: &SigningSession<'_>, token: &UploadToken) {
        let Some(store) = &session.app.store else { return };
        // A failure is in the log already.
        let _ = store.remember(&token.id_text(), &self.write(), MEMORY, session.now).await;
    }

    fn write(&self) -> Vec<u8> {
        let Self { size, object } = self;
        let (answer, failed) = match &object.callback {
            CallbackOutcome::Unknown => (None, None),
            CallbackOutcome::Answered(answer) => (String::from_utf8(answer.to_vec()).ok(), None),
            CallbackOutcome::Failed(ec) => (None, Some(ec.clone())),
        };
        let (etag, crc64) = (object.etag.clone(), object.crc64.clone());
        let stored = StoredUpload { size: *size, etag, crc64, answer, failed };
        // Texts and numbers under fixed names always serialise.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    fn read(stored: &[u8]) -> Option<Self> {
        let StoredUpload { size, etag, crc64, answer, failed } =
            serde_json::from_slice(stored).ok()?;
        let callback = match (answer, failed) {
            (Some(answer), _) => CallbackOutcome::Answered(answer.into()),
            (None, Some(ec)) => CallbackOutcome::Failed(ec),
            (None, None) => CallbackOutcome::Unknown,
        };
        Some(Self { size, object: CompletedObject { etag, crc64, callback } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_upload_is_read_as_it_was_written() {
        for callback in [
            CallbackOutcome::Unknown,
            CallbackOutcome::Answered(Bytes::from_static(b"{\"id\":1}")),
            CallbackOutcome::Failed("0007-00000203".to_owned()),
        ] {
            let object = CompletedObject {
                etag: Some("A-2".to_owned()),
                crc64: Some("1".to_owned()),
                callback,
            };
            let finished = FinishedUpload { size: Some(5), object };
            assert_eq!(FinishedUpload::read(&finished.write()), Some(finished));
        }
        assert_eq!(FinishedUpload::read(b"{"), None);
    }
}
