//! Failures of uploads in parts: status, stable code, message, log.

use http::StatusCode;

use crate::bucket::BucketError;
use crate::callback::upload_token::UploadTokenError;

/// How many numbers of missing parts a message names.
const MAX_NAMED: usize = 10;

/// The reason why an upload in parts cannot begin, continue or end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultipartError {
    /// The route has no uploads in parts.
    NotEnabled,
    /// The token is not one for this call.
    Token(UploadTokenError),
    /// The upload has no part of this number.
    PartOutOfRange {
        /// The requested number.
        number: u32,
        /// The number of parts.
        count: u32,
    },
    /// OSS does not have all parts, or some have another size than was granted.
    PartsMissing {
        /// The number of parts that OSS has.
        done: u32,
        /// The number of parts of the file.
        count: u32,
        /// The first numbers that are missing.
        first: Vec<u32>,
    },
    /// OSS no longer knows the upload, and there is no object of it.
    UploadNotFound,
    /// There is an object at the key, and this upload may not replace it.
    ObjectExists,
    /// The object is stored, and its CRC-64 is not the one that the client computed.
    ChecksumMismatch {
        /// The CRC-64 of the object, in decimal.
        stored: String,
    },
    /// The object is stored, and its upload callback failed with this EC.
    CallbackFailed(String),
    /// OSS did not answer, or refused what the function requested.
    Bucket(BucketError),
}

impl MultipartError {
    /// Returns the error of missing parts.
    #[must_use]
    pub fn missing(done: u32, count: u32, missing: impl Iterator<Item = u32>) -> Self {
        Self::PartsMissing { done, count, first: missing.take(MAX_NAMED).collect() }
    }

    /// Returns the HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotEnabled | Self::UploadNotFound => StatusCode::NOT_FOUND,
            Self::Token(UploadTokenError::Invalid) | Self::PartOutOfRange { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::Token(UploadTokenError::Foreign) => StatusCode::FORBIDDEN,
            Self::Token(UploadTokenError::Expired) => StatusCode::GONE,
            Self::PartsMissing { .. } | Self::ObjectExists | Self::ChecksumMismatch { .. } => {
                StatusCode::CONFLICT
            }
            Self::CallbackFailed(_) | Self::Bucket(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns the stable code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NotEnabled => "multipart_not_enabled",
            Self::Token(UploadTokenError::Invalid) => "upload_token_invalid",
            Self::Token(UploadTokenError::Foreign) => "upload_token_foreign",
            Self::Token(UploadTokenError::Expired) => "upload_token_expired",
            Self::PartOutOfRange { .. } => "part_out_of_range",
            Self::PartsMissing { .. } => "parts_missing",
            Self::UploadNotFound => "upload_not_found",
            Self::ObjectExists => "object_exists",
            Self::ChecksumMismatch { .. } => "checksum_mismatch",
            Self::CallbackFailed(_) => "callback_failed",
            Self::Bucket(BucketError::Unreachable { .. }) => "bucket_unreachable",
            Self::Bucket(_) => "bucket_refused",
        }
    }

    /// Returns the message: what happened and what to do.
    pub(super) fn message(&self) -> String {
        match self {
            Self::NotEnabled => "This route has no uploads in parts. Upload the whole file, in Uppy with \
                 'shouldUseMultipart' set to false, or set enabled in its [routes.<name>.multipart]."
                .to_owned(),
            Self::Token(error) => token_message(*error).to_owned(),
            Self::PartOutOfRange { number, count } => {
                format!("The upload has no part {number}; its parts are 1 to {count}. Request one of these.")
            }
            Self::PartsMissing { done, count, first } => {
                let first: Vec<_> = first.iter().map(ToString::to_string).collect();
                let first = first.join(", ");
                format!(
                    "OSS has {done} of {count} parts; the first that are missing or have another size: {first}. \
                     Upload these, then complete again."
                )
            }
            Self::UploadNotFound => "OSS does not know this upload: it was completed or aborted, or a lifecycle \
                 rule removed it. Begin a new one."
                .to_owned(),
            Self::ObjectExists => "There is already an object at the key of this upload, and the route does not \
                 replace objects. Begin a new upload."
                .to_owned(),
            Self::ChecksumMismatch { stored } => format!(
                "The object is stored, and its CRC-64 is {stored}, which is not the one of this call: the file \
                 changed during the upload. Upload it again."
            ),
            Self::CallbackFailed(_) => "The object is stored, and its upload callback failed. Do not upload again; \
                 look at the server that OSS calls."
                .to_owned(),
            Self::Bucket(BucketError::Unreachable { .. }) => {
                "OSS did not answer the function. Try again in a moment; the log says what happened.".to_owned()
            }
            Self::Bucket(error) => {
                format!("{error}. Compare the role's permissions and the route's bucket and region.")
            }
        }
    }

    /// Logs a failure that an operator has to look at.
    pub(super) fn log(&self, request_id: &str) {
        let code = self.code();
        match self {
            Self::Bucket(error) => tracing::error!(request_id, code, "{error}"),
            Self::CallbackFailed(ec) => {
                tracing::error!(
                    request_id,
                    code,
                    ec,
                    "the object is stored, and OSS's callback failed"
                );
            }
            Self::ChecksumMismatch { .. } => {
                tracing::error!(
                    request_id,
                    code,
                    "the object is stored, and differs from the file"
                );
            }
            _ => tracing::debug!(request_id, code, "refused"),
        }
    }
}

fn token_message(error: UploadTokenError) -> &'static str {
    match error {
        UploadTokenError::Invalid => {
            "This is not an upload token of this function. Send the whole 'token' of POST /multipart; if it is \
             whole, keep the old key beside the new one when UPLOAD_TOKEN_KEYS changes."
        }
        UploadTokenError::Foreign => {
            "The upload was begun by another caller, or on another route or bucket. Begin a new one."
        }
        UploadTokenError::Expired => {
            "The time within which this upload can be resumed is over. Begin a new one."
        }
    }
}
