//! Validates requests that are signed in their URL or their headers, without a server and without a body.
//!
//! What only a body or the store can show is left out: the content, and the objects that exist.

use http::request;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::host;
use crate::oss::object;
use crate::oss::operation::OssOperation;
use crate::oss::query::RequestQuery;
use crate::oss::request::authority;
use crate::oss::request_auth;
use crate::oss::upload_validator::UploadValidator;
use crate::oss::validator::Validator;

/// A request whose head passed all checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidRequest {
    /// The name of the bucket.
    pub bucket: String,
    /// The name of the operation, such as `PutObject`.
    pub operation: &'static str,
    /// The key of the object; empty for an operation on the bucket.
    pub key: String,
    /// The id of the key that signed; `None` for a request without a signature.
    pub key_id: Option<String>,
}

impl UploadValidator<'_> {
    /// Validates the head of a request other than a form upload: host, query, operation, signature and
    /// permission. The error is the response that the server would send.
    pub fn validate_head(&self, head: &request::Parts) -> Result<ValidRequest, OssError> {
        let bucket = self.bucket(host::without_port(authority(head)))?;
        let query = RequestQuery::parse(head.uri.query())?;
        let operation = OssOperation::of(head, &query);
        operation.check_supported(head, &query)?;
        let Some((name, action)) = operation.name_and_action() else {
            self.check_operation(head)?;
            return Err(OssErrorKind::MethodNotAllowed.because("the request is a form upload"));
        };
        let validator =
            Validator { bucket, keys: self.keys, strictness: self.strictness, now: self.now };
        let identity = request_auth::identify(&validator, head)?;
        let key = object::key_of(head)?;
        // Everyone may read what is public, which only the store knows.
        let reads = matches!(operation, OssOperation::GetObject | OssOperation::HeadObject);
        if identity.is_signed() || !reads {
            identity.check(action, bucket, &key)?;
        }
        Ok(ValidRequest {
            bucket: bucket.name.clone(),
            operation: name,
            key,
            key_id: identity.key_id().map(str::to_owned),
        })
    }
}
