//! The policy: reading it, and judging a form by it.
//!
//! Facts §3. Pure: the clock and the form are arguments, so a command that explains a refusal and
//! a fuzzer can both use it. Who signed the policy is `auth`'s business.

mod condition;
mod json;

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::emulator::oss::dates;
use crate::emulator::oss::form::Form;
use crate::emulator::oss::judgement::Judgement;
use crate::emulator::oss::judgement::Leniency;
use crate::emulator::oss::policy::json::Json;
use crate::emulator::oss::refusal::Kind;
use crate::emulator::oss::refusal::Refusal;

pub use self::condition::Condition;

/// The largest object, in bytes: 5 GB.
pub(super) const MAX_OBJECT: u64 = 5 * 1024 * 1024 * 1024;

/// The V4 fields that a policy must name (facts §3.6).
const COVERED: [&str; 3] = ["x-oss-signature-version", "x-oss-credential", "x-oss-date"];

/// A policy document that has the right shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    expires_at: i64,
    conditions: Vec<Condition>,
}

impl Policy {
    /// Reads the `policy` field: base64, standard alphabet, on one line.
    pub fn decode(field: &str, judgement: &Judgement) -> Result<Self, Refusal> {
        let document = STANDARD.decode(field).map_err(|_| {
            Kind::PolicyNotBase64.because(
                "the policy field is not base64 of the standard alphabet, padded, on one line",
            )
        })?;
        Self::parse(&document, judgement)
    }

    /// Reads the document itself.
    pub fn parse(document: &[u8], judgement: &Judgement) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(document)
            .map_err(|_| Kind::PolicyNotUtf8.because("the decoded policy is not UTF-8"))?;
        let json = json::parse(text).map_err(|complaint| {
            Kind::PolicyNotJson
                .because(format!("the decoded policy is not JSON: {complaint}"))
                .with_message(format!("Invalid Policy: Invalid JSON: {complaint}"))
        })?;
        let Json::Object(items) = json else {
            return Err(Kind::PolicyInvalid.because("the decoded policy is not a JSON object"));
        };
        let (expiration, conditions) = top_level(&items)?;
        Ok(Self {
            expires_at: parse_expiration(expiration, judgement)?,
            conditions: parse_conditions(conditions)?,
        })
    }

    /// Returns the Unix second after which the policy is void.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Returns the conditions in the order of the document.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Judges a form without its file: expiry, then each condition in order.
    pub fn evaluate(
        &self,
        form: &Form,
        bucket: &str,
        now: i64,
        judgement: &Judgement,
    ) -> Result<(), Refusal> {
        self.check_expiry(now)?;
        self.check_conditions(form, bucket, judgement)
    }

    /// Refuses a policy whose time is over.
    pub fn check_expiry(&self, now: i64) -> Result<(), Refusal> {
        if now <= self.expires_at {
            return Ok(());
        }
        Err(Kind::PolicyExpired.because(format!(
            "the policy expired {} seconds ago; ask for a new signature",
            now.saturating_sub(self.expires_at)
        )))
    }

    /// Refuses a form with the first condition that it does not meet.
    pub fn check_conditions(
        &self,
        form: &Form,
        bucket: &str,
        judgement: &Judgement,
    ) -> Result<(), Refusal> {
        for condition in &self.conditions {
            let Some(field) = condition.field() else {
                continue;
            };
            let values = values(field, form, bucket, judgement);
            if values.is_empty() {
                return Err(failed(Kind::FieldAbsent, condition).because_absent(field));
            }
            if let Some(value) = values.iter().find(|value| !condition.holds(value)) {
                return Err(failed(Kind::ConditionFailed, condition).because_of(field, value));
            }
        }
        Ok(())
    }

    /// Refuses V4 fields that the form sends and no condition names.
    pub fn check_cover(&self, form: &Form, judgement: &Judgement) -> Result<(), Refusal> {
        let token = (!judgement.allows(Leniency::UncoveredToken)).then_some("x-oss-security-token");
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
        Err(Kind::ExtraFields
            .because(reason)
            .with_message(format!("Invalid according to Policy: Extra input fields: {extra}")))
    }

    /// Returns the sizes that all ranges of the policy and the 5 GB limit allow.
    #[must_use]
    pub fn sizes(&self) -> RangeInclusive<u64> {
        let mut sizes = (0, MAX_OBJECT);
        for condition in &self.conditions {
            if let Condition::SizeRange(min, max) = condition {
                sizes = (sizes.0.max(*min), sizes.1.min(*max));
            }
        }
        sizes.0..=sizes.1
    }

    fn names(&self, name: &str) -> bool {
        self.conditions
            .iter()
            .filter_map(Condition::field)
            .any(|field| field.eq_ignore_ascii_case(name))
    }
}

/// Finds the two items of the document, refusing any other.
fn top_level(items: &[(String, Json)]) -> Result<(&Json, &Json), Refusal> {
    let (mut expiration, mut conditions) = (None, None);
    for (key, value) in items {
        let slot = match key.as_str() {
            "expiration" => &mut expiration,
            "conditions" => &mut conditions,
            _ => {
                return Err(Kind::PolicyExtraKey.because(format!(
                    "the policy has the item {key:?}; it may have expiration and conditions only"
                )));
            }
        };
        if slot.replace(value).is_some() {
            return Err(Kind::PolicyInvalid.because(format!("the policy has {key:?} twice")));
        }
    }
    match (expiration, conditions) {
        (Some(expiration), Some(conditions)) => Ok((expiration, conditions)),
        (Some(_), None) => Err(Kind::NoConditions.because("the policy has no conditions")),
        (None, Some(_)) => Err(Kind::NoExpiration.because("the policy has no expiration")),
        (None, None) => {
            Err(Kind::PolicyEmpty.because("the policy has neither expiration nor conditions"))
        }
    }
}

fn parse_expiration(json: &Json, judgement: &Judgement) -> Result<i64, Refusal> {
    let Json::Text(text) = json else {
        return Err(Kind::ExpirationNotText.because("the policy's expiration is not a string"));
    };
    if text.is_empty() {
        return Err(Kind::ExpirationEmpty.because("the policy's expiration is empty"));
    }
    dates::parse_expiration(text, judgement.allows(Leniency::AnyExpiration)).ok_or_else(|| {
        Kind::ExpirationMalformed.because(format!(
            "the policy's expiration {text:?} is not of the form 2024-11-27T07:09:41.000Z"
        ))
    })
}

fn parse_conditions(json: &Json) -> Result<Vec<Condition>, Refusal> {
    let Json::List(items) = json else {
        return Err(Kind::PolicyInvalid.because("the policy's conditions are not a list"));
    };
    if items.is_empty() {
        return Err(Kind::ConditionsEmpty.because("the policy's list of conditions is empty"));
    }
    items.iter().map(Condition::parse).collect()
}

/// Lists what a condition on this field has to hold for; nothing when the form lacks the field.
fn values<'a>(field: &str, form: &'a Form, bucket: &'a str, judgement: &Judgement) -> Vec<&'a str> {
    // The bucket is the one in the host, whatever a form field of that name says.
    if field.eq_ignore_ascii_case("bucket") {
        return vec![bucket];
    }
    let sent = form.find(field);
    if !field.eq_ignore_ascii_case("content-type") {
        return sent.into_iter().collect();
    }
    // The file part's own type counts when there is no field. When both are there nobody knows
    // which one the service looks at, so both have to pass.
    match (sent, form.file_type()) {
        (Some(sent), Some(part)) if !judgement.allows(Leniency::ContentTypeField) => {
            vec![sent, part]
        }
        (Some(value), _) | (None, Some(value)) => vec![value],
        (None, None) => Vec::new(),
    }
}

/// A condition that failed, waiting for the reason.
struct Failed<'a> {
    kind: Kind,
    condition: &'a Condition,
}

fn failed(kind: Kind, condition: &Condition) -> Failed<'_> {
    Failed { kind, condition }
}

impl Failed<'_> {
    fn because_absent(&self, field: &str) -> Refusal {
        self.refuse(format!(
            "the policy has a condition on {field}, but the form has no such field before the file"
        ))
    }

    fn because_of(&self, field: &str, value: &str) -> Refusal {
        // The token's condition holds the token, which belongs in no console.
        if field.eq_ignore_ascii_case("x-oss-security-token") {
            return self
                .refuse("the security token is not the one that the policy names".to_owned());
        }
        let condition = self.condition;
        self.refuse(format!("the policy wants {condition}, but {field} is {value:?}"))
    }

    fn refuse(&self, reason: String) -> Refusal {
        let condition = self.condition;
        self.kind.because(reason).with_message(format!(
            "Invalid according to Policy: Policy Condition failed: {condition}"
        ))
    }
}

#[cfg(test)]
mod tests;
