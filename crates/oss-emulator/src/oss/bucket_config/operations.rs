//! The operations on the configuration of a bucket: what it is, its CORS rules and its lifecycle rules.
//!
//! Sources: the pages of `GetBucketInfo` and of the operations on CORS and lifecycle rules. `bucket_config` keeps the
//! rules.

use std::sync::Arc;

use http::StatusCode;

use crate::oss::bucket_config::cors::CorsRules;
use crate::oss::bucket_config::document::{ConfigElement, element};
use crate::oss::bucket_config::lifecycle::LifecycleRules;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::operation::BucketOperation;
use crate::oss::request::UploadBody;
use crate::oss::response;
use crate::oss::response::OssResponse;

/// The largest document in bytes.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// The account that owns all buckets; it is the default account of the local STS.
const OWNER: &str = "1234567890123456";

/// Performs an operation.
pub(in crate::oss) async fn handle(
    operation: BucketOperation,
    request: &ObjectRequest<'_>,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    request.check_permission(operation.action())?;
    let configs = &request.state.bucket_configs;
    let bucket = request.bucket.name.as_str();
    match operation {
        BucketOperation::Info => Ok(document(&info(request))),
        BucketOperation::GetCors => match configs.cors(bucket) {
            Some(rules) => Ok(document(rules.element())),
            None => Err(OssErrorKind::NoSuchCors.because("the bucket has no CORS rules")),
        },
        BucketOperation::PutCors => {
            let rules = CorsRules::parse(&read(request, body).await?)?;
            configs.with(bucket, |config| config.cors = Some(Arc::new(rules)));
            Ok(response::empty(StatusCode::OK))
        }
        BucketOperation::DeleteCors => {
            configs.with(bucket, |config| config.cors = None);
            Ok(response::empty(StatusCode::NO_CONTENT))
        }
        BucketOperation::GetLifecycle => match configs.with(bucket, |one| one.lifecycle.clone()) {
            Some(rules) => Ok(document(rules.element())),
            None => Err(OssErrorKind::NoSuchLifecycle.because("the bucket has no lifecycle rules")),
        },
        BucketOperation::PutLifecycle => {
            let overlaps = request.head.headers.get("x-oss-allow-same-action-overlap");
            let overlaps = overlaps.is_some_and(|value| value == "true");
            let rules = LifecycleRules::parse(&read(request, body).await?, overlaps)?;
            configs.with(bucket, |config| config.lifecycle = Some(Arc::new(rules)));
            Ok(response::empty(StatusCode::OK))
        }
        BucketOperation::DeleteLifecycle => {
            configs.with(bucket, |config| config.lifecycle = None);
            Ok(response::empty(StatusCode::NO_CONTENT))
        }
    }
}

fn document(element: &ConfigElement) -> OssResponse {
    response::xml(element.to_document())
}

/// Reads the whole body as text, and compares it with its digest.
async fn read(request: &ObjectRequest<'_>, body: &mut UploadBody) -> Result<String, OssError> {
    if let Some(digest) = request.head.headers.get("content-md5") {
        body.expect_digest(digest.as_bytes())?;
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_DOCUMENT {
            return Err(OssErrorKind::ConfigMalformed.because("the document is over 1 MiB"));
        }
    }
    body.check_digest()?;
    String::from_utf8(bytes)
        .map_err(|_| OssErrorKind::ConfigMalformed.because("the document is not UTF-8"))
}

fn info(request: &ObjectRequest<'_>) -> ConfigElement {
    let bucket = request.bucket;
    let region = &bucket.region;
    let text = |name: &str, value: &str| element(name, value, Vec::new());
    let owner = vec![text("ID", OWNER), text("DisplayName", OWNER)];
    let children = vec![
        text("AccessMonitor", "Disabled"),
        text("Location", &format!("oss-{region}")),
        text("ExtranetEndpoint", &format!("oss-{region}.aliyuncs.com")),
        text("IntranetEndpoint", &format!("oss-{region}-internal.aliyuncs.com")),
        text("Name", &bucket.name),
        text("StorageClass", "Standard"),
        text("DataRedundancyType", "LRS"),
        text("CreationDate", "2024-01-01T00:00:00.000Z"),
        element("Owner", "", owner),
        element("AccessControlList", "", vec![text("Grant", "private")]),
    ];
    element("BucketInfo", "", vec![element("Bucket", "", children)])
}
