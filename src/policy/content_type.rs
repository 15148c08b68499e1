//! Content types: which ones a route allows, and how a policy says so.
//!
//! A browser does not read a `Content-Type` header as RFC 9110 defines it: it splits the value at commas
//! and takes the *last* type (Fetch, "extract a MIME type"), so `image/png;,text/html` is a web page.
//! Only a text that every reader takes for the same type is therefore a type here:
//!
//! * `type/subtype`, both of them tokens;
//! * no comma anywhere, not even in quotes, since not every reader respects quotes;
//! * no parameter but `boundary`, `charset` and `codecs`, each at most once, with a token as its value,
//!   in quotes or not.
//!
//! What is judged, pinned and reported is the canonical form: type, subtype, parameter names and the
//! charset in lower case, parameters in order of their names, each after `; `, and no quotes.
//!
//! OSS compares a type to the letter: `image/jpg` is not `image/jpeg`, and a parameter is part of the
//! value. So the server compares the type without its parameters and pins the whole canonical text.

use std::collections::BTreeMap;
use std::fmt;

use crate::policy::document::Condition;

/// The longest text that is read as a type, in bytes.
const MAX_BYTES: usize = 255;

/// The parameters that a type may have. Others have no effect in a browser, and could hide another type
/// from a reader that splits the text elsewhere.
const PARAMETERS: [&str; 3] = ["boundary", "charset", "codecs"];

/// A content type in its canonical form: `image/png`, `text/plain; charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    canonical: String,
    /// The same without the spaces, as browsers write the type of a file; only with parameters.
    compact: Option<String>,
    /// The length of `type/subtype`.
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
        // No value that is taken holds a semicolon, so splitting there cannot divide a good one.
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

    /// States this type as a condition on the type of the file part, which the client writes by itself.
    /// A browser writes parameters without the space, so both ways of writing them are admitted.
    #[must_use]
    pub fn as_condition(&self) -> Condition<'_> {
        match &self.compact {
            Some(compact) => Condition::In("content-type", vec![&self.canonical, compact]),
            None => Condition::Equal("content-type", &self.canonical),
        }
    }
}

/// Reads `name=value` pieces; returns `None` if one is not allowed.
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
        // The names of character sets have no case; the other values do.
        let value = if name == "charset" { value.to_ascii_lowercase() } else { value.to_owned() };
        if parameters.insert(name, value).is_some() {
            return None;
        }
    }
    Some(parameters)
}

/// Takes off the optional white space of RFC 9110, and no other.
fn without_space(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
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

/// Tells whether a route that allows `patterns` allows this type; an empty list allows all.
#[must_use]
pub fn is_allowed(patterns: &[TypePattern], content_type: &ContentType) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.admits(content_type))
}

/// Says `patterns` as one condition on the file part's own type, for an ask that named none.
///
/// A prefix admits whatever follows it, `image/,text/html` too. A list of exact types would not, but the
/// form of such an ask can carry an `x-oss-content-type` besides, which decides the stored type and which
/// no condition can forbid: OSS has none that holds for an absent field. So the prefix stays, which takes
/// every type that the route takes, and the README says that this call leaves the stored type open.
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

/// Tells a token of RFC 9110, but for the `*`, which means every subtype in a route's list.
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
    fn a_type_is_written_in_one_way() {
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
    fn what_one_reader_may_take_for_another_type_is_no_type() {
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
            // Parameters that are not on the list, twice there, or not written as parameters are.
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
        fn a_type_that_is_taken_is_one_type_for_a_browser_too(
            text in "[a-z*]{0,4}[/,;= \"a-z\\\\]{0,12}(; ?(charset|codecs|x)=[a-z,;\"\\\\/ ]{0,8}){0,2}"
        ) {
            if let Some(parsed) = ContentType::parse(&text) {
                assert!(!parsed.as_str().contains([',', '"', '\\']), "{text:?}");
                assert!(text.trim().starts_with(parsed.essence()), "{text:?}");
                assert_eq!(ContentType::parse(parsed.as_str()), Some(parsed), "{text:?}");
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,64}") {
            let _ = ContentType::parse(&text);
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
        assert!(!verdict("text/html;charset=image"));
        assert!(is_allowed(&[], &ContentType::parse("text/html").unwrap()));
    }

    #[test]
    fn the_type_of_a_part_may_be_written_as_browsers_write_it() {
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
