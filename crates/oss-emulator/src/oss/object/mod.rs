//! Operations on a whole object, which the path names: they put, get, describe and
//! delete it.

use http::{Method, request};
use percent_encoding::percent_decode_str;

use crate::oss::callback::signing_key;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::options::LocalBucket;
use crate::oss::query::RequestQuery;
use crate::oss::request::RequestInfo;
use crate::oss::request_auth::RequestIdentity;
use crate::oss::response;
use crate::oss::response::{OssResponse, OssResponseBody};
use crate::oss::state::OssState;

/// An authenticated request on a bucket or an object.
pub(super) struct ObjectRequest<'a> {
    pub(super) state: &'a OssState,
    pub(super) info: &'a RequestInfo<'a>,
    pub(super) bucket: &'a LocalBucket,
    pub(super) head: &'a request::Parts,
    pub(super) query: &'a RequestQuery,
    /// The decoded key of the path; empty for the bucket itself.
    pub(super) key: String,
    pub(super) identity: RequestIdentity,
}

impl ObjectRequest<'_> {
    /// Checks whether the caller may do a RAM action on the request's object or bucket.
    pub(super) fn check_permission(&self, action: &str) -> Result<(), OssError> {
        self.identity.check(action, self.bucket, &self.key)
    }
}

/// Returns the decoded key of a request's path.
pub(super) fn key_of(head: &request::Parts) -> Result<String, OssError> {
    let path = head.uri.path().strip_prefix('/').unwrap_or_default();
    let key = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| OssErrorKind::KeyInvalid.because("the path is not UTF-8"))?;
    Ok(key.into_owned())
}

/// Responds with an object; HEAD gets the same headers without the content.
pub(super) async fn get_object(request: &ObjectRequest<'_>) -> Result<OssResponse, OssError> {
    let (state, bucket, key) = (request.state, request.bucket, &request.key);
    if key.is_empty() {
        return Err(OssErrorKind::Anonymous
            .because("the local OSS does not list objects; request one by its key"));
    }
    let found = state.store.find(&bucket.name, key).await.map_err(|error| {
        OssErrorKind::InternalError
            .because(format!("the local OSS could not read its data folder: {error}"))
    })?;
    // An object stored there by an earlier version must not be taken for the public key.
    let found = found.filter(|_| !signing_key::is_reserved(key));
    let (object, file) = found.ok_or_else(|| {
        OssErrorKind::NoSuchKey
            .because(format!("no object {key:?} is in the bucket {}", bucket.name))
            .with_child("Key", key)
    })?;
    let mut response = response::object(&object);
    if request.head.method != Method::HEAD {
        *response.body_mut() = OssResponseBody::file(file, object.size);
    }
    Ok(response)
}
