//! The policy: reading it, and judging a form by it.
//!
//! PostObject page, appendix on policies; error code pages of family 0006. Pure: the clock and the
//! form are arguments, so a command that explains a refusal and a fuzzer can both use it. Who
//! signed the policy is `auth`'s business.

mod condition;
mod evaluate;
mod json;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::dates;
use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::policy::json::Json;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

pub use self::condition::Condition;

/// The largest object, in bytes: 5 GB.
pub(super) const MAX_OBJECT: u64 = 5 * 1024 * 1024 * 1024;

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
            expires_at: parse_iso(expiration, judgement)?,
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

fn parse_iso(json: &Json, judgement: &Judgement) -> Result<i64, Refusal> {
    let Json::Text(text) = json else {
        return Err(Kind::ExpirationNotText.because("the policy's expiration is not a string"));
    };
    if text.is_empty() {
        return Err(Kind::ExpirationEmpty.because("the policy's expiration is empty"));
    }
    dates::parse_iso(text, judgement.allows(Leniency::AnyExpiration)).ok_or_else(|| {
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

#[cfg(test)]
mod tests;
