//! Multipart uploads: the operations that build one object from parts.

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::operation::MultipartOperation;
use crate::oss::request::UploadBody;
use crate::oss::response::OssResponse;

/// Handles an operation of a multipart upload.
#[expect(clippy::unused_async, reason = "the operations that read a body await it")]
pub(super) async fn handle(
    operation: MultipartOperation,
    request: &ObjectRequest<'_>,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    request.check_permission("oss:PutObject")?;
    let _ = (request.info, request.query, &request.identity, body);
    Err(OssErrorKind::NotImplemented.because(format!("{operation:?} is not emulated")))
}
