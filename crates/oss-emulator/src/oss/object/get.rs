//! Reads and describes objects.
//!
//! Sources: the pages of `GetObject` and `HeadObject`. Buckets are private: without a signature only an object
//! whose own ACL is public can be read, unless the bucket is public. As in the cloud, a caller
//! without a signature is not informed whether an object exists. Versions and archives are not emulated.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::oss::callback::signing_key;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::object::conditions::{self, Precondition};
use crate::oss::object::range::ByteRange;
use crate::oss::options::{BucketAcl, OssEvent};
use crate::oss::response;
use crate::oss::response::{OssResponse, OssResponseBody};
use crate::oss::store::Sidecar;

/// The image processing that a URL asks for.
const X_OSS_PROCESS: &str = "x-oss-process";

/// Responds with an object; HEAD gets the same headers without the content.
pub(in crate::oss) async fn get_object(
    request: &ObjectRequest<'_>,
) -> Result<OssResponse, OssError> {
    let (state, key) = (request.state, &request.key);
    if key.is_empty() {
        let is_signed = request.identity.is_signed();
        let kind = if is_signed { OssErrorKind::NotImplemented } else { OssErrorKind::Anonymous };
        return Err(kind.because("the local OSS does not list objects; request one by its key"));
    }
    if request.identity.is_signed() {
        request.check_permission("oss:GetObject")?;
    }
    let overrides = ResponseOverrides::read(request)?;
    let found = state.store.find(&request.bucket.name, key).await.map_err(|error| {
        OssErrorKind::InternalError
            .because(format!("the local OSS could not read its data folder: {error}"))
    })?;
    // An object stored there by an earlier version must not be taken for the public key.
    let found = found.filter(|_| !signing_key::is_reserved(key));
    let is_public = found.as_ref().is_some_and(|(object, _)| object.is_public());
    if !(request.identity.is_signed() || state.bucket_acl == BucketAcl::PublicRead || is_public) {
        return Err(unsigned(request, found.is_some()));
    }
    let (object, file) = found.ok_or_else(|| {
        OssErrorKind::NoSuchKey
            .because(format!("no object {key:?} is in the bucket {}", request.bucket.name))
            .with_child("Key", key)
    })?;
    let mut response = match conditions::check(&request.head.headers, &object)? {
        Precondition::Holds => content(request, &object, file)?,
        Precondition::NotModified => not_modified(&object),
    };
    overrides.apply(&mut response);
    Ok(response)
}

/// Builds the error for reading without a signature. The developer is informed of objects that exist.
fn unsigned(request: &ObjectRequest<'_>, exists: bool) -> OssError {
    let reason = "it was read without a signature, and neither the bucket nor the object is public; \
                  read with a presigned URL, or start the local OSS with --public-read";
    if exists {
        let (key, reason) = (request.key.clone(), reason.to_owned());
        request.state.notify(&OssEvent::Warned { key, reason });
    }
    OssErrorKind::Anonymous.because(reason)
}

fn content(
    request: &ObjectRequest<'_>,
    object: &Sidecar,
    mut file: File,
) -> Result<OssResponse, OssError> {
    warn_of_processing(request);
    let mut response = response::object(object);
    if request.head.method == Method::HEAD {
        return Ok(response);
    }
    let Some(range) = ByteRange::read(&request.head.headers, object.size)? else {
        *response.body_mut() = OssResponseBody::file(file, object.size);
        return Ok(response);
    };
    file.seek(SeekFrom::Start(range.first)).map_err(|error| {
        OssErrorKind::InternalError
            .because(format!("the local OSS could not read its data folder: {error}"))
    })?;
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    response::insert(&mut response, header::CONTENT_LENGTH, &range.length().to_string());
    response::insert(&mut response, header::CONTENT_RANGE, &range.content_range(object.size));
    *response.body_mut() = OssResponseBody::file(file, range.length());
    Ok(response)
}

fn not_modified(object: &Sidecar) -> OssResponse {
    let mut response = response::object(object);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

/// Reports that an image is returned as it was stored.
fn warn_of_processing(request: &ObjectRequest<'_>) {
    if let Some(process) = request.query.get(X_OSS_PROCESS) {
        let reason = format!(
            "the local OSS does not process images, so {X_OSS_PROCESS}={process} returns the object as \
             it was stored"
        );
        request.state.notify(&OssEvent::Warned { key: request.key.clone(), reason });
    }
}

/// The parameters that choose headers of the response, and these headers. Only a signed request may have
/// them.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

/// The headers that a request chooses.
#[derive(Debug, Default)]
struct ResponseOverrides(Vec<(HeaderName, HeaderValue)>);

impl ResponseOverrides {
    fn read(request: &ObjectRequest<'_>) -> Result<Self, OssError> {
        let mut headers = Vec::new();
        for (parameter, name) in OVERRIDES {
            let Some(text) = request.query.get(parameter) else { continue };
            if !request.identity.is_signed() {
                return Err(OssErrorKind::OverrideUnsigned
                    .because(format!("{parameter} needs a signature, and the request has none")));
            }
            let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
                let reason = format!("{parameter} holds a line end or another control character");
                OssErrorKind::ArgumentInvalid.argument(parameter, text, reason)
            })?;
            headers.push((name, value));
        }
        Ok(Self(headers))
    }

    fn apply(self, response: &mut OssResponse) {
        for (name, value) in self.0 {
            response.headers_mut().insert(name, value);
        }
    }
}
