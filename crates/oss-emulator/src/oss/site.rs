//! What all requests share: the options, the store, the counter of requests.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::hosts::Hosts;
use crate::keys::KeyRing;
use crate::oss::call;
use crate::oss::callback::CallbackTo;
use crate::oss::callback::key::KeyMaker;
use crate::oss::cors::Cors;
use crate::oss::judgement::Judgement;
use crate::oss::options::Bucket;
use crate::oss::options::Clock;
use crate::oss::options::Event;
use crate::oss::options::Observer;
use crate::oss::options::OpenError;
use crate::oss::options::Options;
use crate::oss::refusal::Refusal;
use crate::oss::store::Store;

/// Holds everything that a request needs.
pub(super) struct Site {
    pub(super) buckets: Vec<Bucket>,
    pub(super) ring: KeyRing,
    pub(super) judgement: Judgement,
    pub(super) cors: Cors,
    pub(super) hosts: Hosts,
    pub(super) callback_to: CallbackTo,
    pub(super) store: Arc<Store>,
    /// The key that signs callbacks.
    pub(super) key: KeyMaker,
    /// Where its public half is found; set when the site is served.
    pub(super) key_url: OnceLock<String>,
    clock: Clock,
    observer: Option<Observer>,
    requests: AtomicU64,
}

impl Site {
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
            hosts: options.hosts,
            callback_to: options.callback_to,
            cors: Cors::new(options.cors_origins)
                .with_local_pages(options.cors_local_pages)
                .refusing_others(options.refuse_other_pages)
                .exposing(&options.cors_exposed)
                .varying(options.cors_vary),
            buckets: options.buckets,
            ring: options.ring,
            judgement: options.judgement,
            key: KeyMaker::new(options.seed),
            key_url: OnceLock::new(),
            clock: options.clock,
            observer: options.observer,
            requests: AtomicU64::new(0),
        })
    }

    /// Returns the time in Unix seconds.
    pub(super) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Makes the next request's id.
    pub(super) fn next_id(&self) -> String {
        call::request_id(self.now(), self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells the observer, if there is one.
    pub(super) fn tell(&self, event: &Event) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// Tells the observer about a refusal.
    pub(super) fn tell_refusal(&self, refusal: &Refusal) {
        self.tell(&Event::Refused {
            status: refusal.status(),
            code: refusal.code(),
            ec: refusal.ec(),
            reason: refusal.reason().to_owned(),
        });
    }
}

/// A bucket's name is a folder's name here, so it must be one that OSS would allow.
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
    fn a_bucket_name_can_be_a_folder() {
        for name in ["abc", "a-1", &"x".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in ["ab", "..", "a/b", "-ab", "ab-", "Abc", "a_b", &"x".repeat(64)] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }
}
