//! Metadata that an ask may give its object: which names, and what their values look like.
//!
//! What an ask gives is pinned. What it does not give cannot be forbidden, since OSS takes any
//! field that a policy does not name: an application that relies on a name makes it required.

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::{Regex, RegexBuilder};

use crate::policy::header::is_printable;

/// What stands before a metadata's name in a form.
pub const PREFIX: &str = "x-oss-meta-";

/// The most metadata that one object carries: names and values together, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// The longest pattern, in bytes; a compiled one can be larger than its text.
const MAX_PATTERN_BYTES: usize = 512;
const MAX_COMPILED_BYTES: usize = 1 << 18;

/// One name that an ask may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRule {
    /// The name, without `x-oss-meta-`.
    pub name: String,
    /// What a value looks like; none takes every value that a header can carry.
    pub pattern: Option<MetadataPattern>,
    /// Whether an ask has to give it.
    pub required: bool,
}

impl MetadataRule {
    /// Tells whether an ask may give this value.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let matches = self.pattern.as_ref().is_none_or(|pattern| pattern.regex.is_match(value));
        matches && is_printable(value)
    }
}

/// Says what is wrong with metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// The route takes none of this name.
    NotAllowed(String),
    /// The route wants one of this name, and the ask does not give it.
    Required(String),
    /// The value under this name is not what the route wants, or no header can carry it.
    Invalid(String),
    /// The value under this name has characters beyond ASCII, which no header carries.
    NotAscii(String),
    /// All together are more than an object carries: so many bytes, with their names.
    TooLarge(usize),
}

/// A pattern that a whole value has to match.
#[derive(Clone, Debug)]
pub struct MetadataPattern {
    text: String,
    regex: Regex,
}

impl MetadataPattern {
    /// Compiles a regular expression. It runs in linear time, so no value can stall it.
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
        // Alone first: what is only balanced within the anchors would escape them.
        compile(text)?;
        Ok(Self { text: text.to_owned(), regex: compile(&format!("^(?:{text})$"))? })
    }

    /// Gives the pattern as it was written.
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

/// Tells a name that every system on the way leaves as it is.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Refuses metadata that a route with these rules does not take.
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

    fn verdict(rules: &[MetadataRule], given: &[(&str, &str)]) -> Result<(), MetadataError> {
        let pairs = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        check(rules, &pairs.collect())
    }

    #[test]
    fn a_value_matches_as_a_whole() {
        let rules = [rule("a", "x|y+", false)];
        for value in ["x", "y", "yyy"] {
            assert_eq!(verdict(&rules, &[("a", value)]), Ok(()));
        }
        for value in ["", "xy", "zx", "yz", "x\n"] {
            let invalid = Err(MetadataError::Invalid("a".into()));
            assert_eq!(verdict(&rules, &[("a", value)]), invalid, "{value:?}");
        }
    }

    #[test]
    fn a_pattern_cannot_escape_its_anchors() {
        for bad in ["x)|(y", "(", "a{", "[", &"a".repeat(513)] {
            assert!(MetadataPattern::parse(bad).is_err(), "{bad}");
        }
        let rules = [rule("a", "(?m)x", false)];
        assert!(verdict(&rules, &[("a", "x")]).is_ok());
        assert!(verdict(&rules, &[("a", "y x")]).is_err());
    }

    #[test]
    fn names_are_allowed_and_values_fit_into_headers() {
        let rules = [rule("a", "", false)];
        let other = Err(MetadataError::NotAllowed("b".into()));
        assert_eq!(verdict(&rules, &[("b", "1")]), other);
        assert_eq!(verdict(&rules, &[]), Ok(()));
        for bad in ["", " a", "a\r\nb"] {
            let invalid = Err(MetadataError::Invalid("a".into()));
            assert_eq!(verdict(&rules, &[("a", bad)]), invalid, "{bad:?}");
        }
        let not_ascii = Err(MetadataError::NotAscii("a".into()));
        assert_eq!(verdict(&rules, &[("a", "é")]), not_ascii);
        let required = [rule("a", "", false), rule("c", "", true)];
        let missing = Err(MetadataError::Required("c".into()));
        assert_eq!(verdict(&required, &[("a", "1")]), missing);
    }

    #[test]
    fn all_of_it_together_is_limited() {
        let rules = [rule("a", "", false), rule("b", "", false)];
        let half = "x".repeat(4096 - 12);
        assert_eq!(verdict(&rules, &[("a", &half), ("b", &half)]), Ok(()));
        let more = format!("{half}x");
        let large = Err(MetadataError::TooLarge(8193));
        assert_eq!(verdict(&rules, &[("a", &half), ("b", &more)]), large);
    }

    #[test]
    fn names_are_plain() {
        for (name, plain) in
            [("a-1", true), ("A", false), ("", false), ("a_b", false), ("é", false)]
        {
            assert_eq!(is_name(name), plain, "{name}");
        }
    }
}
