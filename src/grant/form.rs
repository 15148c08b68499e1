//! Signs one form: its fields, the policy that binds them, and the signature.
//!
//! Which key, size and types a form allows is decided by the caller: by the route's rules for the
//! function's grants, by whoever holds the access key for the tool's own forms.

use std::borrow::Cow;

use crate::credentials::Credentials;
use crate::policy::condition::Condition;
use crate::policy::document::PolicyDocument;
use crate::policy::header;
use crate::policy::route::{Route, SignatureVersion, SizeRange};
use crate::signing::v1::{self, V1Signer};
use crate::signing::v4::{self, V4Signer};
use crate::time::Timestamp;

/// A form field: name and value.
pub type Field = (Cow<'static, str>, String);

/// What a form allows.
#[derive(Debug)]
pub struct FormRules<'a> {
    /// The value of the field `key`, where the form carries that field.
    pub key: Option<&'a str>,
    /// The condition on the object's key.
    pub key_condition: Condition<'a>,
    /// The size of the file in bytes.
    pub size: SizeRange,
    /// Conditions on the type of the part `file`.
    pub types: Vec<Condition<'a>>,
    /// Further fields. Each is a condition with exactly this value too.
    pub fixed_fields: Vec<Field>,
    /// The last moment at which OSS accepts the form.
    pub expires_at: Timestamp,
}

/// Signs a form for the route's bucket and returns its fields in the order of the form.
#[must_use]
pub fn sign_form(
    rules: FormRules<'_>,
    route: &Route,
    credentials: &Credentials,
    now: Timestamp,
) -> Vec<Field> {
    let Credentials { key_id, secret, .. } = credentials;
    let token = credentials.token.as_ref();
    match route.signature {
        SignatureVersion::V4 => {
            let region = route.region.as_str();
            let signer = V4Signer { key_id, secret, token, region, now };
            let identity = signer.identity_fields();
            let policy = v4::encode_policy(&policy(&rules, route, &identity));
            let signature = (v4::X_OSS_SIGNATURE, signer.sign(&policy));
            fields(rules, policy, identity, signature)
        }
        SignatureVersion::V1 => {
            let signer = V1Signer { key_id, secret, token };
            // V1 needs none of its identity fields in the policy.
            let policy = v4::encode_policy(&policy(&rules, route, &[]));
            let signature = (v1::SIGNATURE, signer.sign(&policy));
            fields(rules, policy, signer.identity_fields(), signature)
        }
    }
}

fn policy(rules: &FormRules<'_>, route: &Route, identity: &[(&'static str, String)]) -> String {
    let mut conditions = Vec::with_capacity(8 + rules.fixed_fields.len());
    conditions.push(Condition::Equal("bucket", route.bucket.as_str()));
    conditions.extend(identity.iter().map(|(name, value)| Condition::Equal(name, value)));
    let fixed = rules.fixed_fields.iter();
    conditions.extend(fixed.map(|(name, value)| Condition::Equal(header::in_policy(name), value)));
    conditions.push(rules.key_condition.clone());
    conditions.push(Condition::ContentLengthRange(rules.size.min, rules.size.max));
    conditions.extend(rules.types.iter().cloned());
    PolicyDocument { expiration: rules.expires_at, conditions }.to_json()
}

fn fields(
    rules: FormRules<'_>,
    policy: String,
    identity: Vec<(&'static str, String)>,
    signature: (&'static str, String),
) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::with_capacity(7 + rules.fixed_fields.len());
    fields.extend(rules.key.map(|key| ("key".into(), key.to_owned())));
    fields.push((v4::POLICY.into(), policy));
    let signed = identity.into_iter().chain([signature]);
    fields.extend(signed.map(|(name, value)| (name.into(), value)));
    fields.extend(rules.fixed_fields);
    fields
}
