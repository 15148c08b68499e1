//! Receives a request body that is the content of an object or of a part, as PutObject and UploadPart
//! send it.
//!
//! The content is streamed to disk and hashed on the way. A body that breaks off leaves no file.

use std::io;

use http::{header, request};
use md5::{Digest, Md5};

use crate::oss::crc64;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::policy::MAX_OBJECT;
use crate::oss::request::{RequestInfo, UploadBody};
use crate::oss::state::OssState;
use crate::oss::store::TempUpload;

/// A completely received body and its checksums.
#[derive(Debug)]
pub(super) struct ReceivedContent {
    /// Removed on drop, unless it is moved.
    pub(super) temp: TempUpload,
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) crc64: u64,
}

/// Checks the length and `Content-MD5` before the body is read.
pub(super) fn check_content_head(
    head: &request::Parts,
    body: &mut UploadBody,
) -> Result<(), OssError> {
    let is_announced = head.headers.contains_key(header::CONTENT_LENGTH);
    let length =
        body.announced().filter(|length| is_announced || *length > 0).ok_or_else(|| {
            OssErrorKind::MissingContentLength
                .because("the request has no Content-Length; chunked uploads are not accepted")
        })?;
    if length > MAX_OBJECT {
        let reason = format!("the body has {length} bytes; one request may send 5 GB");
        return Err(OssErrorKind::FileTooLarge.too_long(MAX_OBJECT, length, reason));
    }
    if let Some(digest) = head.headers.get("content-md5") {
        body.expect_digest(digest.as_bytes())?;
    }
    Ok(())
}

/// Streams the body to disk, and compares its MD5 with `Content-MD5` if that was sent.
pub(super) async fn receive_content(
    state: &OssState,
    info: &RequestInfo<'_>,
    body: &mut UploadBody,
) -> Result<ReceivedContent, OssError> {
    let mut temp = state.store.begin(&info.id).await.map_err(|error| storage_error(&error))?;
    let (mut md5, mut checksum, mut size) = (Md5::new(), crc64::digest(), 0);
    while let Some(bytes) = body.chunk().await? {
        size += bytes.len() as u64;
        md5.update(&bytes);
        checksum.update(&bytes);
        temp.write(&bytes).await.map_err(|error| storage_error(&error))?;
    }
    temp.flush().await.map_err(|error| storage_error(&error))?;
    body.check_digest()?;
    Ok(ReceivedContent { temp, size, md5: md5.finalize().into(), crc64: checksum.finalize() })
}

/// Builds the error for a failure of the emulator itself, such as a full disk.
pub(super) fn storage_error(error: &io::Error) -> OssError {
    OssErrorKind::InternalError
        .because(format!("the local OSS could not write its data folder: {error}"))
}
