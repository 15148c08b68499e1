//! Operations on a whole object, which the path names: they put, get, describe and delete it.

use http::{StatusCode, request};
use percent_encoding::percent_decode_str;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::options::LocalBucket;
use crate::oss::query::RequestQuery;
use crate::oss::received_content::storage_error;
use crate::oss::request::RequestInfo;
use crate::oss::request_auth::RequestIdentity;
use crate::oss::response;
use crate::oss::response::OssResponse;
use crate::oss::state::OssState;

mod conditions;
mod get;
mod put;
mod range;

pub(super) use self::get::get_object;
pub(super) use self::put::put_object;

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

/// Deletes an object; succeeds also if there is none.
pub(super) async fn delete_object(request: &ObjectRequest<'_>) -> Result<OssResponse, OssError> {
    request.check_permission("oss:DeleteObject")?;
    let store = &request.state.store;
    store
        .remove(&request.bucket.name, &request.key)
        .await
        .map_err(|error| storage_error(&error))?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
