//! PutObject: the body is the content, and the headers are the properties.
//!
//! The checks in their order: the caller's permission, the key, the properties and the callback, length
//! and `Content-MD5`, the content, and the object that must not be overwritten. Unlike that of a form
//! upload, the `ETag` is documented to be the MD5 of the content.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::oss::callback::parameter::callback_warning;
use crate::oss::callback::template::{self, CallbackVariables, ImageInfo};
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::options::OssEvent;
use crate::oss::received_content::{
    ReceivedContent, check_content_head, receive_content, storage_error,
};
use crate::oss::request::UploadBody;
use crate::oss::request_options::{RequestCallback, fields_of_headers};
use crate::oss::response::OssResponse;
use crate::oss::store::{Sidecar, StoreError};
use crate::oss::validator::fields;
use crate::oss::validator::fields::ObjectOptions;
use crate::oss::{callback, content_type, response};

/// Stores the body of a request as an object.
pub(in crate::oss) async fn put_object(
    request: &ObjectRequest<'_>,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    let (state, head) = (request.state, request.head);
    request.check_permission("oss:PutObject")?;
    fields::check_key(&request.key)?;
    let form = fields_of_headers(head, &state.strictness)?;
    let options = fields::object_options(&form, &state.strictness)?;
    let callback = RequestCallback::read(head, request.query, &state.strictness)?;
    check_content_head(head, body)?;
    let content = receive_content(state, request.info, body).await?;
    let md5 = content.md5;
    let image_info = match &callback.parameter {
        Some(parameter) if template::wants_image_info(parameter) => {
            ImageInfo::read(content.temp.path().to_owned()).await
        }
        _ => None,
    };
    let object = store(request, options, content).await?;
    warn(request, &object, &callback);
    let response = response::put(&object);
    let Some(parameter) = &callback.parameter else {
        return Ok(response);
    };
    let variables = CallbackVariables {
        info: request.info,
        operation: "PutObject",
        bucket: &request.bucket.name,
        object: &object,
        form: &callback.variables,
        image_info,
        md5: Some(md5),
    };
    Ok(match callback::send(state, parameter, &variables).await {
        Ok(json) => response::callback_result(response, json),
        // The object is stored all the same.
        Err(error) => response::error(request.info, &error),
    })
}

async fn store(
    request: &ObjectRequest<'_>,
    options: ObjectOptions,
    content: ReceivedContent,
) -> Result<Sidecar, OssError> {
    let (state, bucket) = (request.state, &request.bucket.name);
    let object = Sidecar {
        key: request.key.clone(),
        size: content.size,
        etag: hex::encode_upper(content.md5),
        crc64: content.crc64,
        stored_at: state.now(),
        content_type: options.content_type,
        headers: options.headers,
        acl: options.acl,
        content_md5: Some(STANDARD.encode(content.md5)),
        ..Sidecar::default()
    };
    let (temp, forbid) = (content.temp, options.forbid_overwrite);
    let path = state.store.commit(temp, bucket, object.clone(), forbid).await;
    let path = path.map_err(|error| match error {
        StoreError::Exists => OssErrorKind::FileExists
            .because("an object of this key is there already, and x-oss-forbid-overwrite is true"),
        StoreError::Io(error) => storage_error(&error),
    })?;
    let (key, size) = (object.key.clone(), object.size);
    state.notify(&OssEvent::Stored { bucket: bucket.clone(), key, size, path });
    Ok(object)
}

/// Reports what is valid and probably not meant.
fn warn(request: &ObjectRequest<'_>, object: &Sidecar, callback: &RequestCallback) {
    let reasons = content_type::warning(&object.content_type).into_iter();
    for reason in reasons.chain(callback_warning(&callback.field)) {
        request.state.notify(&OssEvent::Warned { key: object.key.clone(), reason });
    }
}
