//! Object metadata that a client may set: the allowed names and values.
//!
//! Metadata in the request is fixed by the policy. Absent metadata cannot be forbidden, because OSS accepts every
//! field that the policy does not name. An application that relies on a name has to make it required.

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::{Regex, RegexBuilder};

use crate::policy::header::is_printable;

/// The beginning of a metadata field's name in a form.
pub const PREFIX: &str = "x-oss-meta-";

/// The largest size of all metadata of an object: names and values together, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// The longest pattern in bytes. The compiled pattern may be larger than its text.
const MAX_PATTERN_BYTES: usize = 512;
const MAX_COMPILED_BYTES: usize = 1 << 18;

/// The rule for one metadata name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRule {
    /// The name, without `x-oss-meta-`.
    pub name: String,
    /// The pattern of the value; `None` allows every value that a header can contain.
    pub pattern: Option<MetadataPattern>,
    /// Whether a request has to set it.
    pub required: bool,
}

impl MetadataRule {
    /// Returns whether a value is allowed.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let matches = self.pattern.as_ref().is_none_or(|pattern| pattern.regex.is_match(value));
        matches && is_printable(value)
    }
}

/// The reason why metadata is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// The route allows no metadata of this name.
    NotAllowed(String),
    /// The route requires metadata of this name.
    Required(String),
    /// The value of this name does not match its pattern, or a header cannot contain it.
    Invalid(String),
    /// The value of this name has characters beyond ASCII, which no header can contain.
    NotAscii(String),
    /// All metadata together exceeds the limit: its size in bytes, including the names.
    TooLarge(usize),
}

/// A pattern that a whole value has to match.
#[derive(Clone, Debug)]
pub struct MetadataPattern {
    text: String,
    regex: Regex,
}

impl MetadataPattern {
    /// Compiles a regular expression. Matching takes linear time, so no value can stall it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(format!("a pattern has at most {MAX_PATTERN_BYTES} bytes"));
        }
        let compile = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(MAX_COMPILED_BYTES)
                .build()
                .map_err(|error| format!("it is no regular expression: {error}"))
        };
        // Separately first: a text with unbalanced parentheses could otherwise escape the anchors.
        compile(text)?;
        Ok(Self { text: text.to_owned(), regex: compile(&format!("^(?:{text})$"))? })
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for MetadataPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for MetadataPattern {}

impl fmt::Display for MetadataPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Returns whether a name passes through every system unchanged: lower-case letters, digits and hyphens.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Checks the metadata of a request against the rules of a route.
pub fn check(
    rules: &[MetadataRule],
    given: &BTreeMap<String, String>,
) -> Result<(), MetadataError> {
    if rules.is_empty() && given.is_empty() {
        return Ok(());
    }
    for (name, value) in given {
        let Some(rule) = rules.iter().find(|rule| rule.name == *name) else {
            return Err(MetadataError::NotAllowed(name.clone()));
        };
        if !value.is_ascii() {
            return Err(MetadataError::NotAscii(name.clone()));
        }
        if !rule.accepts(value) {
            return Err(MetadataError::Invalid(name.clone()));
        }
    }
    let missing = |rule: &&MetadataRule| rule.required && !given.contains_key(&rule.name);
    if let Some(rule) = rules.iter().find(missing) {
        return Err(MetadataError::Required(rule.name.clone()));
    }
    let bytes: usize =
        given.iter().map(|(name, value)| PREFIX.len() + name.len() + value.len()).sum();
    if bytes > MAX_BYTES {
        return Err(MetadataError::TooLarge(bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, pattern: &str, required: bool) -> MetadataRule {
        let pattern = (!pattern.is_empty()).then(|| MetadataPattern::parse(pattern).unwrap());
        MetadataRule { name: name.to_owned(), pattern, required }
    }

    fn check_pairs(rules: &[MetadataRule], given: &[(&str, &str)]) -> Result<(), MetadataError> {
        let pairs = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        check(rules, &pairs.collect())
    }

    #[test]
    fn a_pattern_matches_the_whole_value() {
        let rules = [rule("a", "x|y+", false)];
        for value in ["x", "y", "yyy"] {
            assert_eq!(check_pairs(&rules, &[("a", value)]), Ok(()));
        }
        for value in ["", "xy", "zx", "yz", "x\n"] {
            let invalid = Err(MetadataError::Invalid("a".into()));
            assert_eq!(check_pairs(&rules, &[("a", value)]), invalid, "{value:?}");
        }
    }

    #[test]
    fn a_pattern_cannot_escape_its_anchors() {
        for bad in ["x)|(y", "(", "a{", "[", &"a".repeat(513)] {
            assert!(MetadataPattern::parse(bad).is_err(), "{bad}");
        }
        let rules = [rule("a", "(?m)x", false)];
        assert!(check_pairs(&rules, &[("a", "x")]).is_ok());
        assert!(check_pairs(&rules, &[("a", "y x")]).is_err());
    }

    #[test]
    fn names_have_to_be_allowed_and_values_printable() {
        let rules = [rule("a", "", false)];
        let other = Err(MetadataError::NotAllowed("b".into()));
        assert_eq!(check_pairs(&rules, &[("b", "1")]), other);
        assert_eq!(check_pairs(&rules, &[]), Ok(()));
        for bad in ["", " a", "a\r\nb"] {
            let invalid = Err(MetadataError::Invalid("a".into()));
            assert_eq!(check_pairs(&rules, &[("a", bad)]), invalid, "{bad:?}");
        }
        let not_ascii = Err(MetadataError::NotAscii("a".into()));
        assert_eq!(check_pairs(&rules, &[("a", "é")]), not_ascii);
        let required = [rule("a", "", false), rule("c", "", true)];
        let missing = Err(MetadataError::Required("c".into()));
        assert_eq!(check_pairs(&required, &[("a", "1")]), missing);
    }

    #[test]
    fn the_size_of_all_metadata_is_limited() {
        let rules = [rule("a", "", false), rule("b", "", false)];
        let half = "x".repeat(4096 - 12);
        assert_eq!(check_pairs(&rules, &[("a", &half), ("b", &half)]), Ok(()));
        let more = format!("{half}x");
        let large = Err(MetadataError::TooLarge(8193));
        assert_eq!(check_pairs(&rules, &[("a", &half), ("b", &more)]), large);
    }

    #[test]
    fn names_are_lower_case_letters_digits_and_hyphens() {
        for (name, plain) in
            [("a-1", true), ("A", false), ("", false), ("a_b", false), ("é", false)]
        {
            assert_eq!(is_name(name), plain, "{name}");
        }
    }
}
