//! The upload callback of a route: the addresses that OSS calls, the body that it sends, and its variables.
//!
//! The rules are those of the documentation's page on callbacks: one to five addresses, a body with `${…}`
//! variables of OSS, and custom variables, whose names begin with `x:`. `config` checks that OSS can reach an
//! address. `grant` writes the callback into a form.

use std::fmt;

use serde::de::IgnoredAny;

use crate::policy::template::Template;

/// The largest number of addresses that OSS tries.
pub const MAX_ADDRESSES: usize = 5;

/// The largest size of the field `callback`, in bytes. The documentation contradicts itself: one page says 5 KB,
/// others 8 KB, 4 KB for any field of a form, and 2 MB. The smallest value satisfies all of them.
pub const MAX_FIELD_BYTES: usize = 4096;

/// The beginning of a custom variable's name.
pub const PREFIX: &str = "x:";

/// The custom variable that contains the receipt.
pub const RECEIPT: &str = "receipt";

/// The variables that OSS knows for every object. The last three are empty unless the object is an image.
const VARIABLES: [&str; 8] = [
    "bucket",
    "object",
    "etag",
    "size",
    "mimeType",
    "imageInfo.width",
    "imageInfo.height",
    "imageInfo.format",
];

/// The variables that OSS writes as numbers into JSON.
const NUMBERS: [&str; 3] = ["size", "imageInfo.width", "imageInfo.height"];

/// Variables of newer documentation pages, which do not agree on the names. OSS may leave them as they are
/// written.
const UNCERTAIN: [&str; 6] = ["crc64", "contentMd5", "vpcId", "clientIp", "reqId", "operation"];

/// The callback that the forms of a route contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The server that OSS calls.
    pub target: CallbackTarget,
    /// The body that OSS sends.
    pub body: CallbackBody,
    /// The `Host` header, if it is not that of the address.
    pub host: Option<String>,
    /// Whether OSS names the host in the TLS handshake.
    pub sni: bool,
    /// The variables that the function sets, by name without `x:`, in order.
    pub variables: Vec<(String, Template)>,
}

/// The server that OSS calls when an object is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackTarget {
    /// This function, which verifies the callback and its receipt.
    Function,
    /// Another server: the first of these addresses that answers successfully.
    Addresses(Vec<String>),
}

impl Callback {
    /// Returns the value of `callbackUrl`: one address, or several separated by `;`. `public_url` is scheme and
    /// host of this function; without it the result is `None` if OSS is to call this function.
    #[must_use]
    pub fn address(&self, route: &str, public_url: Option<&str>) -> Option<String> {
        match &self.target {
            CallbackTarget::Function => public_url.map(|url| format!("{url}/callback/{route}")),
            CallbackTarget::Addresses(addresses) => Some(addresses.join(";")),
        }
    }
}

impl fmt::Display for CallbackTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function => formatter.write_str("the function itself"),
            Self::Addresses(addresses) => formatter.write_str(&addresses.join(", else ")),
        }
    }
}

/// Returns whether a text is the name of a custom variable: 1 to 64 lower-case letters, digits, `_` and `-`.
/// OSS does not allow capital letters.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_allowed =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Returns whether a text is `host` or `host:port`, where the host is a name or an IPv4 address. Such a text can
/// be inserted into a URL without changing the rest of it.
#[must_use]
pub fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_allowed);
    let is_port = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    host.len() <= 253 && host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// The format of a callback's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyType {
    /// `application/x-www-form-urlencoded`; OSS encodes every value.
    #[default]
    Form,
    /// `application/json`; OSS writes every value as JSON.
    Json,
}

impl BodyType {
    /// Parses `form` or `json`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "form" => Some(Self::Form),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Returns the value of `callbackBodyType`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// The body of a callback: a template in which OSS inserts values. It has been checked: OSS knows every variable
/// in it, or the form contains the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackBody {
    /// The format.
    pub body_type: BodyType,
    text: String,
}

/// A part of a body.
enum BodyPart<'a> {
    /// Fixed text.
    Text(&'a str),
    /// The name in `${…}`.
    Variable(&'a str),
    /// `${` without a closing brace.
    Open,
}

impl<'a> BodyPart<'a> {
    /// Removes the first part from a text and returns it. A `$` without a following `{` is an ordinary character.
    fn take(text: &mut &'a str) -> Option<Self> {
        let whole = *text;
        if let Some(inside) = whole.strip_prefix("${") {
            let end = inside.find('}');
            *text = end.map_or("", |end| &inside[end + 1..]);
            return Some(end.map_or(Self::Open, |end| Self::Variable(&inside[..end])));
        }
        let first = whole.chars().next()?.len_utf8();
        let end = whole[first..].find('$').map_or(whole.len(), |at| first + at);
        *text = &whole[end..];
        Some(Self::Text(&whole[..end]))
    }
}

impl CallbackBody {
    /// Returns the default body: every documented variable, each custom variable of `names`, and the receipt.
    #[must_use]
    pub fn complete(body_type: BodyType, names: &[&str]) -> Self {
        let (open, equals, and, close) = match body_type {
            BodyType::Form => ("", "=", "&", ""),
            BodyType::Json => ("{\"", "\":", ",\"", "}"),
        };
        let mut text = open.to_owned();
        let mut push = |parts: [&str; 7]| parts.into_iter().for_each(|part| text.push_str(part));
        for name in VARIABLES {
            push(["", name, equals, "${", name, "}", and]);
        }
        for name in names {
            push([PREFIX, name, equals, "${x:", name, "}", and]);
        }
        push(["", RECEIPT, equals, "${x:", RECEIPT, "}", close]);
        Self { body_type, text }
    }

    /// Parses a body from the settings. `names` are the custom variables of the route.
    pub fn parse(text: &str, body_type: BodyType, names: &[&str]) -> Result<Self, BodyError> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(part) = BodyPart::take(&mut rest) {
            filled.push_str(match part {
                BodyPart::Text(text) => text,
                BodyPart::Variable(name) => example(name, names)?,
                BodyPart::Open => return Err(BodyError::Unbalanced),
            });
        }
        if text.trim().is_empty() {
            return Err(BodyError::Empty);
        }
        let is_json = || serde_json::from_str::<IgnoredAny>(&filled).is_ok();
        if body_type == BodyType::Json && !is_json() {
            return Err(BodyError::NotJson);
        }
        Ok(Self { body_type, text: text.to_owned() })
    }

    /// Writes the body for OSS. A custom variable for which `literal` returns a value, by its name without `x:`,
    /// is replaced by this value, for a form that does not contain the variable.
    #[must_use]
    pub fn write(&self, literal: &dyn Fn(&str) -> Option<String>) -> String {
        let mut written = String::new();
        let mut rest = self.text.as_str();
        while let Some(part) = BodyPart::take(&mut rest) {
            let (BodyPart::Text(text) | BodyPart::Variable(text)) = part else { continue };
            let is_text = matches!(part, BodyPart::Text(_));
            match text.strip_prefix(PREFIX).filter(|_| !is_text).and_then(literal) {
                Some(value) => written.push_str(&value),
                None if is_text => written.push_str(text),
                None => ["${", text, "}"].into_iter().for_each(|piece| written.push_str(piece)),
            }
        }
        written
    }

    /// Returns whether the body contains the receipt.
    #[must_use]
    pub fn has_receipt(&self) -> bool {
        self.variables().any(|name| name.strip_prefix(PREFIX) == Some(RECEIPT))
    }

    /// Returns the variables of which the documentation is not certain.
    pub fn uncertain(&self) -> impl Iterator<Item = &str> {
        self.variables().filter(|name| UNCERTAIN.contains(name))
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.text.as_str();
        let parts = std::iter::from_fn(move || BodyPart::take(&mut rest));
        parts.filter_map(|part| match part {
            BodyPart::Variable(name) => Some(name),
            _ => None,
        })
    }
}

/// Returns a value of the kind that OSS inserts into JSON.
fn example(name: &str, names: &[&str]) -> Result<&'static str, BodyError> {
    match name.strip_prefix(PREFIX) {
        Some(custom) if custom == RECEIPT || names.contains(&custom) => Ok("\"\""),
        Some(custom) => Err(BodyError::Unset(custom.to_owned())),
        None if NUMBERS.contains(&name) => Ok("0"),
        None if VARIABLES.contains(&name) || UNCERTAIN.contains(&name) => Ok("\"\""),
        None => Err(BodyError::Unknown(name.to_owned())),
    }
}

impl fmt::Display for CallbackBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The reason why a text is not a body of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The text is empty.
    Empty,
    /// A `${` has no closing brace.
    Unbalanced,
    /// OSS has no variable of this name.
    Unknown(String),
    /// The route does not set this custom variable.
    Unset(String),
    /// The body is not JSON when values are inserted.
    NotJson,
}

impl fmt::Display for BodyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("it is empty"),
            Self::Unbalanced => formatter.write_str("a '${' has no closing '}'"),
            Self::Unknown(name) => write!(
                formatter,
                "OSS has no variable ${{{name}}}; it has {}, and {PREFIX}name of 'variables'",
                VARIABLES.join(", ")
            ),
            Self::Unset(name) => write!(
                formatter,
                "the route sets no {PREFIX}{name}; put {name} into callback.variables"
            ),
            Self::NotJson => formatter.write_str(
                "it is not JSON when values are inserted; OSS writes texts with their quotes, so put no quotes \
                 around '${…}'",
            ),
        }
    }
}

impl std::error::Error for BodyError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_authority_is_a_host_with_an_optional_port() {
        for good in ["a", "a.example.com", "a_b.example.com:8443", "127.0.0.1:65535"] {
            assert!(is_authority(good), "{good}");
        }
        for bad in [
            "", ":80", "a:", "a:0", "a:65536", "a:+80", "a:8 0", "a..b", ".a", "a.", "[::1]",
            "u@a", "a/b", "a?b", "a#b", "a;b", "é", "a b", "a:80:80", "a\\b",
        ] {
            assert!(!is_authority(bad), "{bad}");
        }
        assert!(!is_authority(&"a".repeat(254)));
    }

    #[test]
    fn names_are_lower_case_letters_digits_underscores_and_hyphens() {
        for (name, is_valid) in [
            ("album", true),
            ("a_1-b", true),
            ("", false),
            ("Album", false),
            ("a.b", false),
            ("x:a", false),
            ("é", false),
        ] {
            assert_eq!(is_name(name), is_valid, "{name}");
        }
        assert!(!is_name(&"a".repeat(65)));
    }

    #[test]
    fn the_default_body_has_the_documented_variables() {
        let text = |body_type| CallbackBody::complete(body_type, &["album"]).to_string();
        insta::assert_snapshot!(text(BodyType::Form), @"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=${x:album}&receipt=${x:receipt}");
        insta::assert_snapshot!(text(BodyType::Json), @r#"{"bucket":${bucket},"object":${object},"etag":${etag},"size":${size},"mimeType":${mimeType},"imageInfo.width":${imageInfo.width},"imageInfo.height":${imageInfo.height},"imageInfo.format":${imageInfo.format},"x:album":${x:album},"receipt":${x:receipt}}"#);
        for body_type in [BodyType::Form, BodyType::Json] {
            let complete = CallbackBody::complete(body_type, &["a"]);
            assert_eq!(CallbackBody::parse(&complete.to_string(), body_type, &["a"]), Ok(complete));
        }
    }

    #[test]
    fn a_body_contains_only_variables_that_oss_or_the_form_has() {
        let parse = |text, body_type| CallbackBody::parse(text, body_type, &["album"]);
        for text in [
            "a=${object}&b=${x:album}&c=${x:receipt}&d=${crc64}",
            "plain",
            "}{",
            "$",
            "${size}${size}",
        ] {
            let body = parse(text, BodyType::Form).unwrap();
            assert_eq!(body.to_string(), text);
        }
        for (text, error) in [
            ("", BodyError::Empty),
            (" ", BodyError::Empty),
            ("a=${object", BodyError::Unbalanced),
            ("a=${", BodyError::Unbalanced),
            ("a=${Object}", BodyError::Unknown("Object".into())),
            ("a=${}", BodyError::Unknown(String::new())),
            ("a=${x:other}", BodyError::Unset("other".into())),
            ("a=${x:Album}", BodyError::Unset("Album".into())),
            ("a=${a${object}}", BodyError::Unknown("a${object".into())),
        ] {
            assert_eq!(parse(text, BodyType::Form), Err(error), "{text}");
        }
        assert!(parse(r#"{"a":${object},"b":[${size}]}"#, BodyType::Json).is_ok());
        for text in [r#"{"a":"${object}"}"#, "a=${object}", r#"{"a":${object}"#, "{${size}:1}"] {
            assert_eq!(parse(text, BodyType::Json), Err(BodyError::NotJson), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_a_parsed_body_is_written_unchanged(
            text in "(\\$\\{|\\}|x:|album|object|receipt|[a-z\"{}:,é]){0,12}"
        ) {
            for body_type in [BodyType::Form, BodyType::Json] {
                if let Ok(body) = CallbackBody::parse(&text, body_type, &["album"]) {
                    prop_assert_eq!(body.write(&|_| None), text.clone());
                }
            }
        }
    }
}
