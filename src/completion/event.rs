//! What OSS says of a stored object: the members of the callback's body, under the names that OSS has for
//! its variables.
//!
//! ```text
//! bucket object etag size mimeType imageInfo.width imageInfo.height imageInfo.format x:NAME… receipt
//! ```
//!
//! As a form or as JSON, whichever the content type says; each once. Other members are left alone, so
//! that a route may order more. Where an image's numbers are missing or empty there is no image.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::Value;

use crate::completion::refused::Refused;
use crate::receipt::Stored;

/// The longest body that is looked at: a receipt, a key and 8 KB of variables, all of them escaped.
const MAX_LENGTH: usize = 64 * 1024;

/// What stands before the name of a variable that the form set.
const VARIABLE: &str = "x:";

/// What OSS says of a stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The object's entity tag, without quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its type.
    pub content_type: String,
    /// What OSS found it to be, if it is an image.
    pub image: Option<Image>,
    /// The variables that the form set, by name without `x:`.
    pub variables: BTreeMap<String, String>,
    /// The receipt that came with the grant.
    pub receipt: String,
}

/// An image as OSS sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Pixels from left to right.
    pub width: u64,
    /// Pixels from top to bottom.
    pub height: u64,
    /// The format's name.
    pub format: String,
}

impl Event {
    /// Reads a callback's body.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refused> {
        if body.len() > MAX_LENGTH {
            return Err(Refused::Malformed("the body is over 64 KiB"));
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
        let Members(mut members) = match kind.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => form(body),
            "application/json" => serde_json::from_slice(body).ok(),
            _ => return Err(Refused::Malformed("the content type is neither form nor JSON")),
        }
        .ok_or(Refused::Malformed("the body is not written as its content type says"))?;
        Self::take(&mut members).ok_or(Refused::Malformed(
            "the body lacks a member, or has one with an impossible value",
        ))
    }

    fn take(members: &mut BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            bucket: members.remove("bucket")?,
            key: members.remove("object")?,
            etag: members.remove("etag")?.trim_matches('"').to_owned(),
            size: members.remove("size")?.parse().ok()?,
            content_type: members.remove("mimeType")?,
            image: Image::take(members)?,
            receipt: members.remove("receipt")?,
            variables: members
                .iter()
                .filter_map(|(name, value)| Some((name.strip_prefix(VARIABLE)?, value)))
                // The receipt itself, where a route orders it once more.
                .filter(|(name, _)| *name != "receipt")
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
        })
    }

    /// Gives what a receipt is compared with.
    #[must_use]
    pub fn stored(&self) -> Stored<'_> {
        Stored {
            bucket: &self.bucket,
            key: &self.key,
            size: self.size,
            content_type: &self.content_type,
        }
    }
}

impl Image {
    /// Takes an image's members, if it is one; half of them or no numbers are an error.
    #[expect(clippy::option_option, reason = "none at all, or none that can be read")]
    fn take(members: &mut BTreeMap<String, String>) -> Option<Option<Self>> {
        let mut take = |name: &str| members.remove(name).filter(|value| !value.is_empty());
        let (width, height) = (take("imageInfo.width"), take("imageInfo.height"));
        let format = take("imageInfo.format").unwrap_or_default();
        match (width, height) {
            (None, None) => Some(None),
            (width, height) => {
                let (width, height) = (width?.parse().ok()?, height?.parse().ok()?);
                Some(Some(Self { width, height, format }))
            }
        }
    }
}

/// Members of a body as texts, each once.
struct Members(BTreeMap<String, String>);

impl Members {
    /// Adds a member, unless it is there.
    fn add(&mut self, name: String, value: String) -> Option<()> {
        self.0.insert(name, value).is_none().then_some(())
    }
}

/// Reads a form. What is no UTF-8 is no form: a replaced letter would be another key.
fn form(body: &[u8]) -> Option<Members> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        Some(percent_decode_str(&text).decode_utf8().ok()?.into_owned())
    };
    let mut members = Members(BTreeMap::new());
    for pair in str::from_utf8(body).ok()?.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        members.add(decode(name)?, decode(value)?)?;
    }
    Some(members)
}

/// Reads an object of texts, numbers and nothing.
impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts and numbers, each once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members(BTreeMap::new());
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            let value = match value {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                Value::Null => Some(String::new()),
                _ => None,
            };
            value
                .and_then(|value| members.add(name, value))
                .ok_or_else(|| serde::de::Error::custom("a member that is not understood"))?;
        }
        Ok(members)
    }
}
