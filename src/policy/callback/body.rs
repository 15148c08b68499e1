//! What a callback tells: a text in which OSS fills in its own `${…}`.

use std::fmt;

use serde::de::IgnoredAny;

use crate::policy::callback::PREFIX;
use crate::policy::callback::RECEIPT;

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
    parts: Vec<Part>,
}

/// A piece of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This very text.
    Text(String),
    /// What OSS knows of the object.
    Known(String),
    /// A variable of the form, without `x:`.
    Own(String),
}

impl Body {
    /// Tells everything that is documented, each variable of these names, and the receipt.
    #[must_use]
    pub fn whole<'a>(body_type: BodyType, names: impl Iterator<Item = &'a str>) -> Self {
        let known =
            VARIABLES.iter().map(|name| ((*name).to_owned(), Part::Known((*name).to_owned())));
        let own = names.map(|name| (format!("{PREFIX}{name}"), Part::Own(name.to_owned())));
        let receipt = (RECEIPT.to_owned(), Part::Own(RECEIPT.to_owned()));
        let mut parts = Vec::new();
        for (index, (name, part)) in known.chain(own).chain([receipt]).enumerate() {
            let before = match (body_type, index) {
                (BodyType::Form, 0) => format!("{name}="),
                (BodyType::Form, _) => format!("&{name}="),
                (BodyType::Json, 0) => format!("{{\"{name}\":"),
                (BodyType::Json, _) => format!(",\"{name}\":"),
            };
            parts.extend([Part::Text(before), part]);
        }
        if body_type == BodyType::Json {
            parts.push(Part::Text("}".to_owned()));
        }
        Self { body_type, parts }
    }

    /// Reads a template of one's own. `names` are the variables that its forms carry.
    pub fn parse(text: &str, body_type: BodyType, names: &[&str]) -> Result<Self, BodyError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, inside)) = rest.split_once("${") {
            let (name, after) = inside.split_once('}').ok_or(BodyError::Unbalanced)?;
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::variable(name, names)?);
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        let body = Self { body_type, parts };
        match body_type {
            _ if text.trim().is_empty() => Err(BodyError::Empty),
            BodyType::Json if !body.makes_json() => Err(BodyError::NotJson),
            _ => Ok(body),
        }
    }

    /// Fills in what no object changes.
    fn makes_json(&self) -> bool {
        let text = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Known(name) if NUMBERS.contains(&name.as_str()) => "0",
            Part::Known(_) | Part::Own(_) => "\"\"",
        });
        serde_json::from_str::<IgnoredAny>(&text.collect::<String>()).is_ok()
    }

    /// Writes it as OSS reads it. A variable of the form that `literal` knows is written out, for a form
    /// that does not carry it.
    #[must_use]
    pub fn write(&self, literal: impl Fn(&str) -> Option<String>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Known(name) => text.extend(["${", name, "}"]),
                Part::Own(name) => match literal(name) {
                    Some(value) => text.push_str(&value),
                    None => text.extend(["${", PREFIX, name, "}"]),
                },
            }
        }
        text
    }

    /// Tells whether the receipt is told.
    #[must_use]
    pub fn tells_receipt(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Own(name) if name == RECEIPT))
    }

    /// Gives what is told under names that are not certain.
    pub fn uncertain(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Known(name) if UNCERTAIN.contains(&name.as_str()) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Part {
    fn variable(name: &str, names: &[&str]) -> Result<Self, BodyError> {
        match name.strip_prefix(PREFIX) {
            Some(own) if own == RECEIPT || names.contains(&own) => Ok(Self::Own(own.to_owned())),
            Some(own) => Err(BodyError::Unset(own.to_owned())),
            None if VARIABLES.iter().chain(&UNCERTAIN).any(|known| *known == name) => {
                Ok(Self::Known(name.to_owned()))
            }
            None => Err(BodyError::Unknown(name.to_owned())),
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.write(|_| None))
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
        let told = |body_type| Body::whole(body_type, ["album"].into_iter()).to_string();
        insta::assert_snapshot!(told(BodyType::Form), @"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=${x:album}&receipt=${x:receipt}");
        insta::assert_snapshot!(told(BodyType::Json), @r#"{"bucket":${bucket},"object":${object},"etag":${etag},"size":${size},"mimeType":${mimeType},"imageInfo.width":${imageInfo.width},"imageInfo.height":${imageInfo.height},"imageInfo.format":${imageInfo.format},"x:album":${x:album},"receipt":${x:receipt}}"#);
        assert!(Body::whole(BodyType::Json, ["a"].into_iter()).makes_json());
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
                    prop_assert_eq!(body.to_string(), text.clone());
                }
            }
        }
    }
}
