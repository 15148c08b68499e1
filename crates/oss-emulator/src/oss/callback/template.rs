//! Renders `callbackBody`: a template with `${…}` variables.
//!
//! Callback page, with the table of system variables; custom variables are the form's `x:` fields,
//! whose names are lower case. In a form every value is URL-encoded; in JSON it is inserted as
//! JSON, with its quotes. The text around variables is sent unchanged, so a template that quotes a
//! variable in JSON produces invalid JSON, as in the cloud.
//!
//! The names from `crc64` on come from newer pages and are less certain, and so is the format of
//! some values: the CRC is decimal and the MD5 is base64, as OSS writes both in headers. A variable
//! without a value (no image, no VPC, an unknown name) is empty, in JSON the empty string.
//! `imageInfo` supports the formats that browsers upload; the page names neither the supported
//! formats nor their spelling.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imagesize::ImageType;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::oss::callback::parameter::{CallbackBodyType, CallbackParameter};
use crate::oss::callback::signing_key;
use crate::oss::form::UploadForm;
use crate::oss::request::RequestInfo;
use crate::oss::state::OssState;
use crate::oss::store::Sidecar;

/// The characters of a form value that are percent-encoded. A space becomes `%20`, which every
/// parser accepts.
const FORM: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum TemplatePart<'a> {
    Text(&'a str),
    /// The name between the braces.
    Variable(&'a str),
}

/// Replaces the variables by their values.
pub(super) fn render(
    template: &str,
    body_type: CallbackBodyType,
    variables: &CallbackVariables<'_>,
) -> String {
    let mut body = String::new();
    for part in parts(template) {
        match part {
            TemplatePart::Text(text) => body.push_str(text),
            TemplatePart::Variable(name) => {
                body.push_str(&encoded(&variables.get(name), body_type));
            }
        }
    }
    body
}

/// Returns whether the body contains the MD5 of the content.
pub(in crate::oss) fn wants_md5(callback: &CallbackParameter) -> bool {
    uses(&callback.body, "contentMd5")
}

/// Returns whether the body contains image properties.
pub(in crate::oss) fn wants_image_info(callback: &CallbackParameter) -> bool {
    uses(&callback.body, "imageInfo.")
}

/// Returns whether a template uses a variable with this name prefix.
fn uses(template: &str, prefix: &str) -> bool {
    let begins = |part| matches!(part, TemplatePart::Variable(name) if name.starts_with(prefix));
    parts(template).into_iter().any(begins)
}

/// Splits a template; `${` without a closing brace is text.
fn parts(template: &str) -> Vec<TemplatePart<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let (before, from) = rest.split_at(start);
        let (variable, after) = from.split_at(length);
        parts.push(TemplatePart::Text(before));
        parts.push(TemplatePart::Variable(&variable[2..]));
        rest = &after[1..];
    }
    parts.push(TemplatePart::Text(rest));
    parts
}

fn encoded(value: &VariableValue, body_type: CallbackBodyType) -> String {
    match (value, body_type) {
        (VariableValue::Number(number), _) => number.to_string(),
        (VariableValue::Text(text), CallbackBodyType::Form) => {
            utf8_percent_encode(text, &FORM).to_string()
        }
        (VariableValue::Text(text), CallbackBodyType::Json) => {
            serde_json::Value::from(text.as_str()).to_string()
        }
    }
}

/// The properties of a stored upload that variables can name.
#[derive(Debug)]
pub(in crate::oss) struct CallbackVariables<'a> {
    pub(in crate::oss) info: &'a RequestInfo<'a>,
    /// The name of the operation.
    pub(in crate::oss) operation: &'static str,
    pub(in crate::oss) bucket: &'a str,
    pub(in crate::oss) object: &'a Sidecar,
    pub(in crate::oss) form: &'a UploadForm,
    /// The image's properties, if the file is an image and the template needs them.
    pub(in crate::oss) image_info: Option<ImageInfo>,
    /// The MD5 of the content, if it was computed.
    pub(in crate::oss) md5: Option<[u8; 16]>,
}

/// The value of a variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum VariableValue {
    Text(String),
    Number(u64),
}

impl CallbackVariables<'_> {
    /// Returns the value of a variable; an unknown variable is empty.
    pub(super) fn get(&self, name: &str) -> VariableValue {
        let object = self.object;
        let image_info = self.image_info.as_ref();
        let value = match name {
            "bucket" => Some(self.bucket.into()),
            "object" => Some(object.key.as_str().into()),
            // Without quotes, as in the page's example.
            "etag" => Some(object.etag.as_str().into()),
            "size" => Some(object.size.into()),
            "mimeType" => Some(object.content_type.as_str().into()),
            "imageInfo.height" => image_info.map(|image_info| image_info.height.into()),
            "imageInfo.width" => image_info.map(|image_info| image_info.width.into()),
            "imageInfo.format" => image_info.map(|image_info| image_info.format.into()),
            "crc64" => Some(object.crc64.to_string().as_str().into()),
            "contentMd5" => self.md5.map(|md5| STANDARD.encode(md5).as_str().into()),
            "clientIp" => self.info.client.map(|address| address.to_string().as_str().into()),
            "reqId" => Some(self.info.id.as_str().into()),
            "operation" => Some(self.operation.into()),
            // `vpcId` is also empty: there is no VPC here.
            custom if custom.starts_with("x:") && custom.to_lowercase() == custom => {
                self.form.spelt(custom).map(Into::into)
            }
            _ => None,
        };
        value.unwrap_or_else(|| "".into())
    }

    /// Returns the address of the public key, as the client of this upload reaches this server.
    pub(super) fn key_url(&self, state: &OssState) -> String {
        state
            .callback_key_url
            .get()
            .cloned()
            .unwrap_or_else(|| signing_key::url(&self.info.authority))
    }
}

impl From<&str> for VariableValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for VariableValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// The format and size of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oss) struct ImageInfo {
    pub(super) format: &'static str,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl ImageInfo {
    /// Reads a file's header; `None` if it is not an image or is damaged.
    pub(in crate::oss) async fn read(path: PathBuf) -> Option<Self> {
        // The content of uploads is untrusted: a panic of the image parser ends with its task.
        tokio::task::spawn_blocking(move || Self::read_blocking(&path)).await.ok().flatten()
    }

    fn read_blocking(path: &PathBuf) -> Option<Self> {
        let mut reader = BufReader::new(File::open(path).ok()?);
        let kind = imagesize::reader_type(&mut reader).ok()?;
        let format = match kind {
            ImageType::Bmp => "bmp",
            ImageType::Gif => "gif",
            ImageType::Jpeg => "jpg",
            ImageType::Png => "png",
            ImageType::Webp => "webp",
            _ => return None,
        };
        let size = kind.reader_size(&mut reader).ok()?;
        Some(Self {
            format,
            width: u64::try_from(size.width).ok()?,
            height: u64::try_from(size.height).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonempty_parts(template: &str) -> Vec<TemplatePart<'_>> {
        let mut parts = parts(template);
        parts.retain(|part| *part != TemplatePart::Text(""));
        parts
    }

    #[test]
    fn variables_are_between_dollar_brace_and_brace() {
        use TemplatePart::{Text, Variable};
        assert_eq!(nonempty_parts("a=${b}&c"), [Text("a="), Variable("b"), Text("&c")]);
        assert_eq!(nonempty_parts("${a}${x:b}"), [Variable("a"), Variable("x:b")]);
        assert_eq!(nonempty_parts("$a {b} $ {c}"), [Text("$a {b} $ {c}")]);
        assert_eq!(nonempty_parts("a${b"), [Text("a${b")]);
        assert_eq!(nonempty_parts("${}"), [Variable("")]);
        assert_eq!(nonempty_parts("${${a}}"), [Variable("${a"), Text("}")]);
        assert_eq!(nonempty_parts("é${ü}€"), [Text("é"), Variable("ü"), Text("€")]);
    }

    #[test]
    fn a_value_is_encoded_for_the_format_of_the_body() {
        let text = VariableValue::Text("a \"b\"/é&+~".to_owned());
        assert_eq!(encoded(&text, CallbackBodyType::Form), "a%20%22b%22%2F%C3%A9%26%2B~");
        assert_eq!(encoded(&text, CallbackBodyType::Json), r#""a \"b\"/é&+~""#);
        for body_type in [CallbackBodyType::Form, CallbackBodyType::Json] {
            assert_eq!(
                encoded(&VariableValue::Number(u64::MAX), body_type),
                "18446744073709551615"
            );
        }
        assert_eq!(encoded(&VariableValue::Text(String::new()), CallbackBodyType::Json), "\"\"");
    }

    #[test]
    fn the_variables_of_a_template_are_found() {
        assert!(uses("a=${imageInfo.width}", "imageInfo."));
        assert!(!uses("imageInfo.width=${size}", "imageInfo."));
    }
}
