//! InitiateMultipartUpload: stores the properties of the object to come, and returns an upload id.

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::multipart_upload::parameters::KeyEncoding;
use crate::oss::object::ObjectRequest;
use crate::oss::received_content::storage_error;
use crate::oss::request_options::fields_of_headers;
use crate::oss::response;
use crate::oss::response::OssResponse;
use crate::oss::store::StoredUpload;
use crate::oss::validator::fields;
use crate::xml::XmlWriter;

/// Starts an upload. An existing object of the key is not changed by that.
pub(super) async fn initiate(request: &ObjectRequest<'_>) -> Result<OssResponse, OssError> {
    let (state, bucket) = (request.state, &request.bucket.name);
    let encoding = KeyEncoding::read(request.query)?;
    let form = fields_of_headers(request.head, &state.strictness)?;
    let options = fields::object_options(&form, &state.strictness)?;
    if options.forbid_overwrite {
        refuse_existing(request, OssErrorKind::FileExists).await?;
    }
    let upload = StoredUpload {
        key: request.key.clone(),
        initiated_at: state.now(),
        content_type: options.content_type,
        headers: options.headers,
        forbid_overwrite: options.forbid_overwrite,
    };
    let id = state.store.create_upload(bucket, &request.info.id, upload).await;
    let id = id.map_err(|error| storage_error(&error))?;
    let mut result = XmlWriter::new("InitiateMultipartUploadResult");
    if let Some(name) = encoding.name() {
        result.element("EncodingType", name);
    }
    result.element("Bucket", bucket);
    result.element("Key", encoding.write(&request.key));
    result.element("UploadId", id.as_str());
    Ok(response::xml(result.finish()))
}

/// Fails if an object of the request's key exists.
pub(super) async fn refuse_existing(
    request: &ObjectRequest<'_>,
    kind: OssErrorKind,
) -> Result<(), OssError> {
    let found = request.state.store.find(&request.bucket.name, &request.key).await;
    match found.map_err(|error| storage_error(&error))? {
        None => Ok(()),
        Some(_) => Err(exists(kind)),
    }
}

/// Builds the error for an object that must not be overwritten.
pub(super) fn exists(kind: OssErrorKind) -> OssError {
    kind.because("an object of this key is there already, and x-oss-forbid-overwrite is true")
}
