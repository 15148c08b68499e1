//! The CORS rule of a bucket: which pages may send requests to it, and read its responses.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::xml::XmlText;

/// The response headers that a page needs to read.
pub(crate) const EXPOSED_HEADERS: [&str; 3] = ["ETag", "Location", "x-oss-request-id"];

/// The response header with the checksum of a part or of an object.
pub(crate) const CHECKSUM_HEADER: &str = "x-oss-hash-crc64ecma";

/// The number of seconds for which a browser keeps the response to a preflight request.
const MAX_AGE: u32 = 600;

/// A CORS rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CorsRule {
    /// Origins, each with at most one `*`.
    pub(crate) origins: Vec<String>,
    pub(crate) methods: Vec<String>,
    /// Names of request headers, each with at most one `*`.
    pub(crate) allowed_headers: Vec<String>,
    /// Names of response headers.
    pub(crate) exposed_headers: Vec<String>,
    /// Seconds.
    pub(crate) max_age: Option<u32>,
}

impl CorsRule {
    /// Returns the rule for pages that send these methods.
    pub(crate) fn new(origins: &[String], methods: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            origins: origins.to_vec(),
            methods: owned(methods),
            allowed_headers: owned(&["*"]),
            exposed_headers: owned(&EXPOSED_HEADERS),
            max_age: Some(MAX_AGE),
        }
    }

    /// Returns whether the rule is the one that OSS takes for a request of a page.
    pub(crate) fn matches(&self, origin: &str, method: &str) -> bool {
        self.origins.iter().any(|pattern| matches(pattern, origin))
            && self.methods.iter().any(|one| one == method)
    }

    /// Returns whether pages may send every header.
    pub(crate) fn allows_every_header(&self) -> bool {
        self.allowed_headers.iter().any(|pattern| pattern == "*")
    }

    /// Returns whether pages may read a header.
    pub(crate) fn exposes(&self, name: &str) -> bool {
        self.exposed_headers.iter().any(|one| one.eq_ignore_ascii_case(name))
    }

    /// Returns whether two rules allow the same. Names of headers have no case, and order does not matter.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let set = |values: &[String]| values.iter().cloned().collect::<BTreeSet<_>>();
        let names = |values: &[String]| {
            values.iter().map(|name| name.to_ascii_lowercase()).collect::<BTreeSet<_>>()
        };
        set(&self.origins) == set(&other.origins)
            && set(&self.methods) == set(&other.methods)
            && names(&self.allowed_headers) == names(&other.allowed_headers)
            && names(&self.exposed_headers) == names(&other.exposed_headers)
            && self.max_age == other.max_age
    }

    /// Writes the element, indented by two spaces.
    pub(crate) fn to_xml(&self) -> String {
        let mut xml = String::from("  <CORSRule>\n");
        let lists = [
            ("AllowedOrigin", &self.origins),
            ("AllowedMethod", &self.methods),
            ("AllowedHeader", &self.allowed_headers),
            ("ExposeHeader", &self.exposed_headers),
        ];
        for (name, values) in lists {
            for value in values {
                // Writing into a String cannot fail.
                let _ = writeln!(xml, "    <{name}>{}</{name}>", XmlText(value));
            }
        }
        if let Some(seconds) = self.max_age {
            let _ = writeln!(xml, "    <MaxAgeSeconds>{seconds}</MaxAgeSeconds>");
        }
        xml + "  </CORSRule>"
    }
}

/// Matches an origin with a pattern in which one `*` stands for any text.
fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == origin,
        Some((start, end)) => {
            origin.len() >= start.len() + end.len()
                && origin.starts_with(start)
                && origin.ends_with(end)
        }
    }
}

/// Writes a configuration with these rules, each of which is an indented element.
pub(crate) fn configuration(rules: &[String]) -> String {
    format!(
        "<CORSConfiguration>\n{}\n  <ResponseVary>true</ResponseVary>\n</CORSConfiguration>",
        rules.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_matches_its_pattern() {
        for (pattern, origin, expected) in [
            ("*", "https://a.test", true),
            ("https://a.test", "https://a.test", true),
            ("https://a.test", "https://a.test:81", false),
            ("https://*.a.test", "https://x.a.test", true),
            ("https://*.a.test", "https://a.test", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, origin), expected, "{pattern} {origin}");
        }
    }

    #[test]
    fn a_rule_is_written_with_its_values_escaped() {
        let mut rule = CorsRule::new(&["https://a.test/?<&>".to_owned()], &["POST", "PUT"]);
        rule.max_age = None;
        let xml = rule.to_xml();
        assert!(xml.contains("<AllowedOrigin>https://a.test/?&lt;&amp;&gt;</AllowedOrigin>"));
        assert!(xml.contains("<AllowedMethod>POST</AllowedMethod>\n    <AllowedMethod>PUT<"));
        assert!(!xml.contains("MaxAge"), "{xml}");
    }
}
