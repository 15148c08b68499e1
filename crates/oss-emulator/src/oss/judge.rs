//! The judge: everything about a form that can be decided before its file is read.
//!
//! Pure, so that a command can explain a refusal and a fuzzer can look for holes without a server.
//! Checks 4 to 10 of the list in `post_object`; those before need the bytes of the body, those
//! after need the file.

use std::ops::RangeInclusive;

use crate::keys::AccessKey;
use crate::oss::auth;
use crate::oss::auth::Version;
use crate::oss::fields;
use crate::oss::fields::Wishes;
use crate::oss::form::Form;
use crate::oss::judgement::Judgement;
use crate::oss::key;
use crate::oss::options::Bucket;
use crate::oss::policy::Policy;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// Holds what a form is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Court<'a> {
    /// The bucket that the host names.
    pub bucket: &'a Bucket,
    /// The keys that may sign.
    pub keys: &'a [AccessKey],
    /// How strictly to judge.
    pub judgement: &'a Judgement,
    /// The time, in Unix seconds.
    pub now: i64,
}

/// Says yes, under these terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The object's key, with the file name put in.
    pub key: String,
    /// The sizes that the file may have.
    pub sizes: RangeInclusive<u64>,
    /// What the fields ask for.
    pub wishes: Wishes,
    /// The policy, for a second look at its expiry when the body has arrived.
    pub policy: Policy,
}

impl Court<'_> {
    /// Judges a form, in the order in which OSS is taken to judge.
    pub fn judge(&self, form: &Form) -> Result<Verdict, Refusal> {
        // 4: the key.
        let key = key::required(form)?;
        // 5 to 7: who asks, since when, in which region, and whether the signature is theirs.
        let signed = auth::authenticate(self, form)?;
        // 8: the policy's shape, its expiry, its conditions, and what it must not leave open.
        let policy = Policy::decode(signed.policy, self.judgement)?;
        let unchecked = self.judgement.unchecked;
        if !unchecked.conditions {
            policy.evaluate(form, &self.bucket.name, self.now, self.judgement)?;
        }
        if signed.version == Version::V4 {
            policy.check_cover(form, self.judgement)?;
        }
        // 9: the values, and the key with the file name in it.
        let key = key::expand(key, form, self.judgement)?;
        let wishes = fields::check(form, self.judgement)?;
        // 10: whether the key that signed may write this object.
        self.check_permission(signed.key, &key)?;
        let sizes = if unchecked.sizes { 0..=u64::MAX } else { policy.sizes() };
        Ok(Verdict { key, sizes, wishes, policy })
    }

    fn check_permission(&self, signer: &AccessKey, key: &str) -> Result<(), Refusal> {
        // Region and account of a resource are left open here: buckets have no account.
        let resource = format!("acs:oss:*:*:{}/{key}", self.bucket.name);
        if signer.may("oss:PutObject", &resource) {
            return Ok(());
        }
        Err(Kind::NoPermission.because(format!(
            "the key that signed may not do oss:PutObject on {resource}; look at the policies of \
             its role and its session"
        )))
    }
}
