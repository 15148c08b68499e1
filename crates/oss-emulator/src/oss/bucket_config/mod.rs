//! The configuration of a bucket: what it is, its CORS rules and its lifecycle rules.
//!
//! Sources: the pages of `GetBucketInfo`, of the operations on CORS and lifecycle rules, and the pages of the ECs that
//! `error` names. Rules are kept in memory for one run. They are returned as they were put, element by element, with
//! white space of their own; a lifecycle rule without an id gets one. Lifecycle rules are not carried out.
//!
//! CORS rules that were put replace the rule of the options for their bucket, until they are deleted.

mod cors;
mod document;
mod lifecycle;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, StatusCode, header};

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

/// The configurations of all buckets.
#[derive(Default)]
pub(super) struct BucketConfigs(Mutex<BTreeMap<String, BucketConfig>>);

#[derive(Clone, Default)]
struct BucketConfig {
    cors: Option<Arc<CorsRules>>,
    lifecycle: Option<Arc<LifecycleRules>>,
}

impl BucketConfigs {
    fn with<T>(&self, bucket: &str, change: impl FnOnce(&mut BucketConfig) -> T) -> T {
        // No change can panic halfway, so the data of a poisoned lock is still consistent.
        let mut configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(configs.entry(bucket.to_owned()).or_default())
    }

    fn cors(&self, bucket: &str) -> Option<Arc<CorsRules>> {
        self.with(bucket, |config| config.cors.clone())
    }

    /// Returns the headers of a preflight response; `None` if no CORS rules were put.
    pub(super) fn preflight(
        &self,
        bucket: &str,
        request: &HeaderMap,
    ) -> Option<Result<HeaderMap, OssError>> {
        self.cors(bucket).map(|rules| rules.preflight(request))
    }

    /// Adds the headers that let the page of a request read the response. Returns `false` if no CORS rules were put.
    pub(super) fn apply_cors(
        &self,
        bucket: &str,
        (origin, method): (Option<&HeaderValue>, &str),
        headers: &mut HeaderMap,
    ) -> bool {
        let rules = self.cors(bucket);
        if let Some(rules) = &rules {
            rules.apply(origin, method, headers);
        }
        rules.is_some()
    }

    /// Returns whether a CORS rule of some bucket names the origin.
    pub(super) fn allow_page(&self, origin: &str) -> bool {
        let configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        configs.values().filter_map(|config| config.cors.as_ref()).any(|rules| rules.names(origin))
    }
}

/// Performs an operation.
pub(super) async fn handle(
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

/// Returns the origin of a request as text.
pub(super) fn origin_text(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).and_then(|value| value.to_str().ok())
}
