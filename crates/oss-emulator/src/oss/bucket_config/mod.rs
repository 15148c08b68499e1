//! The configuration of a bucket: its CORS rules and its lifecycle rules.
//!
//! Sources: the pages of `GetBucketInfo`, of the operations on CORS and lifecycle rules, and the pages of the ECs that
//! `error` names. Rules are kept in memory for one run. They are returned as they were put, element by element, with
//! white space of their own; a lifecycle rule without an id gets one. Lifecycle rules are not carried out.
//!
//! CORS rules that were put replace the rule of the options for their bucket, until they are deleted.

mod cors;
mod document;
mod lifecycle;
pub(super) mod operations;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, header};

use crate::oss::bucket_config::cors::CorsRules;
use crate::oss::bucket_config::lifecycle::LifecycleRules;
use crate::oss::error::OssError;

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

/// Returns the origin of a request as text.
pub(super) fn origin_text(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).and_then(|value| value.to_str().ok())
}
