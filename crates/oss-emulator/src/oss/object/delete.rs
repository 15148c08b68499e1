//! DeleteObject: succeeds also if there is no such object.

use http::StatusCode;

use crate::oss::error::OssError;
use crate::oss::object::ObjectRequest;
use crate::oss::received_content::storage_error;
use crate::oss::response;
use crate::oss::response::OssResponse;

/// Deletes an object.
pub(in crate::oss) async fn delete_object(
    request: &ObjectRequest<'_>,
) -> Result<OssResponse, OssError> {
    request.check_permission("oss:DeleteObject")?;
    let store = &request.state.store;
    store
        .remove(&request.bucket.name, &request.key)
        .await
        .map_err(|error| storage_error(&error))?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
