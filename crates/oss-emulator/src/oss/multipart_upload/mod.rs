//! Multipart uploads: the six operations that build one object from parts.
//!
//! Sources: the pages of the operations, the error code pages, and what live tests of the official SDKs
//! show. The checks, in the order of execution:
//!
//! 1. The host names a bucket, and the query names each parameter once (`handler`, `query`).
//! 2. The signature is valid (`request_auth`).
//! 3. The key is a valid name, and the key that signed may do the action on it.
//! 4. The headers and the parameters of the operation are valid, `partNumber` among them.
//! 5. The upload exists and belongs to this key.
//! 6. The body has a length within the limits, arrives completely, and matches `Content-MD5`.
//! 7. The part list is well-formed, and its numbers ascend (`part_list`).
//! 8. Every part of the list is stored, has this ETag, and all but the last have the minimum size.
//! 9. No object is overwritten that must not be.
//! 10. The object is stored in one step; then the upload and its parts are removed.
//! 11. The callback, if there is one, is sent (`callback`).
//!
//! No page documents the order. A refused CompleteMultipartUpload changes nothing, so it can be sent
//! again. `store::uploads` keeps uploads and parts on disk. There is no end to the life of an upload; one
//! that is neither completed nor aborted is listed by ListMultipartUploads. The results have no XML
//! namespace: the samples of the pages have one, but the official Python client could not read it.

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::operation::MultipartOperation;
use crate::oss::request::UploadBody;
use crate::oss::response::OssResponse;
use crate::oss::validator::fields;

mod complete;
mod initiate;
mod list_parts;
mod list_uploads;
mod parameters;
pub(super) mod part_list;
mod part_selection;
mod upload_lookup;
mod upload_part;

/// Handles an operation of a multipart upload.
pub(super) async fn handle(
    operation: MultipartOperation,
    request: &ObjectRequest<'_>,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    let action = match operation {
        MultipartOperation::Initiate
        | MultipartOperation::UploadPart
        | MultipartOperation::Complete => "oss:PutObject",
        MultipartOperation::ListParts => "oss:ListParts",
        MultipartOperation::Abort => "oss:AbortMultipartUpload",
        MultipartOperation::ListUploads => "oss:ListMultipartUploads",
    };
    if operation != MultipartOperation::ListUploads {
        fields::check_key(&request.key)?;
    }
    request.check_permission(action)?;
    refuse_unsupported(request)?;
    match operation {
        MultipartOperation::Initiate => initiate::initiate(request).await,
        MultipartOperation::UploadPart => upload_part::upload_part(request, body).await,
        MultipartOperation::ListParts => list_parts::list_parts(request).await,
        MultipartOperation::Complete => complete::complete(request, body).await,
        MultipartOperation::Abort => upload_lookup::abort(request).await,
        MultipartOperation::ListUploads => list_uploads::list_uploads(request).await,
    }
}

/// Rejects what would otherwise be ignored silently.
fn refuse_unsupported(request: &ObjectRequest<'_>) -> Result<(), OssError> {
    if request.query.has("sequential") {
        return Err(OssErrorKind::NotImplemented
            .because("the local OSS does not support sequential multipart uploads"));
    }
    if request.head.headers.contains_key("x-oss-copy-source") {
        return Err(OssErrorKind::NotImplemented.because("the local OSS does not copy objects"));
    }
    Ok(())
}
