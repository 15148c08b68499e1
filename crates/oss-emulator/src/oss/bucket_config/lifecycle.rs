//! The lifecycle rules of a bucket, checked when they are put.
//!
//! `PutBucketLifecycle` page and the pages of the ECs 0014-*: at most 1000 rules with ids of at most 255 bytes, no id and
//! no prefix twice, and prefixes of one action overlap only if the request allows it. Whether the header for that also
//! allows equal prefixes is not documented; here it does not.

use crate::oss::bucket_config::document::{ConfigElement, element};
use crate::oss::error::{OssError, OssErrorKind};

/// The largest number of rules.
const MAX_RULES: usize = 1000;

/// The longest id in bytes.
const MAX_ID: usize = 255;

/// The elements that say what a rule does.
const ACTIONS: [&str; 5] = [
    "Expiration",
    "Transition",
    "AbortMultipartUpload",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransition",
];

const ABORT: &str = "AbortMultipartUpload";

/// The rules, as elements.
#[derive(Debug)]
pub(super) struct LifecycleRules {
    element: ConfigElement,
}

impl LifecycleRules {
    /// Parses a document. `overlaps` says that prefixes of one action may overlap.
    pub(super) fn parse(document: &str, overlaps: bool) -> Result<Self, OssError> {
        let mut root = ConfigElement::parse(document)?;
        if root.name != "LifecycleConfiguration"
            || root.children.iter().any(|child| child.name != "Rule")
            || root.children.is_empty()
        {
            return Err(OssErrorKind::ConfigMalformed
                .because("the document is not a LifecycleConfiguration with rules"));
        }
        if root.children.len() > MAX_RULES {
            return Err(OssErrorKind::LifecycleRules
                .because(format!("there are {} rules", root.children.len())));
        }
        for (index, rule) in root.children.iter_mut().enumerate() {
            check(rule)?;
            if rule.text_of("ID").unwrap_or_default().is_empty() {
                rule.children.retain(|child| child.name != "ID");
                rule.children.insert(0, element("ID", &format!("rule-{index}"), Vec::new()));
            }
        }
        check_pairs(&root.children, overlaps)?;
        Ok(Self { element: root })
    }

    pub(super) fn element(&self) -> &ConfigElement {
        &self.element
    }
}

fn check(rule: &ConfigElement) -> Result<(), OssError> {
    let invalid = |reason: &str| Err(OssErrorKind::ConfigInvalid.because(reason));
    if rule.text_of("ID").is_some_and(|id| id.len() > MAX_ID) {
        return invalid("the ID of a rule has more than 255 bytes");
    }
    if rule.child("Prefix").is_none() {
        return invalid("a rule has no Prefix");
    }
    if !matches!(rule.text_of("Status"), Some("Enabled" | "Disabled")) {
        return invalid("the Status of a rule is neither Enabled nor Disabled");
    }
    if !ACTIONS.iter().any(|action| rule.child(action).is_some()) {
        return invalid("a rule has no action");
    }
    rule.child(ABORT).map_or(Ok(()), check_abort)
}

/// Checks the removal of unfinished uploads: either days or a date, and nothing else.
fn check_abort(abort: &ConfigElement) -> Result<(), OssError> {
    let is_known =
        |child: &ConfigElement| matches!(child.name.as_str(), "Days" | "CreatedBeforeDate");
    if !abort.children.iter().all(is_known) {
        return Err(OssErrorKind::AbortUnknown.because("AbortMultipartUpload has another child"));
    }
    match (abort.text_of("Days"), abort.child("CreatedBeforeDate")) {
        (None, None) => Err(OssErrorKind::AbortEmpty.because("AbortMultipartUpload has no time")),
        (Some(_), Some(_)) => {
            Err(OssErrorKind::AbortTwice.because("AbortMultipartUpload has two times"))
        }
        (Some(days), None) if !days.parse::<u32>().is_ok_and(|days| days > 0) => {
            Err(OssErrorKind::ConfigInvalid.because("Days is not a positive number"))
        }
        _ => Ok(()),
    }
}

fn check_pairs(rules: &[ConfigElement], overlaps: bool) -> Result<(), OssError> {
    for (index, rule) in rules.iter().enumerate() {
        for other in &rules[..index] {
            check_pair(rule, other, overlaps)?;
        }
    }
    Ok(())
}

fn check_pair(rule: &ConfigElement, other: &ConfigElement, overlaps: bool) -> Result<(), OssError> {
    if rule.text_of("ID") == other.text_of("ID") {
        return Err(OssErrorKind::ConfigInvalid.because("two rules have one ID"));
    }
    // Rules for tags and with filters are for a part of the objects only.
    let is_plain =
        |one: &ConfigElement| one.child("Tag").is_none() && one.child("Filter").is_none();
    if !is_plain(rule) || !is_plain(other) {
        return Ok(());
    }
    let prefix = |one: &ConfigElement| one.text_of("Prefix").unwrap_or_default().to_owned();
    let (one, two) = (prefix(rule), prefix(other));
    if one == two {
        return Err(
            OssErrorKind::LifecyclePrefix.because(format!("two rules have the prefix {one:?}"))
        );
    }
    let both = |action: &&str| rule.child(action).is_some() && other.child(action).is_some();
    let overlap = one.starts_with(&two) || two.starts_with(&one);
    if overlap && !overlaps && ACTIONS.iter().any(both) {
        return Err(OssErrorKind::LifecycleOverlap
            .because(format!("the prefixes {one:?} and {two:?} of one action overlap")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, prefix: &str, action: &str) -> String {
        format!(
            "<Rule><ID>{id}</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status>{action}</Rule>"
        )
    }

    fn kind(rules: &str, overlaps: bool) -> Option<OssErrorKind> {
        let document = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        LifecycleRules::parse(&document, overlaps).err().map(|error| error.kind())
    }

    const ABORT_2: &str = "<AbortMultipartUpload><Days>2</Days></AbortMultipartUpload>";
    const EXPIRE: &str = "<Expiration><Days>30</Days></Expiration>";

    #[test]
    fn rules_that_oss_accepts_are_kept_and_get_an_id() {
        let document = format!(
            "<LifecycleConfiguration>{}{}</LifecycleConfiguration>",
            rule("", "a/", ABORT_2),
            rule("mine", "b/", EXPIRE)
        );
        let rules = LifecycleRules::parse(&document, false).unwrap();
        let text = rules.element().to_document();
        assert!(text.contains("<ID>rule-0</ID>") && text.contains("<ID>mine</ID>"), "{text}");
    }

    #[test]
    fn each_fault_has_its_own_error() {
        let two = |one: &str, other: &str| one.to_owned() + other;
        let overlapping = two(&rule("1", "a/", ABORT_2), &rule("2", "a/b/", ABORT_2));
        for (rules, expected) in [
            (String::new(), OssErrorKind::ConfigMalformed),
            (rule("1", "a/", ""), OssErrorKind::ConfigInvalid),
            (rule("1", "a/", EXPIRE).replace("Enabled", "On"), OssErrorKind::ConfigInvalid),
            (rule("1", "a/", &ABORT_2.replace("Days", "Age")), OssErrorKind::AbortUnknown),
            (rule("1", "a/", "<AbortMultipartUpload/>"), OssErrorKind::AbortEmpty),
            (rule("1", "a/", &ABORT_2.replace(">2<", ">0<")), OssErrorKind::ConfigInvalid),
            (two(&rule("1", "a/", EXPIRE), &rule("1", "b/", EXPIRE)), OssErrorKind::ConfigInvalid),
            (
                two(&rule("1", "a/", EXPIRE), &rule("2", "a/", ABORT_2)),
                OssErrorKind::LifecyclePrefix,
            ),
            (overlapping.clone(), OssErrorKind::LifecycleOverlap),
            (rule("1", "a/", EXPIRE).repeat(1001), OssErrorKind::LifecycleRules),
        ] {
            assert_eq!(kind(&rules, false), Some(expected), "{rules:.300}");
        }
        assert_eq!(kind(&overlapping, true), None);
        assert_eq!(kind(&two(&rule("1", "a/", EXPIRE), &rule("2", "a/b/", ABORT_2)), false), None);
    }
}
