//! Content types: which ones a route allows, and how a policy says so.
//!
//! OSS compares a type to the letter: `image/jpg` is not `image/jpeg`, and a parameter such as
//! `; charset=utf-8` is part of the value. So the server compares the type without its parameters
//! and then pins the whole text that the asker named.

use std::fmt;

use crate::policy::condition::Condition;

/// A content type as a form may carry it: `image/png`, at most 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType(String);

impl ContentType {
    /// Reads a type with optional parameters; anything but `type/subtype` in ASCII is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let visible = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let (kind, subtype) = essence(text).split_once('/')?;
        (visible && text.len() <= 255 && is_token(kind) && is_token(subtype))
            .then(|| Self(text.to_owned()))
    }

    /// Gives the type as it was named.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives it without its parameters.
    #[must_use]
    pub fn essence(&self) -> &str {
        essence(&self.0)
    }
}

/// A type that a route allows: `image/png`, or all of a kind as `image/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypePattern {
    /// One type, in lower case.
    Exact(String),
    /// Every type that begins so: `image/`.
    Kind(String),
}

impl TypePattern {
    /// Reads `image/png` or `image/*`; anything else is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (kind, subtype) = text.split_once('/')?;
        match (is_token(kind), subtype) {
            (true, "*") => Some(Self::Kind(format!("{kind}/"))),
            (true, subtype) if is_token(subtype) => Some(Self::Exact(text)),
            _ => None,
        }
    }

    fn admits(&self, content_type: &ContentType) -> bool {
        let essence = essence(&content_type.0).to_ascii_lowercase();
        match self {
            Self::Exact(exact) => essence == *exact,
            Self::Kind(kind) => essence.starts_with(kind),
        }
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => formatter.write_str(exact),
            Self::Kind(kind) => write!(formatter, "{kind}*"),
        }
    }
}

/// Tells whether a route that allows `patterns` allows this type; an empty list allows all.
#[must_use]
pub fn is_allowed(patterns: &[TypePattern], content_type: &ContentType) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.admits(content_type))
}

/// Says `patterns` as one condition on the file part's own type, for an ask that named none.
///
/// OSS has no "or" across operators, so a list that mixes exact types and kinds cannot be said:
/// that is `None`, and the asker has to name the type. An empty list needs no condition.
#[must_use]
pub fn as_conditions(patterns: &[TypePattern]) -> Option<Vec<Condition<'_>>> {
    match patterns {
        [] => Some(Vec::new()),
        [TypePattern::Kind(kind)] => Some(vec![Condition::StartsWith("content-type", kind)]),
        _ => {
            let exact = patterns.iter().map(|pattern| match pattern {
                TypePattern::Exact(exact) => Some(exact.as_str()),
                TypePattern::Kind(_) => None,
            });
            Some(vec![Condition::In("content-type", exact.collect::<Option<_>>()?)])
        }
    }
}

fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or(text).trim_end()
}

/// A token of RFC 9110, which is what both halves of a type are.
fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<TypePattern> {
        texts.iter().map(|text| TypePattern::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_type_is_two_tokens_and_perhaps_parameters() {
        for good in
            ["image/png", "text/plain; charset=utf-8", "application/vnd.ms-excel", "IMAGE/PNG"]
        {
            assert!(ContentType::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "image",
            "image/",
            "/png",
            "image/*",
            "a b/c",
            "image/png\r\nx: y",
            "图/片",
            "a/b/c",
        ] {
            assert!(ContentType::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn parameters_and_case_do_not_smuggle_a_type_in_or_lock_one_out() {
        let allowed = patterns(&["text/plain", "image/*"]);
        let verdict = |text| is_allowed(&allowed, &ContentType::parse(text).unwrap());
        assert!(verdict("text/plain;charset=utf-8"));
        assert!(verdict("Image/PNG"));
        assert!(!verdict("text/html"));
        assert!(!verdict("text/plainer"));
        assert!(!verdict("imagery/png"));
        assert!(!verdict("text/html;image/png"));
        assert!(is_allowed(&[], &ContentType::parse("text/html").unwrap()));
    }

    #[test]
    fn a_list_is_said_in_one_condition_or_not_at_all() {
        assert_eq!(as_conditions(&[]), Some(vec![]));
        assert_eq!(
            as_conditions(&patterns(&["image/*"])),
            Some(vec![Condition::StartsWith("content-type", "image/")])
        );
        assert_eq!(
            as_conditions(&patterns(&["image/png", "Image/JPEG"])),
            Some(vec![Condition::In("content-type", vec!["image/png", "image/jpeg"])])
        );
        assert_eq!(as_conditions(&patterns(&["image/*", "text/plain"])), None);
    }
}
