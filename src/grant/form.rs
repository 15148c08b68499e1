//! The fields that a route fixes, and the signature of one form with its policy.
//!
//! [`sign_form`] signs whatever its rules allow. For grants they follow from the route; the developer tool chooses
//! them itself for its own forms.

use std::borrow::Cow;

use crate::credentials::Credentials;
use crate::grant::{Form, GrantRequest};
use crate::policy::PolicyError;
use crate::policy::content_type::{ContentType, UNKNOWN};
use crate::policy::document::{Condition, PolicyDocument};
use crate::policy::header::CONTENT_DISPOSITION;
use crate::policy::key::safe_name;
use crate::policy::route::{Route, SignatureVersion, SizeRange};
use crate::policy::template::RenderContext;
use crate::policy::{header, metadata};
use crate::signing::v1::{self, V1Signer};
use crate::signing::v4::{self, V4Signer};
use crate::time::Timestamp;

/// A form field: name and value.
pub type Field = (Cow<'static, str>, String);

/// What a form allows.
#[derive(Debug)]
pub struct FormRules<'a> {
    /// The value of the field `key`, if the form contains it.
    pub key: Option<&'a str>,
    /// The condition on the object's key.
    pub key_condition: Condition<'a>,
    /// The allowed sizes of the file.
    pub size: SizeRange,
    /// Conditions on the type of the part `file`.
    pub types: Vec<Condition<'a>>,
    /// Further fields. Each of them is also a condition with exactly this value.
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

/// The field, and the header, that refuses to replace an object.
pub const X_OSS_FORBID_OVERWRITE: &str = "x-oss-forbid-overwrite";

/// The field with the status of OSS's response.
pub(super) const SUCCESS_ACTION_STATUS: &str = "success_action_status";

/// The field with the type that OSS stores; it ignores that of the part `file`.
pub(super) const X_OSS_CONTENT_TYPE: &str = "x-oss-content-type";

/// Returns the fields that the function fixes, each of which is also a condition.
pub(super) fn fixed_fields(
    request: &GrantRequest,
    route: &Route,
    context: &RenderContext<'_>,
) -> Result<Vec<Field>, PolicyError> {
    let status = request.success.unwrap_or(route.status);
    let mut fixed: Vec<Field> = vec![(SUCCESS_ACTION_STATUS.into(), status.as_str().to_owned())];
    if request.form == Form::Complete {
        fixed.extend(object_fields(request, route, context)?);
    }
    Ok(fixed)
}

/// Returns the fields that OSS stores with the object, and the one that refuses to replace another object.
pub(super) fn object_fields(
    request: &GrantRequest,
    route: &Route,
    context: &RenderContext<'_>,
) -> Result<Vec<Field>, PolicyError> {
    let mut fields: Vec<Field> = Vec::with_capacity(4 + route.headers.len());
    if forbids_overwrite(request, route) {
        fields.push((X_OSS_FORBID_OVERWRITE.into(), "true".to_owned()));
    }
    let content_type = request.content_type.as_ref().map_or(UNKNOWN, ContentType::as_str);
    fields.push((X_OSS_CONTENT_TYPE.into(), content_type.to_owned()));
    let name = safe_name(request.filename.as_deref().unwrap_or_default());
    for header in &route.headers {
        fields.push((header.name.into(), header.render(context, &name)?));
    }
    fields.extend(default_disposition(request, route));
    let metadata = request.metadata.iter();
    fields.extend(metadata.map(|(name, value)| (metadata_field(name).into(), value.clone())));
    Ok(fields)
}

/// Returns whether OSS refuses an upload if the key exists. The documentation's page posts no field for it.
pub(super) fn forbids_overwrite(request: &GrantRequest, route: &Route) -> bool {
    request.form == Form::Complete && !route.overwrite
}

/// Returns the types that the stored object may have, for its receipt: without parameters, which the policy fixes and
/// which a callback may leave out.
pub(super) fn stored_types(request: &GrantRequest, route: &Route) -> Vec<String> {
    match (request.form, &request.content_type) {
        (_, Some(content_type)) => vec![content_type.essence().to_owned()],
        (Form::Complete, None) => vec![UNKNOWN.to_owned()],
        (Form::Documented, None) => route.types.iter().map(ToString::to_string).collect(),
    }
}

/// Returns the disposition `attachment` for a file that could run scripts as a page of the application, unless the
/// route sets a disposition. The type is fixed too, so the field cannot be evaded with another type.
fn default_disposition(request: &GrantRequest, route: &Route) -> Option<Field> {
    let can_run_scripts = request.content_type.as_ref().is_some_and(header::can_run_scripts);
    let is_set = || route.headers.iter().any(|header| header.name == CONTENT_DISPOSITION);
    (can_run_scripts && !is_set())
        .then(|| (CONTENT_DISPOSITION.into(), header::ATTACHMENT.to_owned()))
}

pub(super) fn metadata_field(name: &str) -> String {
    format!("{}{name}", metadata::PREFIX)
}
