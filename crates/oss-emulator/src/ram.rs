//! RAM policies: what a key may do.
//!
//! A [`RamPolicy`] is a policy document with a `Version` and a list of statements. [`Permissions`]
//! combine several of them: a session of a role may do what both the role's policy and the
//! session's policy allow. Which caller may assume which role is decided in `sts::assume_role`.
//!
//! RAM pages "Policy structure and syntax" and "Policy evaluation": an action that no statement
//! allows is denied, and `Deny` overrides `Allow`. A policy with an element that is not emulated
//! (`Condition`, `NotAction`, `NotResource`) is rejected, because ignoring the element would allow
//! more than the policy says. Actions and resources are compared case-sensitively, which is the
//! stricter reading.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// The intersection of several policies. Without a policy, everything is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(Vec<Arc<RamPolicy>>);

impl Permissions {
    /// Restricts these permissions by one more policy.
    #[must_use]
    pub fn restricted_by(mut self, document: impl Into<Arc<RamPolicy>>) -> Self {
        self.0.push(document.into());
        self
    }

    /// Returns whether an action on a resource is allowed.
    #[must_use]
    pub fn allow(&self, action: &str, resource: &str) -> bool {
        self.0.iter().all(|document| document.allows(action, resource))
    }
}

/// A parsed policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RamPolicy {
    statements: Vec<RamStatement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum RamEffect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct RamStatement {
    effect: RamEffect,
    actions: Vec<String>,
    resources: Vec<String>,
}

/// The reason why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RamPolicyError {
    /// The text is not a valid RAM policy; correct what the message names.
    Grammar(String),
    /// The policy uses an element that is not emulated; test this policy in the cloud.
    Unsupported(String),
}

impl fmt::Display for RamPolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grammar(what) => write!(formatter, "the policy is not well-formed: {what}"),
            Self::Unsupported(name) => {
                write!(formatter, "the policy uses {name}, which is not emulated here")
            }
        }
    }
}

impl Error for RamPolicyError {}

impl RamPolicy {
    /// Parses a policy document.
    pub fn parse(text: &str) -> Result<Self, RamPolicyError> {
        let wire: RamPolicyJson =
            serde_json::from_str(text).map_err(|error| grammar(error.to_string()))?;
        if wire.version != "1" {
            return Err(grammar("Version must be \"1\""));
        }
        if wire.statements.is_empty() {
            return Err(grammar("Statement is empty"));
        }
        let statements = wire.statements.into_iter().map(RamStatementJson::check);
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// Returns the policy with the statements of several ones; without any it allows nothing.
    pub(crate) fn union<'a>(policies: impl Iterator<Item = &'a Self>) -> Self {
        Self { statements: policies.flat_map(|policy| policy.statements.iter().cloned()).collect() }
    }

    /// Returns whether the policy allows an action on a resource.
    #[must_use]
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let says = |effect: RamEffect| {
            self.statements
                .iter()
                .any(|statement| statement.effect == effect && statement.is_about(action, resource))
        };
        says(RamEffect::Allow) && !says(RamEffect::Deny)
    }
}

impl RamStatement {
    fn is_about(&self, action: &str, resource: &str) -> bool {
        self.actions.iter().any(|pattern| matches(pattern, action))
            && self.resources.iter().any(|pattern| matches(pattern, resource))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RamPolicyJson {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "Statement")]
    statements: Vec<RamStatementJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RamStatementJson {
    effect: RamEffect,
    action: Option<OneOrMany>,
    resource: Option<OneOrMany>,
    condition: Option<Value>,
    not_action: Option<Value>,
    not_resource: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl RamStatementJson {
    fn check(self) -> Result<RamStatement, RamPolicyError> {
        for (name, value) in [
            ("Condition", self.condition),
            ("NotAction", self.not_action),
            ("NotResource", self.not_resource),
        ] {
            if value.is_some() {
                return Err(RamPolicyError::Unsupported(name.to_owned()));
            }
        }
        Ok(RamStatement {
            effect: self.effect,
            actions: list("Action", self.action)?,
            resources: list("Resource", self.resource)?,
        })
    }
}

fn list(name: &str, items: Option<OneOrMany>) -> Result<Vec<String>, RamPolicyError> {
    let items = match items {
        None => return Err(grammar(format!("a statement has no {name}"))),
        Some(OneOrMany::One(item)) => vec![item],
        Some(OneOrMany::Many(items)) => items,
    };
    if items.is_empty() || items.iter().any(String::is_empty) {
        return Err(grammar(format!("{name} is empty")));
    }
    Ok(items)
}

fn grammar(what: impl Into<String>) -> RamPolicyError {
    RamPolicyError::Grammar(what.into())
}

/// Matches a pattern in which `*` stands for any number of characters and `?` for exactly one.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut seen) = (0, 0);
    // The position of the last star, and how many characters it has matched so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                // Only the last star needs backtracking: it can match whatever an earlier star
                // could.
                let Some((position, matched)) = star else {
                    return false;
                };
                star = Some((position, matched + 1));
                (at, seen) = (position + 1, matched + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(resource: &str) -> RamPolicy {
        let text = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"oss:*","Resource":"{resource}"}}]}}"#
        );
        RamPolicy::parse(&text).unwrap()
    }

    #[test]
    fn a_session_may_do_what_role_and_session_policy_both_allow() {
        let both =
            Permissions::default().restricted_by(allowing("b/*")).restricted_by(allowing("*/a/*"));
        assert!(both.allow("oss:PutObject", "b/a/1"));
        assert!(!both.allow("oss:PutObject", "b/c/1"));
        assert!(!both.allow("oss:PutObject", "c/a/1"));
        assert!(Permissions::default().allow("anything", "at all"));
    }

    fn policy(statements: &str) -> Result<RamPolicy, RamPolicyError> {
        RamPolicy::parse(&format!(r#"{{"Version":"1","Statement":[{statements}]}}"#))
    }

    #[test]
    fn star_and_question_mark_match_characters() {
        for (pattern, text, same) in [
            ("*", "", true),
            ("a/*", "a/b/c", true),
            ("a/*", "a/", true),
            ("a/*", "a", false),
            ("a/*", "ab/c", false),
            ("*b*b", "abab", true),
            ("*b*b", "aba", false),
            ("a?c", "abc", true),
            ("a?c", "a用c", true),
            ("a?c", "ac", false),
            ("abc", "abc", true),
            ("abc", "ABC", false),
            ("abc", "abcd", false),
            ("", "", true),
            ("", "a", false),
            ("a**", "a", true),
        ] {
            assert_eq!(matches(pattern, text), same, "{pattern} {text}");
        }
    }

    /// A direct implementation of the rule, in exponential time.
    fn matches_plainly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => {
                (0..=text.len()).any(|matched| matches_plainly(rest, &text[matched..]))
            }
            Some((wanted, rest)) => text.split_first().is_some_and(|(first, others)| {
                (*wanted == '?' || wanted == first) && matches_plainly(rest, others)
            }),
        }
    }

    proptest::proptest! {
        #[test]
        fn the_fast_match_agrees_with_the_direct_implementation(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (plain, letters): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            proptest::prop_assert_eq!(matches(&pattern, &text), matches_plainly(&plain, &letters));
        }
    }

    #[test]
    fn deny_overrides_allow_and_the_default_is_deny() {
        let document = policy(
            r#"{"Effect":"Allow","Action":["oss:Put*","oss:GetObject"],"Resource":"acs:oss:*:*:b/*"},
               {"Effect":"Deny","Action":"*","Resource":["acs:oss:*:*:b/secret/*"]}"#,
        )
        .unwrap();
        assert!(document.allows("oss:PutObject", "acs:oss:*:*:b/a"));
        assert!(!document.allows("oss:PutObject", "acs:oss:*:*:b/secret/a"));
        assert!(!document.allows("oss:PutObject", "acs:oss:*:*:c/a"));
        assert!(!document.allows("oss:DeleteObject", "acs:oss:*:*:b/a"));
    }

    #[test]
    fn unsupported_elements_are_refused_by_name() {
        for name in ["Condition", "NotAction", "NotResource"] {
            let statement =
                format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","{name}":{{"a":"b"}}}}"#);
            assert_eq!(policy(&statement), Err(RamPolicyError::Unsupported(name.to_owned())));
        }
    }

    #[test]
    fn invalid_policies_are_refused() {
        for statement in [
            "",
            r#"{"Effect":"allow","Action":"*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Resource":"*"}"#,
            r#"{"Effect":"Allow","Action":"*"}"#,
            r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#,
            r#"{"Effect":"Allow","Action":"*","Resource":""}"#,
            r#"{"Effect":"Allow","Action":1,"Resource":"*"}"#,
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}"#,
        ] {
            assert!(matches!(policy(statement), Err(RamPolicyError::Grammar(_))), "{statement}");
        }
        for text in ["", "[]", r#"{"Version":"2","Statement":[]}"#, r#"{"Statement":[]}"#] {
            assert!(matches!(RamPolicy::parse(text), Err(RamPolicyError::Grammar(_))), "{text}");
        }
    }
}
