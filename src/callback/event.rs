//! What OSS says of a stored object: the members of the callback's body, under the names that OSS has for
//! its variables.
//!
//! ```text
//! bucket object etag size mimeType imageInfo.width imageInfo.height imageInfo.format x:NAME… receipt
//! ```
//!
//! As a form or as JSON, whichever the content type says. Other members are left alone, so
//! that a route may order more. Where an image's numbers are missing or empty there is no image.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::callback::refused::Refused;
use crate::receipt;
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
    /// Its type, in the canonical form.
    pub content_type: String,
    /// What OSS found it to be, if it is an image.
    pub image: Option<Image>,
    /// The variables that the form set, by name without `x:`.
    pub variables: Vec<(String, String)>,
    /// The receipt that came with the grant.
    pub receipt: String,
}

/// An image as OSS sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let members = match kind.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Members::form(body),
            "application/json" => Members::json(body),
            _ => return Err(Refused::Malformed("the content type is neither form nor JSON")),
        };
        let members = members
            .ok_or(Refused::Malformed("the body is not written as its content type says"))?;
        Self::take(members).ok_or(Refused::Malformed(
            "the body lacks a member, or has one with an impossible value",
        ))
    }

    fn take(mut members: Members) -> Option<Self> {
        Some(Self {
            bucket: members.take("bucket")?,
            key: members.take("object")?,
            etag: members.take("etag")?.trim_matches('"').to_owned(),
            size: members.take("size")?.parse().ok()?,
            content_type: receipt::canonical_type(members.take("mimeType")?),
            image: Image::take(&mut members)?,
            receipt: members.take("receipt")?,
            variables: members.variables(),
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
    fn take(members: &mut Members) -> Option<Option<Self>> {
        let mut take = |name: &str| members.take(name).filter(|value| !value.is_empty());
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

/// Members of a body as texts, in no particular order.
struct Members(Vec<(String, String)>);

impl Members {
    /// Reads a form, in which each member stands once. What is no UTF-8 is no form: a replaced letter
    /// would be another key.
    fn form(body: &[u8]) -> Option<Self> {
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            Some(percent_decode_str(&text).decode_utf8().ok()?.into_owned())
        };
        let mut members = Self(Vec::new());
        for pair in str::from_utf8(body).ok()?.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let name = decode(name)?;
            if members.take(&name).is_some() {
                return None;
            }
            members.0.push((name, decode(value)?));
        }
        Some(members)
    }

    /// Reads an object of texts, numbers and nothing; of a member that stands twice, the last counts.
    fn json(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return None };
        let mut members = Self(Vec::new());
        for (name, value) in object {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null => String::new(),
                _ => return None,
            };
            members.0.push((name, text));
        }
        Some(members)
    }

    /// Takes a member out.
    fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(one, _)| one == name)?;
        Some(self.0.swap_remove(place).1)
    }

    /// Takes the variables out, but for the receipt itself, where a route orders it once more.
    fn variables(self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for (name, value) in self.0 {
            if let Some(name) = name.strip_prefix(VARIABLE).filter(|name| *name != "receipt") {
                variables.push((name.to_owned(), value));
            }
        }
        variables
    }
}
