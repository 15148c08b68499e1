//! Finds the upload that a request names, and aborts one.
//!
//! An upload that does not exist has another EC for each operation. An upload id that could not be one at
//! all has the same EC for all of them.

use http::StatusCode;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::received_content::storage_error;
use crate::oss::response;
use crate::oss::response::OssResponse;
use crate::oss::store::{StoredUpload, UploadId, UploadName, UploadStoreError};

/// An upload that a request names.
#[derive(Debug)]
pub(super) struct NamedUpload {
    pub(super) name: UploadName,
    pub(super) upload: StoredUpload,
    /// The error of this operation for an upload that does not exist.
    missing: OssErrorKind,
}

impl NamedUpload {
    /// Finds the upload in `uploadId`, which must belong to the key of the request.
    pub(super) async fn find(
        request: &ObjectRequest<'_>,
        missing: OssErrorKind,
    ) -> Result<Self, OssError> {
        let text = request.query.get("uploadId").unwrap_or_default();
        let id = UploadId::parse(text).ok_or_else(|| {
            let reason = format!("uploadId is {text:?}, and an upload id has 32 hex digits");
            OssErrorKind::UploadIdInvalid.because(reason).with_child("UploadId", text)
        })?;
        let name = UploadName { bucket: request.bucket.name.clone(), id };
        let found = request.state.store.find_upload(&name).await;
        let found = found.map_err(|error| storage_error(&error))?;
        match found {
            Some(upload) if upload.key == request.key => Ok(Self { name, upload, missing }),
            Some(_) => Err(no_upload(missing, &name, "belongs to another key")),
            None => Err(no_upload(missing, &name, "does not exist")),
        }
    }

    /// Turns a failure of the store into a response.
    pub(super) fn error(&self, error: UploadStoreError) -> OssError {
        match error {
            UploadStoreError::NoUpload => {
                no_upload(self.missing, &self.name, "was completed or aborted meanwhile")
            }
            UploadStoreError::PartChanged => OssErrorKind::PartInvalid
                .because("a part was replaced while the upload was completed"),
            UploadStoreError::PartGone => {
                OssErrorKind::PartGone.because("the file of a part was deleted")
            }
            UploadStoreError::Io(error) => storage_error(&error),
        }
    }
}

fn no_upload(kind: OssErrorKind, name: &UploadName, what: &str) -> OssError {
    let id = name.id.as_str();
    kind.because(format!("the upload {id} {what}")).with_child("UploadId", id)
}

/// Removes an upload and its parts. A part that arrives later is refused.
pub(super) async fn abort(request: &ObjectRequest<'_>) -> Result<OssResponse, OssError> {
    let named = NamedUpload::find(request, OssErrorKind::NoSuchUpload).await?;
    let aborted = request.state.store.abort_upload(&named.name).await;
    aborted.map_err(|error| named.error(error))?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
