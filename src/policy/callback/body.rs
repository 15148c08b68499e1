//! What a callback tells: a text in which OSS fills in its own `${…}`.

use std::fmt;

use serde::de::IgnoredAny;

use crate::policy::callback::{PREFIX, RECEIPT};

/// What OSS knows of every object; of one that is no image the last three are empty.
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

/// Those that OSS writes as numbers into JSON.
const NUMBERS: [&str; 3] = ["size", "imageInfo.width", "imageInfo.height"];

/// What newer pages add. They do not agree on the names, so what is here may stay as it is written.
const UNCERTAIN: [&str; 6] = ["crc64", "contentMd5", "vpcId", "clientIp", "reqId", "operation"];

/// How a callback's body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyType {
    /// `application/x-www-form-urlencoded`; OSS encodes every value.
    #[default]
    Form,
    /// `application/json`; OSS writes every value as JSON.
    Json,
}

impl BodyType {
    /// Reads `form` or `json`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "form" => Some(Self::Form),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Gives the type as OSS is told of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// A callback's body, checked: OSS knows every variable in it, or the form carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// How it is written.
    pub body_type: BodyType,
    text: String,
}

/// A piece of a body.
enum Piece<'a> {
    /// This very text.
    Text(&'a str),
    /// What stands in a `${…}`.
    Variable(&'a str),
    /// A `${` that nothing closes.
    Open,
}

impl<'a> Piece<'a> {
    /// Takes the first piece off a text. A `$` that no `{` follows is a character like any other.
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

impl Body {
    /// Tells everything that is documented, each variable of these names, and the receipt.
    #[must_use]
    pub fn whole(body_type: BodyType, names: &[&str]) -> Self {
        let (open, is, and, close) = match body_type {
            BodyType::Form => ("", "=", "&", ""),
            BodyType::Json => ("{\"", "\":", ",\"", "}"),
        };
        let mut text = open.to_owned();
        let mut tell = |words: [&str; 7]| words.into_iter().for_each(|word| text.push_str(word));
        for name in VARIABLES {
            tell(["", name, is, "${", name, "}", and]);
        }
        for name in names {
            tell([PREFIX, name, is, "${x:", name, "}", and]);
        }
        tell(["", RECEIPT, is, "${x:", RECEIPT, "}", close]);
        Self { body_type, text }
    }

    /// Reads a template of one's own. `names` are the variables that its forms carry.
    pub fn parse(text: &str, body_type: BodyType, names: &[&str]) -> Result<Self, BodyError> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(piece) = Piece::take(&mut rest) {
            filled.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Variable(name) => example(name, names)?,
                Piece::Open => return Err(BodyError::Unbalanced),
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

    /// Writes it as OSS reads it. A variable of the form that `literal` knows, by its name without `x:`,
    /// is written out, for a form that does not carry it.
    #[must_use]
    pub fn write(&self, literal: &dyn Fn(&str) -> Option<String>) -> String {
        let mut written = String::new();
        let mut rest = self.text.as_str();
        while let Some(piece) = Piece::take(&mut rest) {
            let (Piece::Text(text) | Piece::Variable(text)) = piece else { continue };
            let is_text = matches!(piece, Piece::Text(_));
            match text.strip_prefix(PREFIX).filter(|_| !is_text).and_then(literal) {
                Some(value) => written.push_str(&value),
                None if is_text => written.push_str(text),
                None => ["${", text, "}"].into_iter().for_each(|word| written.push_str(word)),
            }
        }
        written
    }

    /// Tells whether the receipt is told.
    #[must_use]
    pub fn tells_receipt(&self) -> bool {
        self.variables().any(|name| name.strip_prefix(PREFIX) == Some(RECEIPT))
    }

    /// Gives what is told under names that are not certain.
    pub fn uncertain(&self) -> impl Iterator<Item = &str> {
        self.variables().filter(|name| UNCERTAIN.contains(name))
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.text.as_str();
        let pieces = std::iter::from_fn(move || Piece::take(&mut rest));
        pieces.filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name),
            _ => None,
        })
    }
}

/// Gives what OSS could fill in as JSON.
fn example(name: &str, names: &[&str]) -> Result<&'static str, BodyError> {
    match name.strip_prefix(PREFIX) {
        Some(own) if own == RECEIPT || names.contains(&own) => Ok("\"\""),
        Some(own) => Err(BodyError::Unset(own.to_owned())),
        None if NUMBERS.contains(&name) => Ok("0"),
        None if VARIABLES.contains(&name) || UNCERTAIN.contains(&name) => Ok("\"\""),
        None => Err(BodyError::Unknown(name.to_owned())),
    }
}

impl fmt::Display for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Says what is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// There is nothing in it.
    Empty,
    /// A `${` that nothing closes.
    Unbalanced,
    /// OSS knows no such variable.
    Unknown(String),
    /// No form of this route carries this variable.
    Unset(String),
    /// Filled in, it is no JSON.
    NotJson,
}

impl fmt::Display for BodyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("there is nothing in it"),
            Self::Unbalanced => formatter.write_str("a '${' has no '}' behind it"),
            Self::Unknown(name) => write!(
                formatter,
                "OSS knows no ${{{name}}}; it knows {}, and {PREFIX}name of 'variables'",
                VARIABLES.join(", ")
            ),
            Self::Unset(name) => write!(
                formatter,
                "the route sets no {PREFIX}{name}; put {name} into callback.variables"
            ),
            Self::NotJson => formatter.write_str(
                "filled in, it is no JSON; OSS writes texts with their quotes, so no quotes stand around '${…}'",
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
    fn the_whole_is_told_under_the_documented_names() {
        let told = |body_type| Body::whole(body_type, &["album"]).to_string();
        insta::assert_snapshot!(told(BodyType::Form), @"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=${x:album}&receipt=${x:receipt}");
        insta::assert_snapshot!(told(BodyType::Json), @r#"{"bucket":${bucket},"object":${object},"etag":${etag},"size":${size},"mimeType":${mimeType},"imageInfo.width":${imageInfo.width},"imageInfo.height":${imageInfo.height},"imageInfo.format":${imageInfo.format},"x:album":${x:album},"receipt":${x:receipt}}"#);
        for body_type in [BodyType::Form, BodyType::Json] {
            let whole = Body::whole(body_type, &["a"]);
            assert_eq!(Body::parse(&whole.to_string(), body_type, &["a"]), Ok(whole));
        }
    }

    #[test]
    fn a_template_says_what_oss_can_fill_in() {
        let parse = |text, body_type| Body::parse(text, body_type, &["album"]);
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
        fn no_text_makes_it_panic_and_what_is_read_is_written_back(
            text in "(\\$\\{|\\}|x:|album|object|receipt|[a-z\"{}:,é]){0,12}"
        ) {
            for body_type in [BodyType::Form, BodyType::Json] {
                if let Ok(body) = Body::parse(&text, body_type, &["album"]) {
                    prop_assert_eq!(body.write(&|_| None), text.clone());
                }
            }
        }
    }
}
