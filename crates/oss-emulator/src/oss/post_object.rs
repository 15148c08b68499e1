//! PostObject, as a list of checks in the order of execution.
//!
//! 1. The host names a bucket (`handler`).
//! 2. The request is a form upload with a length under 5 GB.
//! 3. The fields before the file can be read and keep to their limits (`form_reader`).
//! 4. There is a `key` field.
//! 5. The fields of one signature version are complete.
//! 6. Version, credential, region, date, key id and token are valid.
//! 7. The signature is correct.
//! 8. The policy is well-formed, has not expired, is met, and leaves no V4 field open.
//! 9. The values of fields, and the key with the file name inserted, are valid.
//! 10. The key that signed may write this object.
//! 11. The file and the parts after it arrive completely, in the allowed size.
//! 12. No object is overwritten that must not be; the object is stored.
//! 13. The callback, if there is one, is sent, and its response becomes the response (`callback`).
//!
//! No page documents the order; this one is consistent with every known message. Checks 1 to 11 are
//! in `upload_validator`, which can also run without a server; checks 4 to 10 are pure and are in
//! `validator`. The file is streamed to disk. The object becomes visible only if the
//! first twelve checks pass, and stays whatever the result of the callback is.

use std::io;

use http::request;
use md5::{Digest, Md5};

use crate::oss::callback::parameter::{CallbackParameter, callback_warning};
use crate::oss::callback::template::{self, CallbackVariables, ImageInfo};
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::form_data::FormDataReader;
use crate::oss::options::{LocalBucket, OssEvent};
use crate::oss::request::{RequestInfo, UploadBody};
use crate::oss::response::OssResponse;
use crate::oss::state::OssState;
use crate::oss::store::{Sidecar, StoreError, TempUpload};
use crate::oss::strictness::{Relaxation, Strictness};
use crate::oss::upload_validator::{FileContent, PendingUpload, UploadValidator};
use crate::oss::validator::AcceptedForm;
use crate::oss::validator::fields::SuccessAction;
use crate::oss::{callback, content_type, crc64, response};

/// Validates an upload and stores it.
pub(super) async fn post_object(
    state: &OssState,
    info: &RequestInfo<'_>,
    validator: &UploadValidator<'_>,
    head: &request::Parts,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    let strictness = &state.strictness;
    let bucket = validator.bucket(&info.host)?;
    let PendingUpload { form, accepted, reader } =
        validator.read_fields(bucket, head, body).await?;
    let upload = receive_file(state, info, &accepted, reader).await?;
    let callback = accepted.options.callback.as_ref();
    let (md5, image_info) = (upload.md5, image_info(callback, &upload).await);
    let object = store_object(state, bucket, &accepted, upload).await?;
    warn(state, &object, &form);
    let parameters = strictness.allows(Relaxation::RedirectParameters);
    let success = &accepted.options.success;
    let response = response::stored(info, &bucket.name, &object, success, parameters);
    let Some(callback) = callback else {
        return Ok(response);
    };
    let variables = CallbackVariables {
        info,
        operation: "PostObject",
        bucket: &bucket.name,
        object: &object,
        form: &form,
        image_info,
        md5,
    };
    Ok(match callback::send(state, callback, &variables).await {
        Ok(json) if json_is_response(success, strictness) => {
            response::callback_result(response, json)
        }
        Ok(_) => response,
        // The upload itself succeeded: the object is stored, and a redirect is not followed.
        Err(error) => response::error(info, &error),
    })
}

/// Reads the image's properties before the file is moved, when no other upload can have replaced
/// it.
async fn image_info(
    callback: Option<&CallbackParameter>,
    upload: &ReceivedFile,
) -> Option<ImageInfo> {
    if !callback.is_some_and(template::wants_image_info) {
        return None;
    }
    ImageInfo::read(upload.temp.path().to_owned()).await
}

/// Returns whether the callback's response becomes the response to the upload. It takes precedence
/// over a status; its precedence over a redirect is not documented.
fn json_is_response(success: &SuccessAction, strictness: &Strictness) -> bool {
    let redirect = matches!(success, SuccessAction::Redirect(_));
    !redirect || strictness.allows(Relaxation::CallbackBeforeRedirect)
}

/// Check 12.
async fn store_object(
    state: &OssState,
    bucket: &LocalBucket,
    accepted: &AcceptedForm,
    upload: ReceivedFile,
) -> Result<Sidecar, OssError> {
    let options = &accepted.options;
    let object = Sidecar {
        key: accepted.key.clone(),
        size: upload.size,
        etag: upload.etag(&state.strictness),
        crc64: upload.crc64,
        stored_at: state.now(),
        content_type: options.content_type.clone(),
        headers: options.headers.clone(),
        acl: options.acl.clone(),
        ..Sidecar::default()
    };
    let (temp, forbid) = (upload.temp, options.forbid_overwrite);
    let stored = state.store.commit(temp, &bucket.name, object.clone(), forbid).await;
    let path = stored.map_err(|error| match error {
        StoreError::Exists => OssErrorKind::FileExists
            .because("an object of this key is there already, and x-oss-forbid-overwrite is true"),
        StoreError::Io(error) => storage_error(&error),
    })?;
    state.notify(&OssEvent::Stored {
        bucket: bucket.name.clone(),
        key: object.key.clone(),
        size: object.size,
        path,
    });
    Ok(object)
}

/// Reports what is valid and probably not meant.
fn warn(state: &OssState, object: &Sidecar, form: &UploadForm) {
    let callback = form.get("callback").and_then(callback_warning);
    for reason in content_type::warning(&object.content_type).into_iter().chain(callback) {
        state.notify(&OssEvent::Warned { key: object.key.clone(), reason });
    }
}

/// A completely received file, and the checksums computed on the way.
struct ReceivedFile {
    temp: TempUpload,
    size: u64,
    crc64: u64,
    /// Computed only where it is needed, because MD5 is the most expensive step of an upload.
    md5: Option<[u8; 16]>,
}

/// Check 11, and streams the file to disk. Stops as soon as the file exceeds the size that the policy
/// allows. The temporary file is deleted unless it is stored later.
async fn receive_file(
    state: &OssState,
    info: &RequestInfo<'_>,
    accepted: &AcceptedForm,
    reader: FormDataReader<'_>,
) -> Result<ReceivedFile, OssError> {
    let mut temp = state.store.begin(&info.id).await.map_err(|error| storage_error(&error))?;
    let in_callback = accepted.options.callback.as_ref().is_some_and(template::wants_md5);
    let wants_md5 = in_callback || state.strictness.allows(Relaxation::Md5Etag);
    let mut content = FileContent::new(reader, &accepted.sizes);
    let mut checksum = crc64::digest();
    let mut md5 = wants_md5.then(Md5::new);
    while let Some(bytes) = content.chunk().await? {
        checksum.update(&bytes);
        if let Some(md5) = &mut md5 {
            md5.update(&bytes);
        }
        temp.write(&bytes).await.map_err(|error| storage_error(&error))?;
    }
    temp.flush().await.map_err(|error| storage_error(&error))?;
    let size = content.finish(&accepted.policy, state.now(), &state.strictness).await?;
    Ok(ReceivedFile {
        temp,
        size,
        crc64: checksum.finalize(),
        md5: md5.map(|md5| md5.finalize().into()),
    })
}

impl ReceivedFile {
    /// Returns the `ETag`. By default it only looks like an MD5, because the documentation says
    /// that a posted object's `ETag` is not the MD5.
    fn etag(&self, strictness: &Strictness) -> String {
        let md5 = self.md5.filter(|_| strictness.allows(Relaxation::Md5Etag));
        let digest = md5.unwrap_or_else(|| {
            let (crc64, size) = (self.crc64.to_be_bytes(), self.size.to_be_bytes());
            Md5::digest([crc64, size].concat()).into()
        });
        hex::encode_upper(digest)
    }
}

/// Builds the error for a failure of the emulator itself, such as a full disk.
fn storage_error(error: &io::Error) -> OssError {
    OssErrorKind::InternalError
        .because(format!("the local OSS could not write its data folder: {error}"))
}
