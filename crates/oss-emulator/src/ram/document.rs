//! A policy in RAM's language: `Version`, and a list of statements.
//!
//! RAM pages "Policy structure and syntax" and "Policy evaluation": what no statement allows is
//! refused, and `Deny` wins. Elements that are not played (`Condition`, `NotAction`, `NotResource`)
//! make a policy unusable here rather than wider than it says. Actions and resources are compared
//! with their case, which is the stricter reading of what is allowed.

use std::error::Error;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// Holds a policy that was understood whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    statements: Vec<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    effect: Effect,
    actions: Vec<String>,
    resources: Vec<String>,
}

/// Says why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// It is not in RAM's language; mend what the text names.
    Grammar(String),
    /// It uses an element that is not played here; try that policy in the cloud.
    Unsupported(String),
}

impl fmt::Display for DocumentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grammar(what) => write!(formatter, "the policy is not well-formed: {what}"),
            Self::Unsupported(name) => {
                write!(formatter, "the policy uses {name}, which the local cloud does not play")
            }
        }
    }
}

impl Error for DocumentError {}

impl Document {
    /// Reads a policy.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let wire: WireDocument =
            serde_json::from_str(text).map_err(|error| grammar(error.to_string()))?;
        if wire.version != "1" {
            return Err(grammar("Version must be \"1\""));
        }
        if wire.statements.is_empty() {
            return Err(grammar("Statement is empty"));
        }
        let statements = wire.statements.into_iter().map(WireStatement::check);
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// Says whether the policy allows an action on a resource.
    #[must_use]
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let says = |effect: Effect| {
            self.statements
                .iter()
                .any(|statement| statement.effect == effect && statement.is_about(action, resource))
        };
        says(Effect::Allow) && !says(Effect::Deny)
    }
}

impl Statement {
    fn is_about(&self, action: &str, resource: &str) -> bool {
        self.actions.iter().any(|pattern| matches(pattern, action))
            && self.resources.iter().any(|pattern| matches(pattern, resource))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDocument {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "Statement")]
    statements: Vec<WireStatement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WireStatement {
    effect: Effect,
    action: Option<Items>,
    resource: Option<Items>,
    condition: Option<Value>,
    not_action: Option<Value>,
    not_resource: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Items {
    One(String),
    Many(Vec<String>),
}

impl WireStatement {
    fn check(self) -> Result<Statement, DocumentError> {
        for (name, value) in [
            ("Condition", self.condition),
            ("NotAction", self.not_action),
            ("NotResource", self.not_resource),
        ] {
            if value.is_some() {
                return Err(DocumentError::Unsupported(name.to_owned()));
            }
        }
        Ok(Statement {
            effect: self.effect,
            actions: list("Action", self.action)?,
            resources: list("Resource", self.resource)?,
        })
    }
}

fn list(name: &str, items: Option<Items>) -> Result<Vec<String>, DocumentError> {
    let items = match items {
        None => return Err(grammar(format!("a statement has no {name}"))),
        Some(Items::One(item)) => vec![item],
        Some(Items::Many(items)) => items,
    };
    if items.is_empty() || items.iter().any(String::is_empty) {
        return Err(grammar(format!("{name} is empty")));
    }
    Ok(items)
}

fn grammar(what: impl Into<String>) -> DocumentError {
    DocumentError::Grammar(what.into())
}

/// Compares with a pattern: `*` stands for any characters, also none, and `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut seen) = (0, 0);
    // Where the last star stands, and how much of the text it has taken so far.
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
                // Only the last star needs another try: it can take whatever an earlier one could.
                let Some((position, taken)) = star else {
                    return false;
                };
                star = Some((position, taken + 1));
                (at, seen) = (position + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: &str) -> Result<Document, DocumentError> {
        Document::parse(&format!(r#"{{"Version":"1","Statement":[{statements}]}}"#))
    }

    #[test]
    fn star_and_question_mark_stand_for_characters() {
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

    /// The rule itself, in exponential time.
    fn matches_plainly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => {
                (0..=text.len()).any(|taken| matches_plainly(rest, &text[taken..]))
            }
            Some((wanted, rest)) => text.split_first().is_some_and(|(first, others)| {
                (*wanted == '?' || wanted == first) && matches_plainly(rest, others)
            }),
        }
    }

    proptest::proptest! {
        #[test]
        fn the_quick_comparison_agrees_with_the_rule(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (plain, letters): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            proptest::prop_assert_eq!(matches(&pattern, &text), matches_plainly(&plain, &letters));
        }
    }

    #[test]
    fn deny_wins_and_silence_refuses() {
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
    fn what_is_not_played_is_refused_by_name() {
        for name in ["Condition", "NotAction", "NotResource"] {
            let statement =
                format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","{name}":{{"a":"b"}}}}"#);
            assert_eq!(policy(&statement), Err(DocumentError::Unsupported(name.to_owned())));
        }
    }

    #[test]
    fn what_is_not_the_language_is_refused() {
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
            assert!(matches!(policy(statement), Err(DocumentError::Grammar(_))), "{statement}");
        }
        for text in ["", "[]", r#"{"Version":"2","Statement":[]}"#, r#"{"Statement":[]}"#] {
            assert!(matches!(Document::parse(text), Err(DocumentError::Grammar(_))), "{text}");
        }
    }
}
