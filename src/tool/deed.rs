//! Forms of the tool's own: for a page that anybody may post, and for a file of this machine.
//!
//! The function's grants pin what a script in a browser can send. A page without a script, and an
//! upload to a key that somebody named, want other fields; the conditions are put together here,
//! and signed like every other policy.

use crate::policy::condition::Condition;
use crate::policy::document::PolicyDocument;
use crate::policy::route::SignatureVersion;
use crate::policy::route::SizeRange;
use crate::signature::signer::Signer;
use crate::signature::signer::Stamp;
use crate::signature::v1;
use crate::signature::v4;
use crate::time::Timestamp;
use crate::tool::desk::Desk;

/// What a form allows.
#[derive(Debug)]
pub(super) struct Deed<'a> {
    /// The field `key`.
    pub(super) key: &'a str,
    /// What the policy says of it.
    pub(super) key_condition: Condition<'a>,
    /// The file's size in bytes.
    pub(super) size: SizeRange,
    /// What the policy says of the file's type.
    pub(super) types: Vec<Condition<'a>>,
    /// Further fields, each of which is a condition too.
    pub(super) pinned: Vec<(&'static str, String)>,
    /// Until when the form is good.
    pub(super) expires_at: Timestamp,
}

impl Deed<'_> {
    /// Signs the form and gives its fields in order.
    pub(super) fn sign(&self, desk: &Desk) -> Vec<(&'static str, String)> {
        let signer = signer(desk);
        let stamp = signer.stamp();
        let policy = v4::encode_policy(&self.policy(desk, &stamp));
        let proof = signer.prove(&policy);
        let mut fields = vec![("key", self.key.to_owned()), (v4::POLICY, policy)];
        fields.extend(stamp.fields);
        fields.push(proof);
        fields.extend(self.pinned.iter().cloned());
        fields
    }

    fn policy(&self, desk: &Desk, stamp: &Stamp) -> String {
        let mut conditions = vec![Condition::Equal("bucket", desk.route.bucket.as_str())];
        let fixed = stamp.fields.iter().filter(|_| stamp.is_pinned).chain(&self.pinned);
        conditions.extend(fixed.map(|(name, value)| Condition::Equal(name, value)));
        conditions.push(self.key_condition.clone());
        conditions.push(Condition::ContentLengthRange(self.size.min, self.size.max));
        conditions.extend(self.types.iter().cloned());
        PolicyDocument { expiration: self.expires_at, conditions }.to_json()
    }
}

/// Picks the signer of the route's version.
fn signer(desk: &Desk) -> Signer<'_> {
    let (key_id, secret) = (desk.credentials.key_id.as_str(), &desk.credentials.secret);
    let token = desk.credentials.token.as_ref();
    match desk.route.signature {
        SignatureVersion::V1 => Signer::V1(v1::Signer { key_id, secret, token }),
        SignatureVersion::V4 => {
            let region = desk.route.region.as_str();
            Signer::V4(v4::Signer { key_id, secret, token, region, now: desk.now })
        }
    }
}
