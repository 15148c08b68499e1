//! What OSS says of a stored object: the members of the callback's body, under the names that OSS has for
//! its variables.
//!
//! ```text
//! bucket object etag size mimeType imageInfo.width imageInfo.height imageInfo.format x:NAME… receipt
//! ```
//!
//! As a form or as JSON, whichever the content type says. Other members are left alone, so
//! that a route may order more. Where an image's numbers are missing, empty or no numbers there is no image.
//!
//! Anyone can have OSS send a body of their own from a bucket of their own. Bucket, key, size, type and variables
//! are compared with the receipt. The entity tag and the image are compared with nothing: they are the
//! uploader's word.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::callback::CallbackError;
use crate::callback::receipt::{StoredObject, Variables, canonical_type};

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
    /// The object's entity tag, without quotes. No receipt holds it, so it is the uploader's word.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its type, in the canonical form where it has one. The uploader may have chosen it, so bytes that are not
    /// UTF-8 are replaced and not refused.
    pub content_type: String,
    /// What OSS found it to be, if it is an image. No receipt holds it, so it is the uploader's word.
    pub image: Option<Image>,
    /// Every member whose name begins with `x:`, by name without it. Only the receipt tells which of them
    /// the function has set.
    pub variables: Variables,
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
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, CallbackError> {
        if body.len() > MAX_LENGTH {
            return Err(CallbackError::Malformed("the body is over 64 KiB"));
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
        let members = match kind.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => EventMembers::form(body),
            "application/json" => EventMembers::json(body),
            _ => return Err(CallbackError::Malformed("the content type is neither form nor JSON")),
        };
        let members = members
            .ok_or(CallbackError::Malformed("the body is not written as its content type says"))?;
        Self::take(members).ok_or(CallbackError::Malformed(
            "the body lacks a member, or has one with an impossible value",
        ))
    }

    fn take(mut members: EventMembers) -> Option<Self> {
        Some(Self {
            bucket: members.take_exact("bucket")?,
            key: members.take_exact("object")?,
            etag: members.take_exact("etag")?.trim_matches('"').to_owned(),
            size: members.take("size")?.parse().ok()?,
            content_type: canonical_type(members.take("mimeType")?),
            image: Image::take(&mut members),
            receipt: members.take_exact("receipt")?,
            variables: members.variables(),
        })
    }

    /// Gives what a receipt is compared with.
    #[must_use]
    pub fn stored(&self) -> StoredObject<'_> {
        StoredObject {
            bucket: &self.bucket,
            key: &self.key,
            size: self.size,
            content_type: &self.content_type,
        }
    }
}

impl Image {
    /// Takes an image's members. Half of them, or no numbers, are no image: what OSS says of a broken image is
    /// not documented, and an upload must not go unreported because of it.
    fn take(members: &mut EventMembers) -> Option<Self> {
        let mut take = |name: &str| members.take(name).unwrap_or_default();
        let (width, height) = (take("imageInfo.width"), take("imageInfo.height"));
        let format = take("imageInfo.format");
        Some(Self { width: width.parse().ok()?, height: height.parse().ok()?, format })
    }
}

/// One member of a body.
struct EventMember {
    name: String,
    value: String,
    /// Whether the value was UTF-8. In one that was not, bytes have been replaced.
    is_exact: bool,
}

/// The members of a body, in no particular order.
struct EventMembers(Vec<EventMember>);

impl EventMembers {
    /// Reads a form, in which each member stands once.
    fn form(body: &[u8]) -> Option<Self> {
        let decode = |text: &str| {
            let bytes: Vec<u8> = percent_decode_str(&text.replace('+', " ")).collect();
            let text = String::from_utf8_lossy(&bytes);
            (matches!(text, Cow::Borrowed(_)), text.into_owned())
        };
        let mut members = Self(Vec::new());
        for pair in str::from_utf8(body).ok()?.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let ((true, name), (is_exact, value)) = (decode(name), decode(value)) else {
                return None;
            };
            if members.take(&name).is_some() {
                return None;
            }
            members.0.push(EventMember { name, value, is_exact });
        }
        Some(members)
    }

    /// Reads an object of texts, numbers and nothing; of a member that stands twice, the last counts.
    fn json(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let Ok(Value::Object(object)) = serde_json::from_str(&text) else { return None };
        let mut members = Self(Vec::new());
        for (name, value) in object {
            let value = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null => String::new(),
                _ => return None,
            };
            let is_replaced = value.contains(char::REPLACEMENT_CHARACTER);
            let is_exact = matches!(text, Cow::Borrowed(_)) || !is_replaced;
            members.0.push(EventMember { name, value, is_exact });
        }
        Some(members)
    }

    /// Takes a member out.
    fn take(&mut self, name: &str) -> Option<String> {
        self.take_member(name).map(|member| member.value)
    }

    /// Takes out a member that has to be UTF-8. With a replaced byte it would name another object.
    fn take_exact(&mut self, name: &str) -> Option<String> {
        self.take_member(name).filter(|member| member.is_exact).map(|member| member.value)
    }

    fn take_member(&mut self, name: &str) -> Option<EventMember> {
        let place = self.0.iter().position(|member| member.name == name)?;
        Some(self.0.swap_remove(place))
    }

    /// Takes the variables out, but for the receipt itself, where a route orders it once more.
    fn variables(self) -> Variables {
        let mut variables = Vec::new();
        for EventMember { name, value, .. } in self.0 {
            if let Some(name) = name.strip_prefix(VARIABLE).filter(|name| *name != "receipt") {
                variables.push((name.to_owned(), value));
            }
        }
        variables
    }
}
