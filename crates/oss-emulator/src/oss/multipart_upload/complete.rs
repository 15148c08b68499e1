//! CompleteMultipartUpload: joins parts into the object, and sends the callback.
//!
//! Parts are joined on disk, without their content in memory. While that goes on the upload is claimed.
//! The object appears in one step, and only then the upload is removed. If the process ends between
//! these two steps, the upload is still there after a restart and can be completed again.

use http::{StatusCode, header};
use percent_encoding::utf8_percent_encode;

use crate::oss::callback::parameter::callback_warning;
use crate::oss::callback::template::{self, CallbackVariables, ImageInfo};
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::multipart_upload::initiate::{exists, refuse_existing};
use crate::oss::multipart_upload::parameters::KeyEncoding;
use crate::oss::multipart_upload::part_list::{MAX_LIST, MAX_PARTS, read_part_list, too_long};
use crate::oss::multipart_upload::part_selection::{SelectedParts, WantedParts};
use crate::oss::multipart_upload::upload_lookup::NamedUpload;
use crate::oss::object::ObjectRequest;
use crate::oss::options::OssEvent;
use crate::oss::received_content::storage_error;
use crate::oss::request::UploadBody;
use crate::oss::request_options::{RequestCallback, fields_of_headers, header_text};
use crate::oss::response::OssResponse;
use crate::oss::store::{ObjectType, Sidecar, StoreError, UploadClaim};
use crate::oss::validator::fields;
use crate::oss::{callback, content_type, response};
use crate::xml::XmlWriter;

const COMPLETE_ALL: &str = "x-oss-complete-all";

/// The headers and parameters of the request.
#[derive(Debug)]
struct CompleteOptions {
    encoding: KeyEncoding,
    is_complete_all: bool,
    forbid_overwrite: bool,
    /// The ACL belongs to this operation, not to the start of the upload.
    acl: Option<String>,
    callback: RequestCallback,
}

pub(super) async fn complete(
    request: &ObjectRequest<'_>,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    let options = CompleteOptions::read(request)?;
    let named = NamedUpload::find(request, OssErrorKind::CompleteNoUpload).await?;
    let wanted = options.wanted_parts(request, body).await?;
    let store = &request.state.store;
    let stored = store.parts(&named.name, 0, MAX_PARTS as usize).await;
    let stored = stored.map_err(|error| named.error(error))?;
    let selected = SelectedParts::select(&wanted, &stored, &request.state.strictness)?;
    let forbid = options.forbid_overwrite || named.upload.forbid_overwrite;
    if forbid {
        // Checked again when the object is stored; here nothing has been joined in vain.
        refuse_existing(request, OssErrorKind::CompleteExists).await?;
    }
    let claim = store.claim_upload(&named.name).map_err(|error| named.error(error))?;
    let (object, image_info) =
        store_object(request, &named, &options, Joining { claim, selected, forbid }).await?;
    warn(request, &object, &options.callback);
    let response = options.response(request, &object);
    let Some(callback) = &options.callback.parameter else {
        return Ok(response);
    };
    let variables = CallbackVariables {
        info: request.info,
        operation: "CompleteMultipartUpload",
        bucket: &request.bucket.name,
        object: &object,
        form: &options.callback.variables,
        image_info,
        md5: None,
    };
    Ok(match callback::send(request.state, callback, &variables).await {
        Ok(json) => response::callback_result(response, json),
        // The object is stored all the same.
        Err(error) => response::error(request.info, &error),
    })
}

impl CompleteOptions {
    fn read(request: &ObjectRequest<'_>) -> Result<Self, OssError> {
        let strictness = &request.state.strictness;
        let form = fields_of_headers(request.head, strictness)?;
        let checked = fields::object_options(&form, strictness)?;
        let is_complete_all = match header_text(request.head, COMPLETE_ALL)?.as_deref() {
            None => false,
            Some("yes") => true,
            Some(other) => {
                let reason = "x-oss-complete-all must be yes";
                return Err(OssErrorKind::ArgumentInvalid.argument(COMPLETE_ALL, other, reason));
            }
        };
        Ok(Self {
            encoding: KeyEncoding::read(request.query)?,
            is_complete_all,
            forbid_overwrite: checked.forbid_overwrite,
            acl: checked.acl,
            callback: RequestCallback::read(request.head, request.query, strictness)?,
        })
    }

    /// Reads the body: a part list, or nothing if all parts are wanted.
    async fn wanted_parts(
        &self,
        request: &ObjectRequest<'_>,
        body: &mut UploadBody,
    ) -> Result<WantedParts, OssError> {
        if let Some(length) = body.announced().filter(|length| *length > MAX_LIST) {
            return Err(too_long(length));
        }
        if let Some(digest) = request.head.headers.get("content-md5") {
            body.expect_digest(digest.as_bytes())?;
        }
        let mut list = Vec::new();
        while let Some(bytes) = body.chunk().await? {
            list.extend_from_slice(&bytes);
            if list.len() as u64 > MAX_LIST {
                return Err(too_long(list.len() as u64));
            }
        }
        body.check_digest()?;
        if !self.is_complete_all {
            return read_part_list(&list).map(WantedParts::Listed);
        }
        if list.is_empty() {
            return Ok(WantedParts::All);
        }
        let reason = "the request has a body, and x-oss-complete-all wants none";
        Err(OssErrorKind::CompleteAllWithBody.argument(COMPLETE_ALL, "yes", reason))
    }

    fn response(&self, request: &ObjectRequest<'_>, object: &Sidecar) -> OssResponse {
        let path = utf8_percent_encode(&object.key, &response::PATH);
        let etag = format!("\"{}\"", object.etag);
        let mut result = XmlWriter::new("CompleteMultipartUploadResult");
        if let Some(name) = self.encoding.name() {
            result.element("EncodingType", name);
        }
        result
            .element("Location", format!("http://{}/{path}", request.info.authority))
            .element("Bucket", &request.bucket.name)
            .element("Key", self.encoding.write(&object.key))
            .element("ETag", &etag);
        let mut response = response::xml(result.finish());
        *response.status_mut() = StatusCode::OK;
        response::insert(&mut response, header::ETAG, &etag);
        let crc64 = object.crc64.to_string();
        response::insert(&mut response, response::X_OSS_HASH_CRC64ECMA, &crc64);
        response
    }
}

/// A claimed upload and the parts that become the object.
#[derive(Debug)]
struct Joining {
    claim: UploadClaim,
    selected: SelectedParts,
    forbid: bool,
}

/// Joins the parts and stores the object, with the properties from InitiateMultipartUpload.
async fn store_object(
    request: &ObjectRequest<'_>,
    named: &NamedUpload,
    options: &CompleteOptions,
    joining: Joining,
) -> Result<(Sidecar, Option<ImageInfo>), OssError> {
    let (state, bucket) = (request.state, &request.bucket.name);
    let Joining { claim, selected, forbid } = joining;
    let object = Sidecar { acl: options.acl.clone(), ..object(request, named, &selected) };
    let temp = state.store.begin(&request.info.id).await.map_err(|error| storage_error(&error))?;
    let joined = claim.join(temp, selected.into_parts()).await;
    let temp = joined.map_err(|error| named.error(error))?;
    let image_info = match &options.callback.parameter {
        Some(callback) if template::wants_image_info(callback) => {
            ImageInfo::read(temp.path().to_owned()).await
        }
        _ => None,
    };
    let stored = state.store.commit(temp, bucket, object.clone(), forbid).await;
    let path = stored.map_err(|error| match error {
        StoreError::Exists => exists(OssErrorKind::CompleteExists),
        StoreError::Io(error) => storage_error(&error),
    })?;
    // The object is there. What cannot be removed now is an upload that can be aborted.
    if let Err(error) = claim.remove().await {
        tracing::warn!(?error, "the parts of a completed upload could not be removed");
    }
    let (key, size) = (object.key.clone(), object.size);
    state.notify(&OssEvent::Stored { bucket: bucket.clone(), key, size, path });
    Ok((object, image_info))
}

fn object(request: &ObjectRequest<'_>, named: &NamedUpload, selected: &SelectedParts) -> Sidecar {
    let upload = &named.upload;
    Sidecar {
        key: upload.key.clone(),
        size: selected.size(),
        etag: selected.etag(),
        crc64: selected.crc64(),
        stored_at: request.state.now(),
        content_type: upload.content_type.clone(),
        headers: upload.headers.clone(),
        object_type: ObjectType::Multipart,
        ..Sidecar::default()
    }
}

/// Reports what is valid and probably not meant.
fn warn(request: &ObjectRequest<'_>, object: &Sidecar, callback: &RequestCallback) {
    let reasons = content_type::warning(&object.content_type).into_iter();
    for reason in reasons.chain(callback_warning(&callback.field)) {
        request.state.notify(&OssEvent::Warned { key: object.key.clone(), reason });
    }
}
