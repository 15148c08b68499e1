//! One form, signed: the fields, each of which its policy holds to, and the proof.
//!
//! Which key, size and types a form allows is decided elsewhere: by the rules and a wish for the
//! function's grants, by whoever has the keys for the tool's own forms.

use std::borrow::Cow;

use crate::credentials::Credentials;
use crate::policy::condition::Condition;
use crate::policy::document::PolicyDocument;
use crate::policy::header;
use crate::policy::route::Route;
use crate::policy::route::SignatureVersion;
use crate::policy::route::SizeRange;
use crate::signing::signer::Signer;
use crate::signing::signer::Stamp;
use crate::signing::v1;
use crate::signing::v4;
use crate::time::Timestamp;

/// A field of a form: its name and its value.
pub type Field = (Cow<'static, str>, String);

/// What a form allows.
#[derive(Debug)]
pub struct Deed<'a> {
    /// The field `key`, where the form carries one from the start.
    pub key: Option<&'a str>,
    /// What the policy says of it.
    pub key_condition: Condition<'a>,
    /// The file's size in bytes.
    pub size: SizeRange,
    /// What the policy says of the type of the file's own part.
    pub types: Vec<Condition<'a>>,
    /// Further fields, each of which is a condition too.
    pub pinned: Vec<Field>,
    /// The last moment at which OSS takes the form.
    pub expires_at: Timestamp,
}

impl Deed<'_> {
    /// Signs the form for a route's bucket and gives its fields in order.
    #[must_use]
    pub fn sign(self, route: &Route, credentials: &Credentials, now: Timestamp) -> Vec<Field> {
        let signer = signer(route, credentials, now);
        let stamp = signer.stamp();
        let policy = v4::encode_policy(&self.policy(route, &stamp));
        let proof = signer.prove(&policy);
        let mut fields: Vec<Field> = Vec::with_capacity(7 + self.pinned.len());
        let named = |(name, value): (&'static str, String)| (name.into(), value);
        fields.extend(self.key.map(|key| ("key".into(), key.to_owned())));
        fields.push((v4::POLICY.into(), policy));
        fields.extend(stamp.fields.into_iter().map(named));
        fields.push(named(proof));
        fields.extend(self.pinned);
        fields
    }

    fn policy(&self, route: &Route, stamp: &Stamp) -> String {
        let mut conditions = Vec::with_capacity(8 + self.pinned.len());
        conditions.push(Condition::Equal("bucket", route.bucket.as_str()));
        let stamped = stamp.fields.iter().filter(|_| stamp.is_pinned);
        conditions.extend(stamped.map(|(name, value)| Condition::Equal(name, value)));
        let pinned = self.pinned.iter();
        conditions
            .extend(pinned.map(|(name, value)| Condition::Equal(header::in_policy(name), value)));
        conditions.push(self.key_condition.clone());
        conditions.push(Condition::ContentLengthRange(self.size.min, self.size.max));
        conditions.extend(self.types.iter().cloned());
        PolicyDocument { expiration: self.expires_at, conditions }.to_json()
    }
}

/// Picks the signer of the route's version.
fn signer<'a>(route: &'a Route, credentials: &'a Credentials, now: Timestamp) -> Signer<'a> {
    let Credentials { key_id, secret, .. } = credentials;
    let token = credentials.token.as_ref();
    match route.signature {
        SignatureVersion::V1 => Signer::V1(v1::Signer { key_id, secret, token }),
        SignatureVersion::V4 => {
            Signer::V4(v4::Signer { key_id, secret, token, region: route.region.as_str(), now })
        }
    }
}
