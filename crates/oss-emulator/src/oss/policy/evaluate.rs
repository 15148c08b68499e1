//! Judges a form by a policy: expiry, conditions, cover, sizes.
//!
//! PostObject page, appendix on policies; error code pages 0006-00000213 and 0006-00000226 to
//! 0006-00000228. That `$content-type` looks at the file part was seen in SDK tests.

use std::ops::RangeInclusive;

use crate::oss::form::Form;
use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::policy::Condition;
use crate::oss::policy::MAX_OBJECT;
use crate::oss::policy::Policy;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The V4 fields that a policy must name (error code page 0006-00000228).
const COVERED: [&str; 3] = ["x-oss-signature-version", "x-oss-credential", "x-oss-date"];

impl Policy {
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
