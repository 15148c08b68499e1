//! Validates a form before its file is read: checks 4 to 10 of the list in `post_object`.
//!
//! The checks are pure, so that a command can explain a rejection and a fuzz target can run without
//! a server. Earlier checks need the bytes of the body, later ones need the file.

use std::ops::RangeInclusive;

use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::options::LocalBucket;
use crate::oss::policy::PostPolicy;
use crate::oss::strictness::Strictness;
use crate::oss::validator::auth::PostSignatureVersion;
use crate::oss::validator::fields::ObjectOptions;

mod auth;
pub(super) mod fields;

/// Validates forms for one bucket at one point in time.
#[derive(Clone, Copy, Debug)]
pub struct Validator<'a> {
    /// The bucket that the host names.
    pub bucket: &'a LocalBucket,
    /// The keys that may sign.
    pub keys: &'a [AccessKey],
    /// The settings for checks that the documentation leaves open.
    pub strictness: &'a Strictness,
    /// The current time in Unix seconds.
    pub now: i64,
}

/// The result of a successful validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedForm {
    /// The object's key with the file name inserted.
    pub key: String,
    /// The allowed sizes of the file in bytes.
    pub sizes: RangeInclusive<u64>,
    /// The properties of the object that the fields set.
    pub options: ObjectOptions,
    /// The policy, whose expiry is checked again after the body has arrived.
    pub policy: PostPolicy,
}

impl Validator<'_> {
    /// Validates a form, with the checks in the order that OSS is assumed to use.
    pub fn validate(&self, form: &UploadForm) -> Result<AcceptedForm, OssError> {
        // 4: the key.
        let key = fields::required_key(form)?;
        // 5 to 7: the signature's fields, its date and region, and the signature itself.
        let signed = auth::authenticate(self, form)?;
        // 8: the policy's form, its expiry, its conditions, and the fields that it must cover.
        let policy = PostPolicy::decode(signed.policy, self.strictness)?;
        let skipped = self.strictness.skipped;
        if !skipped.conditions {
            policy.evaluate(form, &self.bucket.name, self.now, self.strictness)?;
        }
        if signed.version == PostSignatureVersion::V4 {
            policy.check_cover(form, self.strictness)?;
        }
        // 9: the values, and the key with the file name inserted.
        let key = fields::expand_key(key, form, self.strictness)?;
        let options = fields::object_options(form, self.strictness)?;
        // 10: the permission of the key that signed.
        self.check_permission(signed.key, &key)?;
        let sizes = if skipped.sizes { 0..=u64::MAX } else { policy.sizes() };
        Ok(AcceptedForm { key, sizes, options, policy })
    }

    fn check_permission(&self, signer: &AccessKey, key: &str) -> Result<(), OssError> {
        // Region and account of the resource are wildcards: buckets have no account here.
        let resource = format!("acs:oss:*:*:{}/{key}", self.bucket.name);
        if signer.may("oss:PutObject", &resource) {
            return Ok(());
        }
        Err(OssErrorKind::NoPermission.because(format!(
            "the key that signed may not do oss:PutObject on {resource}; look at the policies of \
             its role and its session"
        )))
    }
}
