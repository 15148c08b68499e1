//! The event that a callback reports: the members of its body, under the names of OSS's variables.
//!
//! ```text
//! bucket object etag size mimeType imageInfo.width imageInfo.height imageInfo.format x:NAME… receipt
//! ```
//!
//! The body is a form or JSON, as its content type says. Other members are ignored, so that a route may define
//! more. Without complete and numeric image members there is no image.
//!
//! Anyone can make OSS send any body from a bucket of their own. Bucket, key, size, type and variables are compared
//! with the receipt. The entity tag and the image cannot be compared with anything, so the uploader may have
//! chosen them.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::callback::CallbackError;
use crate::callback::receipt::{StoredObject, Variables, canonical_type};

/// The longest body: a receipt, a key and 8 KB of variables, all percent-encoded.
const MAX_LENGTH: usize = 64 * 1024;

/// The beginning of a custom variable's name.
const VARIABLE_PREFIX: &str = "x:";

/// An object that OSS reports as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadEvent {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The entity tag, without quotes. No receipt contains it, so the uploader may have chosen it.
    pub etag: String,
    /// The size in bytes.
    pub size: u64,
    /// The content type, in its canonical form if it has one. The uploader may have chosen it, so bytes that are not
    /// UTF-8 are replaced and are no error.
    pub content_type: String,
    /// The image, if OSS recognised one. No receipt contains it, so the uploader may have chosen it.
    pub image: Option<ImageInfo>,
    /// Every member whose name begins with `x:`, by name without it. The receipt proves which of them the function
    /// has set.
    pub variables: Variables,
    /// The receipt of the grant.
    pub receipt: String,
}

/// The properties of an image, as OSS measures them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// The width in pixels.
    pub width: u64,
    /// The height in pixels.
    pub height: u64,
    /// The name of the format, such as `png`.
    pub format: String,
}

impl UploadEvent {
    /// Parses the body of a callback.
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
        let members =
            members.ok_or(CallbackError::Malformed("the body does not match its content type"))?;
        Self::take(members).ok_or(CallbackError::Malformed(
            "the body lacks a member, or a member has an impossible value",
        ))
    }

    fn take(mut members: EventMembers) -> Option<Self> {
        Some(Self {
            bucket: members.take_exact("bucket")?,
            key: members.take_exact("object")?,
            etag: members.take_exact("etag")?.trim_matches('"').to_owned(),
            size: members.take("size")?.parse().ok()?,
            content_type: canonical_type(members.take("mimeType")?),
            image: ImageInfo::take(&mut members),
            receipt: members.take_exact("receipt")?,
            variables: members.variables(),
        })
    }

    /// Returns the part that is compared with a receipt.
    #[must_use]
    pub fn stored_object(&self) -> StoredObject<'_> {
        StoredObject {
            bucket: &self.bucket,
            key: &self.key,
            size: self.size,
            content_type: &self.content_type,
        }
    }
}

impl ImageInfo {
    /// Takes the members of an image. Missing or non-numeric members mean that there is no image: the documentation
    /// does not say what OSS sends for a broken image, and such an upload must be reported too.
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
    /// Whether the value was UTF-8. Otherwise bytes have been replaced.
    is_exact: bool,
}

/// The members of a body, in any order.
struct EventMembers(Vec<EventMember>);

impl EventMembers {
    /// Parses a form. A repeated member is an error.
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

    /// Parses a JSON object of texts, numbers and nulls. The last value of a repeated member counts.
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

    /// Removes a member and returns its value.
    fn take(&mut self, name: &str) -> Option<String> {
        self.take_member(name).map(|member| member.value)
    }

    /// Removes a member that has to be UTF-8. With a replaced byte it would name another object.
    fn take_exact(&mut self, name: &str) -> Option<String> {
        self.take_member(name).filter(|member| member.is_exact).map(|member| member.value)
    }

    fn take_member(&mut self, name: &str) -> Option<EventMember> {
        let place = self.0.iter().position(|member| member.name == name)?;
        Some(self.0.swap_remove(place))
    }

    /// Returns the custom variables without the receipt, which a route may define a second time.
    fn variables(self) -> Variables {
        let mut variables = Vec::new();
        for EventMember { name, value, .. } in self.0 {
            if let Some(name) = name.strip_prefix(VARIABLE_PREFIX).filter(|name| *name != "receipt")
            {
                variables.push((name.to_owned(), value));
            }
        }
        variables
    }
}
