//! The policy of a form: parsing and evaluation.
//!
//! Sources: the PostObject page, appendix on policies; error code pages of family 0006. SDK tests
//! show that `$content-type` refers to the file part. The functions are pure: the clock and the
//! form are arguments, so a command and a fuzz target can use them as well. `validator::auth`
//! verifies the signature of the policy.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::dates;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::policy::json::PolicyJson;
use crate::oss::strictness::{Relaxation, Strictness};

mod condition;
mod json;

pub use self::condition::PolicyCondition;

/// The largest object, in bytes: 5 GB.
pub(super) const MAX_OBJECT: u64 = 5 * 1024 * 1024 * 1024;

/// A well-formed policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostPolicy {
    expires_at: i64,
    conditions: Vec<PolicyCondition>,
}

impl PostPolicy {
    /// Parses the `policy` field: base64 with the standard alphabet, on one line.
    pub fn decode(field: &str, strictness: &Strictness) -> Result<Self, OssError> {
        let document = STANDARD.decode(field).map_err(|_| {
            OssErrorKind::PolicyNotBase64.because(
                "the policy field is not base64 of the standard alphabet, padded, on one line",
            )
        })?;
        Self::parse(&document, strictness)
    }

    /// Parses the document itself.
    pub fn parse(document: &[u8], strictness: &Strictness) -> Result<Self, OssError> {
        let text = std::str::from_utf8(document)
            .map_err(|_| OssErrorKind::PolicyNotUtf8.because("the decoded policy is not UTF-8"))?;
        let json = json::parse(text).map_err(|complaint| {
            OssErrorKind::PolicyNotJson
                .because(format!("the decoded policy is not JSON: {complaint}"))
                .with_message(format!("Invalid Policy: Invalid JSON: {complaint}"))
        })?;
        let PolicyJson::Object(items) = json else {
            return Err(
                OssErrorKind::PolicyInvalid.because("the decoded policy is not a JSON object")
            );
        };
        let (expiration, conditions) = top_level(&items)?;
        Ok(Self {
            expires_at: parse_iso(expiration, strictness)?,
            conditions: parse_conditions(conditions)?,
        })
    }

    /// Returns the last Unix second at which the policy is valid.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Returns the conditions in the order of the document.
    #[must_use]
    pub fn conditions(&self) -> &[PolicyCondition] {
        &self.conditions
    }
}

/// Returns the two items of the document; any other item is an error.
fn top_level(items: &[(String, PolicyJson)]) -> Result<(&PolicyJson, &PolicyJson), OssError> {
    let (mut expiration, mut conditions) = (None, None);
    for (key, value) in items {
        let slot = match key.as_str() {
            "expiration" => &mut expiration,
            "conditions" => &mut conditions,
            _ => {
                return Err(OssErrorKind::PolicyExtraKey.because(format!(
                    "the policy has the item {key:?}; it may have expiration and conditions only"
                )));
            }
        };
        if slot.replace(value).is_some() {
            return Err(
                OssErrorKind::PolicyInvalid.because(format!("the policy has {key:?} twice"))
            );
        }
    }
    match (expiration, conditions) {
        (Some(expiration), Some(conditions)) => Ok((expiration, conditions)),
        (Some(_), None) => Err(OssErrorKind::NoConditions.because("the policy has no conditions")),
        (None, Some(_)) => Err(OssErrorKind::NoExpiration.because("the policy has no expiration")),
        (None, None) => {
            Err(OssErrorKind::PolicyEmpty
                .because("the policy has neither expiration nor conditions"))
        }
    }
}

fn parse_iso(json: &PolicyJson, strictness: &Strictness) -> Result<i64, OssError> {
    let PolicyJson::Text(text) = json else {
        return Err(
            OssErrorKind::ExpirationNotText.because("the policy's expiration is not a string")
        );
    };
    if text.is_empty() {
        return Err(OssErrorKind::ExpirationEmpty.because("the policy's expiration is empty"));
    }
    dates::parse_iso(text, strictness.allows(Relaxation::AnyExpiration)).ok_or_else(|| {
        OssErrorKind::ExpirationMalformed.because(format!(
            "the policy's expiration {text:?} is not of the form 2024-11-27T07:09:41.000Z"
        ))
    })
}

fn parse_conditions(json: &PolicyJson) -> Result<Vec<PolicyCondition>, OssError> {
    let PolicyJson::List(items) = json else {
        return Err(OssErrorKind::PolicyInvalid.because("the policy's conditions are not a list"));
    };
    if items.is_empty() {
        return Err(
            OssErrorKind::ConditionsEmpty.because("the policy's list of conditions is empty")
        );
    }
    items.iter().map(PolicyCondition::parse).collect()
}

/// The V4 fields that a policy must name (error code page 0006-00000228).
const COVERED: [&str; 3] = ["x-oss-signature-version", "x-oss-credential", "x-oss-date"];

impl PostPolicy {
    /// Checks the expiry, then each condition in order.
    pub fn evaluate(
        &self,
        form: &UploadForm,
        bucket: &str,
        now: i64,
        strictness: &Strictness,
    ) -> Result<(), OssError> {
        self.check_expiry(now)?;
        self.check_conditions(form, bucket, strictness)
    }

    /// Checks that the policy has not expired.
    pub fn check_expiry(&self, now: i64) -> Result<(), OssError> {
        if now <= self.expires_at {
            return Ok(());
        }
        Err(OssErrorKind::PolicyExpired.because(format!(
            "the policy expired {} seconds ago; ask for a new signature",
            now.saturating_sub(self.expires_at)
        )))
    }

    /// Checks all conditions; the error names the first that the form does not meet.
    pub fn check_conditions(
        &self,
        form: &UploadForm,
        bucket: &str,
        strictness: &Strictness,
    ) -> Result<(), OssError> {
        for condition in &self.conditions {
            let Some(field) = condition.field() else {
                continue;
            };
            let values = values(field, form, bucket, strictness);
            if values.is_empty() {
                return Err(absent(condition, field));
            }
            if let Some(value) = values.iter().find(|value| !condition.holds(value)) {
                return Err(unmet(condition, field, value));
            }
        }
        Ok(())
    }

    /// Checks that a condition names each V4 field of the form.
    pub fn check_cover(&self, form: &UploadForm, strictness: &Strictness) -> Result<(), OssError> {
        let token =
            (!strictness.allows(Relaxation::UncoveredToken)).then_some("x-oss-security-token");
        let extra: Vec<&str> = COVERED
            .into_iter()
            .chain(token)
            .filter(|name| form.find(name).is_some_and(|value| !value.is_empty()))
            .filter(|name| !self.names(name))
            .collect();
        if extra.is_empty() {
            return Ok(());
        }
        let extra = extra.join(", ");
        let reason = format!("the form sends {extra}, which a V4 policy must name in a condition");
        Err(OssErrorKind::ExtraFields
            .because(reason)
            .with_message(format!("Invalid according to Policy: Extra input fields: {extra}")))
    }

    /// Returns the file sizes that all ranges of the policy and the 5 GB limit allow.
    #[must_use]
    pub fn sizes(&self) -> RangeInclusive<u64> {
        let mut sizes = (0, MAX_OBJECT);
        for condition in &self.conditions {
            if let PolicyCondition::SizeRange(min, max) = condition {
                sizes = (sizes.0.max(*min), sizes.1.min(*max));
            }
        }
        sizes.0..=sizes.1
    }

    fn names(&self, name: &str) -> bool {
        self.conditions
            .iter()
            .filter_map(PolicyCondition::field)
            .any(|field| field.eq_ignore_ascii_case(name))
    }
}

/// Returns the values that a condition on this field must hold for; empty if the form has no such
/// field.
fn values<'a>(
    field: &str,
    form: &'a UploadForm,
    bucket: &'a str,
    strictness: &Strictness,
) -> Vec<&'a str> {
    // The bucket is the one of the host, whatever a form field of that name says.
    if field.eq_ignore_ascii_case("bucket") {
        return vec![bucket];
    }
    let sent = form.find(field);
    if !field.eq_ignore_ascii_case("content-type") {
        return sent.into_iter().collect();
    }
    // The file part's type counts if there is no field. If both exist it is not known which one the
    // service checks, so both must pass.
    match (sent, form.file_type()) {
        (Some(sent), Some(part)) if !strictness.allows(Relaxation::ContentTypeField) => {
            vec![sent, part]
        }
        (Some(value), _) | (None, Some(value)) => vec![value],
        (None, None) => Vec::new(),
    }
}

/// Builds the error of a condition on a field that the form does not have.
fn absent(condition: &PolicyCondition, field: &str) -> OssError {
    let reason = format!(
        "the policy has a condition on {field}, but the form has no such field before the file"
    );
    failed(OssErrorKind::FieldAbsent, condition, reason)
}

/// Builds the error of a condition that a field's value does not meet.
fn unmet(condition: &PolicyCondition, field: &str, value: &str) -> OssError {
    // The token's condition holds the token, which must not reach a console.
    let reason = if field.eq_ignore_ascii_case("x-oss-security-token") {
        "the security token is not the one that the policy names".to_owned()
    } else {
        format!("the policy wants {condition}, but {field} is {value:?}")
    };
    failed(OssErrorKind::ConditionFailed, condition, reason)
}

fn failed(kind: OssErrorKind, condition: &PolicyCondition, reason: String) -> OssError {
    kind.because(reason)
        .with_message(format!("Invalid according to Policy: Policy Condition failed: {condition}"))
}

#[cfg(test)]
mod tests;
