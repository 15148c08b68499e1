//! The state that all requests share: options, store and request counter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::hosts::AllowedHosts;
use crate::keys::{AccessKey, KeyRing};
use crate::oss::bucket_config::BucketConfigs;
use crate::oss::callback::allowed::AllowedCallbacks;
use crate::oss::callback::signing_key::LazyCallbackKey;
use crate::oss::cors::Cors;
use crate::oss::error::OssError;
use crate::oss::options::{BucketAcl, Clock, LocalBucket, Observer, OpenError, Options, OssEvent};
use crate::oss::referer::RefererRules;
use crate::oss::request;
use crate::oss::store::Store;
use crate::oss::strictness::Strictness;
use crate::oss::upload_validator::UploadValidator;

/// Everything that a request handler needs.
pub(super) struct OssState {
    pub(super) buckets: Vec<LocalBucket>,
    pub(super) ring: KeyRing,
    pub(super) strictness: Strictness,
    pub(super) cors: Cors,
    pub(super) bucket_configs: BucketConfigs,
    pub(super) hosts: AllowedHosts,
    pub(super) referers: RefererRules,
    pub(super) bucket_acl: BucketAcl,
    pub(super) allowed_callbacks: AllowedCallbacks,
    pub(super) store: Arc<Store>,
    /// The key that signs callbacks.
    pub(super) callback_key: LazyCallbackKey,
    /// The address of the public half; set when the server starts.
    pub(super) callback_key_url: OnceLock<String>,
    clock: Clock,
    observer: Option<Observer>,
    requests: AtomicU64,
}

impl OssState {
    pub(super) fn open(options: Options) -> Result<Self, OpenError> {
        if options.buckets.is_empty() {
            return Err(OpenError::NoBucket);
        }
        if let Some(bucket) = options.buckets.iter().find(|one| !is_bucket_name(&one.name)) {
            return Err(OpenError::BucketName(bucket.name.clone()));
        }
        options.keys.into_iter().for_each(|key| options.ring.add(key));
        Ok(Self {
            store: Arc::new(Store::open(options.data_dir, &options.buckets)?),
            bucket_configs: BucketConfigs::default(),
            hosts: options.hosts,
            referers: options.referers,
            bucket_acl: options.bucket_acl,
            allowed_callbacks: options.allowed_callbacks,
            cors: Cors::new(options.cors_origins)
                .with_local_pages(options.cors_local_pages)
                .with_others_refused(options.refuse_other_pages)
                .with_exposed(&options.cors_exposed)
                .with_vary(options.cors_vary),
            buckets: options.buckets,
            ring: options.ring,
            strictness: options.strictness,
            callback_key: LazyCallbackKey::new(options.seed),
            callback_key_url: OnceLock::new(),
            clock: options.clock,
            observer: options.observer,
            requests: AtomicU64::new(0),
        })
    }

    /// Returns the current time in Unix seconds.
    pub(super) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Creates a validator for the current time.
    pub(super) fn upload_validator<'a>(&'a self, keys: &'a [AccessKey]) -> UploadValidator<'a> {
        UploadValidator {
            buckets: &self.buckets,
            hosts: &self.hosts,
            keys,
            strictness: &self.strictness,
            now: self.now(),
        }
    }

    /// Creates the id of the next request.
    pub(super) fn next_id(&self) -> String {
        request::request_id(self.now(), self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends an event to the observer, if there is one.
    pub(super) fn notify(&self, event: &OssEvent) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// Reports an error response to the observer.
    pub(super) fn notify_refused(&self, error: &OssError) {
        self.notify(&OssEvent::Refused {
            status: error.status(),
            code: error.code(),
            ec: error.ec(),
            reason: error.reason().to_owned(),
        });
    }
}

/// Returns whether OSS allows this bucket name. The name also becomes a directory name here.
fn is_bucket_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&name.len())
        && name.bytes().all(known)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_name_is_valid_as_a_directory_name() {
        for name in ["abc", "a-1", &"x".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in ["ab", "..", "a/b", "-ab", "ab-", "Abc", "a_b", &"x".repeat(64)] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }
}
