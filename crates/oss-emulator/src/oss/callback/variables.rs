//! What a template may name, and its value for this upload.
//!
//! Callback page, table of system variables; custom ones are the form's `x:` fields, whose names are
//! lower case. The names from `crc64` on are those of newer pages and less certain; so is how
//! some are written: the CRC as decimal, the MD5 as base64, as OSS writes both in headers.
//! What a variable stands for may not be there: no image, no VPC, no such name. It is then empty,
//! in JSON the empty string, so that the body stays JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::oss::call::Call;
use crate::oss::callback::key;
use crate::oss::callback::picture::Picture;
use crate::oss::form::Form;
use crate::oss::site::Site;
use crate::oss::store::Sidecar;

/// Holds what is known of a stored upload.
#[derive(Debug)]
pub(in crate::oss) struct Variables<'a> {
    pub(in crate::oss) call: &'a Call<'a>,
    pub(in crate::oss) bucket: &'a str,
    pub(in crate::oss) object: &'a Sidecar,
    pub(in crate::oss) form: &'a Form,
    /// What the file shows, if it is an image.
    pub(in crate::oss) picture: Option<Picture>,
    /// The MD5 of the content, if it was computed.
    pub(in crate::oss) md5: Option<[u8; 16]>,
}

/// The value of a variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
}

impl Variables<'_> {
    /// Returns the value of a variable; an unknown one is empty.
    pub(super) fn get(&self, name: &str) -> Value {
        let object = self.object;
        let picture = self.picture.as_ref();
        let value = match name {
            "bucket" => Some(self.bucket.into()),
            "object" => Some(object.key.as_str().into()),
            // Without the quotes of the header, as the page's example has it.
            "etag" => Some(object.etag.as_str().into()),
            "size" => Some(object.size.into()),
            "mimeType" => Some(object.content_type.as_str().into()),
            "imageInfo.height" => picture.map(|picture| picture.height.into()),
            "imageInfo.width" => picture.map(|picture| picture.width.into()),
            "imageInfo.format" => picture.map(|picture| picture.format.into()),
            "crc64" => Some(object.crc64.to_string().as_str().into()),
            "contentMd5" => self.md5.map(|md5| STANDARD.encode(md5).as_str().into()),
            "clientIp" => self.call.client.map(|address| address.to_string().as_str().into()),
            "reqId" => Some(self.call.id.as_str().into()),
            "operation" => Some("PostObject".into()),
            // Also `vpcId`: nobody comes through a VPC here.
            custom if custom.starts_with("x:") && custom.to_lowercase() == custom => {
                self.form.spelt(custom).map(Into::into)
            }
            _ => None,
        };
        value.unwrap_or_else(|| "".into())
    }

    /// Returns the address of the public key, as the caller of this upload finds this server.
    pub(super) fn key_url(&self, site: &Site) -> String {
        site.key_url.get().cloned().unwrap_or_else(|| key::url(&self.call.authority))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
