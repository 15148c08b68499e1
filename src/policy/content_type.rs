//! Content types: the type of a file, the types that a route allows, and the conditions for them.
//!
//! A browser does not read a `Content-Type` header as RFC 9110 defines it: it splits the value at commas
//! and takes the *last* type (Fetch, "extract a MIME type"), so `image/png;,text/html` is a web page.
//! Therefore only a text that every reader takes for the same type is a content type here:
//!
//! * `type/subtype`, both of them tokens;
//! * no comma, not even in quotes, because some readers ignore quotes;
//! * no parameter but `boundary`, `charset` and `codecs`, each at most once, with a token as its value,
//!   with or without quotes.
//!
//! The canonical form is what is checked, signed and reported: type, subtype, parameter names and the charset in
//! lower case, parameters sorted by name, each after `; `, no quotes, and no alias (see [`ContentType::parse`]).
//!
//! OSS compares types byte for byte, and a parameter is part of the value. So the function compares the type without
//! its parameters and signs the whole canonical text.

use std::collections::BTreeMap;
use std::fmt;

use crate::policy::document::Condition;

/// The longest accepted text of a type, in bytes.
const MAX_BYTES: usize = 255;

/// The allowed parameters. Others have no effect in a browser, and could hide another type from a reader that splits
/// the text at another place.
const PARAMETERS: [&str; 3] = ["boundary", "charset", "codecs"];

/// A content type in its canonical form: `image/png`, `text/plain; charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    canonical: String,
    /// The same without spaces, as browsers write the type of a file; only if there are parameters.
    compact: Option<String>,
    /// The length of `type/subtype` in bytes.
    essence: usize,
}

impl ContentType {
    /// Reads a type with optional parameters; returns `None` unless every reader takes the text for the
    /// same type.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        // No accepted value contains a semicolon, so splitting there is safe.
        let mut pieces = text.split(';').map(without_space);
        let essence = pieces.next()?.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let parameters = parameters(pieces.filter(|piece| !piece.is_empty()))?;
        let written = |separator: &str| {
            let one = |(name, value)| format!("{separator}{name}={value}");
            parameters.iter().map(one).fold(essence.clone(), |text, one| text + &one)
        };
        Some(Self {
            canonical: written("; "),
            compact: (!parameters.is_empty()).then(|| written(";")),
            essence: essence.len(),
        })
    }

    /// Returns the canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// Returns `type/subtype`, in lower case.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.canonical[..self.essence]
    }

    /// Returns the condition on the type of the part `file`, which the client writes itself. Browsers write
    /// parameters without the space, so both forms are allowed.
    #[must_use]
    pub fn as_condition(&self) -> Condition<'_> {
        match &self.compact {
            Some(compact) => Condition::In("content-type", vec![&self.canonical, compact]),
            None => Condition::Equal("content-type", &self.canonical),
        }
    }
}

/// Parses `name=value` pieces; returns `None` if one is not allowed.
fn parameters<'a>(pieces: impl Iterator<Item = &'a str>) -> Option<BTreeMap<&'static str, String>> {
    let mut parameters = BTreeMap::new();
    for piece in pieces {
        let (name, value) = piece.split_once('=')?;
        let name = PARAMETERS.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?,
            None => value,
        };
        if !is_token(value) {
            return None;
        }
        // The names of character sets are case-insensitive; the other values are not.
        let value = if name == "charset" { value.to_ascii_lowercase() } else { value.to_owned() };
        if parameters.insert(name, value).is_some() {
            return None;
        }
    }
    Some(parameters)
}

/// Removes the optional white space of RFC 9110 at both ends, and no other.
fn without_space(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A type that a route allows: `image/png`, or every subtype as `image/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypePattern {
    /// One type, in lower case.
    Exact(String),
    /// Every type that begins with this text: `image/`.
    Kind(String),
}

impl TypePattern {
    /// Parses `image/png` or `image/*`.
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
        match self {
            Self::Exact(exact) => content_type.essence() == exact,
            Self::Kind(kind) => content_type.essence().starts_with(kind),
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

/// Returns whether a route that allows `patterns` allows this type; an empty list allows every type.
#[must_use]
pub fn is_allowed(patterns: &[TypePattern], content_type: &ContentType) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.admits(content_type))
}

/// Returns the conditions on the type of the part `file`, for a request that names no type.
///
/// A prefix allows whatever follows it, `image/,text/html` too. A list of exact types would not. But the form of
/// such a request can also contain `x-oss-content-type`, which decides the stored type and which no condition can
/// forbid: OSS has no condition for an absent field. So a prefix is used, which allows every type of the route, and
/// the documentation says that this API leaves the stored type open.
///
/// OSS has no "or" across operators, so a list that mixes exact types and kinds cannot be expressed: the result is
/// `None`, and the client has to name the type. An empty list needs no condition.
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

/// Returns whether a text is a token of RFC 9110 without `*`, which means every subtype in a route's list.
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
    fn a_type_has_one_canonical_form() {
        for (text, canonical) in [
            ("image/png", "image/png"),
            (" IMAGE/Png\t", "image/png"),
            ("application/vnd.ms-excel", "application/vnd.ms-excel"),
            ("image/svg+XML", "image/svg+xml"),
            ("text/plain;charset=utf-8", "text/plain; charset=utf-8"),
            ("Text/Plain ;\tCharSet=\"UTF-8\"", "text/plain; charset=utf-8"),
            ("text/plain;", "text/plain"),
            ("text/plain; ;;charset=utf-8 ;", "text/plain; charset=utf-8"),
            ("video/mp4; Codecs=avc1.42E01E", "video/mp4; codecs=avc1.42E01E"),
            ("a/b;codecs=C;boundary=B;charset=A", "a/b; boundary=B; charset=a; codecs=C"),
        ] {
            let parsed = ContentType::parse(text).unwrap();
            assert_eq!(parsed.as_str(), canonical, "{text}");
            assert_eq!(ContentType::parse(canonical), Some(parsed), "{text}");
        }
    }

    #[test]
    fn a_text_that_browsers_may_read_as_another_type_is_refused() {
        for bad in [
            "",
            "image",
            "image/",
            "/png",
            "image/*",
            "a b/c",
            "image/p ng",
            "image/png\r\nx: y",
            "image/png\u{0}",
            "图/片",
            "a/b/c",
            "\u{a0}image/png",
            // A browser takes the last type of a list.
            "image/png,text/html",
            "image/png, text/html",
            "image/,text/html",
            "image/png;,text/html",
            "image/png;,text/html;",
            "image/png; ,text/html",
            "image/png; a=b, image/svg+xml",
            "image/png; charset=utf-8, text/html",
            "image/png; charset=utf-8,text/html",
            "image/png; charset=,text/html",
            "image/png; codecs=\"a,text/html\"",
            "image/png; codecs=\"a\\\",text/html\"",
            "image/png; codecs=\"a, text/html",
            "video/webm;codecs=vp8,opus",
            "image/png,",
            ",image/png",
            "image/png;,*/*",
            // Parameters that are not allowed, that occur twice, or that are malformed.
            "image/png; x=text/html",
            "image/png; profile=a",
            "text/html;image/png",
            "image/png; text/html",
            "image/png; charset",
            "image/png; charset=",
            "image/png; charset=\"\"",
            "image/png; charset=\"",
            "image/png; charset=\"a",
            "image/png; charset=a\"",
            "image/png; charset=\"a\"b",
            "image/png; charset=a b",
            "image/png; charset =a",
            "image/png; charset= a",
            "image/png; charset=\"a;charset=b\"",
            "image/png; charset=a; Charset=a",
            "image/png; charset=a/b",
            "image/png; charset=é",
            "image/png; charset*=utf-8''a",
        ] {
            assert_eq!(ContentType::parse(bad), None, "{bad:?}");
        }
        assert!(ContentType::parse(&format!("a/{}", "b".repeat(253))).is_some());
        assert_eq!(ContentType::parse(&format!("a/{}", "b".repeat(254))), None);
    }

    proptest::proptest! {
        #[test]
        fn an_accepted_type_is_one_type_for_a_browser_too(
            text in "[a-z*]{0,4}[/,;= \"a-z\\\\]{0,12}(; ?(charset|codecs|x)=[a-z,;\"\\\\/ ]{0,8}){0,2}"
        ) {
            if let Some(parsed) = ContentType::parse(&text) {
                assert!(!parsed.as_str().contains([',', '"', '\\']), "{text:?}");
                assert!(text.trim().starts_with(parsed.essence()), "{text:?}");
                assert_eq!(ContentType::parse(parsed.as_str()), Some(parsed), "{text:?}");
            }
        }

        #[test]
        fn parsing_never_panics(text in "(?s).{0,64}") {
            let _ = ContentType::parse(&text);
        }
    }

    #[test]
    fn parameters_and_case_do_not_change_whether_a_type_is_allowed() {
        let allowed = patterns(&["text/plain", "image/*"]);
        let check = |text| is_allowed(&allowed, &ContentType::parse(text).unwrap());
        assert!(check("text/plain;charset=utf-8"));
        assert!(check("Image/PNG"));
        assert!(!check("text/html"));
        assert!(!check("text/plainer"));
        assert!(!check("imagery/png"));
        assert!(!check("text/html;charset=image"));
        assert!(is_allowed(&[], &ContentType::parse("text/html").unwrap()));
    }

    #[test]
    fn the_condition_allows_both_forms_of_writing_parameters() {
        let parsed = |text| ContentType::parse(text).unwrap();
        assert_eq!(
            parsed("IMAGE/PNG").as_condition(),
            Condition::Equal("content-type", "image/png")
        );
        assert_eq!(
            parsed("text/plain;charset=UTF-8").as_condition(),
            Condition::In(
                "content-type",
                vec!["text/plain; charset=utf-8", "text/plain;charset=utf-8"]
            )
        );
    }

    #[test]
    fn a_list_becomes_one_condition_or_none() {
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
