//! The headers that a route fixes: disposition, cache control, storage class, access, encryption, tags.
//!
//! Values and combinations are those of the PostObject page's table of form fields. `x-oss-tagging` is not in that
//! table, and an older edition said that form uploads have no tags; a route may set it, and has to be tested with
//! its bucket. It is not documented whether `x-oss-object-acl` needs more permissions than `oss:PutObject`.

use std::fmt;

use crate::policy::PolicyError;
use crate::policy::content_type::ContentType;
use crate::policy::disposition::Disposition;
use crate::policy::template::{RenderContext, TemplateError};

/// The field that controls how a browser shows the object.
pub const CONTENT_DISPOSITION: &str = "Content-Disposition";
/// The field that controls how long caches keep the object.
pub const CACHE_CONTROL: &str = "Cache-Control";
/// The field with the access control list of the object.
pub const X_OSS_OBJECT_ACL: &str = "x-oss-object-acl";
/// The field with the storage class of the object.
pub const X_OSS_STORAGE_CLASS: &str = "x-oss-storage-class";
/// The field with the method of encryption.
pub const X_OSS_SERVER_SIDE_ENCRYPTION: &str = "x-oss-server-side-encryption";
/// The field with the algorithm of KMS encryption.
pub const X_OSS_SERVER_SIDE_DATA_ENCRYPTION: &str = "x-oss-server-side-data-encryption";
/// The field with the id of the KMS key.
pub const X_OSS_SERVER_SIDE_ENCRYPTION_KEY_ID: &str = "x-oss-server-side-encryption-key-id";
/// The field with the tags of the object.
pub const X_OSS_TAGGING: &str = "x-oss-tagging";

/// The disposition of a file whose type can run scripts, if the route sets none.
pub const ATTACHMENT: &str = "attachment";

const MAX_VALUE_BYTES: usize = 1024;

/// A field and its value, which has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name of the field, one of those above.
    pub name: &'static str,
    /// The value as it was written; [`Header::render`] replaces its placeholders.
    pub value: String,
    /// The value as a template, where it differs from object to object.
    disposition: Option<Disposition>,
}

/// The reason why a value is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// A header cannot contain the text.
    Unprintable,
    /// OSS does not know the value; these are the values that it knows.
    Unknown(&'static [&'static str]),
    /// The text is not a list of tags.
    Tags,
    /// It has a placeholder outside the file name of `Content-Disposition`.
    Placeholder,
    /// The file name of `Content-Disposition` is not a valid template.
    FileName(TemplateError),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unprintable => write!(
                formatter,
                "a header's value has 1 to {MAX_VALUE_BYTES} printable ASCII characters"
            ),
            Self::Unknown(known) => write!(formatter, "the values are {}", known.join(", ")),
            Self::Tags => formatter.write_str(
                "tags look like a=1&b=2: at most 10, URL-encoded, names up to 128 characters and \
                 values up to 256",
            ),
            Self::Placeholder => formatter.write_str(
                "'{' and '}' mark placeholders, which only the file name at the end of \
                 content-disposition has: attachment; filename=\"{name}\"",
            ),
            Self::FileName(error) => write!(formatter, "in the file name, {error}"),
        }
    }
}

impl std::error::Error for HeaderError {}

impl Header {
    /// Checks a value for one of the fields above.
    pub fn parse(name: &'static str, value: &str) -> Result<Self, HeaderError> {
        let (fixed, file_name) = match Disposition::split(value) {
            Some(parts) if name == CONTENT_DISPOSITION && needs_template(value) => {
                (parts.0, Some(parts.1))
            }
            _ => (value, None),
        };
        let is_valid =
            if file_name.is_some() { is_printable(fixed.trim_end()) } else { is_printable(fixed) };
        if !is_valid || value.len() > MAX_VALUE_BYTES {
            return Err(HeaderError::Unprintable);
        }
        if fixed.contains(['{', '}']) {
            return Err(HeaderError::Placeholder);
        }
        let disposition = file_name.map(|file_name| Disposition::parse(fixed, file_name));
        let disposition = disposition.transpose().map_err(HeaderError::FileName)?;
        let known: &[&str] = match name {
            X_OSS_OBJECT_ACL => &["default", "private", "public-read", "public-read-write"],
            X_OSS_STORAGE_CLASS => &["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"],
            X_OSS_SERVER_SIDE_ENCRYPTION => &["AES256", "KMS", "SM4"],
            X_OSS_SERVER_SIDE_DATA_ENCRYPTION => &["SM4"],
            _ => &[],
        };
        if !known.is_empty() && !known.contains(&value) {
            return Err(HeaderError::Unknown(known));
        }
        if name == X_OSS_TAGGING && !are_tags(value) {
            return Err(HeaderError::Tags);
        }
        Ok(Self { name, value: value.to_owned(), disposition })
    }

    /// Writes the value for a file whose name has been made safe.
    ///
    /// # Errors
    /// The value contains an attribute that the caller has not proved.
    pub fn render(&self, context: &RenderContext<'_>, name: &str) -> Result<String, PolicyError> {
        match &self.disposition {
            Some(disposition) => disposition.render(context, name),
            None => Ok(self.value.clone()),
        }
    }

    /// Returns whether the value contains an attribute of the caller.
    #[must_use]
    pub fn uses_caller(&self) -> bool {
        self.disposition.as_ref().is_some_and(Disposition::uses_caller)
    }
}

/// Returns whether a disposition has placeholders, or characters that a header cannot carry as they are.
fn needs_template(value: &str) -> bool {
    value.contains(['{', '}']) || !value.is_ascii()
}

/// Returns whether a text is unchanged by every header parser: printable ASCII without spaces at the ends.
#[must_use]
pub(super) fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

fn are_tags(text: &str) -> bool {
    let tag = |tag: &str| {
        let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
        (1..=128).contains(&name.len()) && value.len() <= 256 && !value.contains(['=', ' '])
    };
    text.split('&').count() <= 10 && text.split('&').all(tag)
}

/// Returns the name of a field in a condition. Two names have capitals in forms and none in policies, which is how
/// OSS is known to match them.
#[must_use]
pub fn in_policy(name: &str) -> &str {
    match name {
        CACHE_CONTROL => "cache-control",
        CONTENT_DISPOSITION => "content-disposition",
        name => name,
    }
}

/// Returns whether a browser may run scripts in a file of this type, or may guess such a type. Opened from the
/// bucket's domain, the file could act there as a page of the application.
#[must_use]
pub fn can_run_scripts(content_type: &ContentType) -> bool {
    const ACTIVE: [&str; 14] = [
        "text/html",
        "text/xml",
        "text/xsl",
        "text/ecmascript",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
        "application/xml",
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "application/x-shockwave-flash",
    ];
    // Browsers treat these as "no type" and look into the file.
    const GUESSED: [&str; 5] = [
        "application/unknown",
        "unknown/unknown",
        "application/x-unknown-content-type",
        "application/x-vnd.mozilla.guess-from-ext",
        "application/x-vnd.mozilla.maybe-text",
    ];
    // `text/javascript` has versions as suffixes. Of multipart files and mails, browsers show the page inside.
    const BEGINNINGS: [&str; 3] = ["text/javascript", "multipart/", "message/"];
    let essence = content_type.essence();
    essence.ends_with("+xml")
        || ACTIVE.contains(&essence)
        || GUESSED.contains(&essence)
        || BEGINNINGS.iter().any(|beginning| essence.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_can_run_scripts_are_recognised() {
        let active = |text| can_run_scripts(&ContentType::parse(text).unwrap());
        for text in [
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "image/svg+xml",
            "application/xhtml+XML",
            "application/rss+xml",
            "application/xml",
            "application/javascript",
            "text/javascript1.5",
            "Text/JScript",
            "multipart/mixed; boundary=image",
            "multipart/x-mixed-replace",
            "message/rfc822",
            "unknown/unknown",
            "application/x-unknown-content-type",
        ] {
            assert!(active(text), "{text}");
        }
        for text in ["image/png", "text/plain; charset=html", "application/pdf", "a/b", "a/xml"] {
            assert!(!active(text), "{text}");
        }
    }

    #[test]
    fn only_values_that_oss_knows_are_allowed() {
        fn parse(name: &'static str, value: &str) -> Result<String, HeaderError> {
            Header::parse(name, value).map(|header| header.value)
        }
        for (name, value) in [
            (CACHE_CONTROL, "public, max-age=3600"),
            (CONTENT_DISPOSITION, "attachment; filename=\"a.png\""),
            (X_OSS_STORAGE_CLASS, "IA"),
            (X_OSS_OBJECT_ACL, "private"),
            (X_OSS_SERVER_SIDE_ENCRYPTION, "KMS"),
            (X_OSS_SERVER_SIDE_DATA_ENCRYPTION, "SM4"),
            (X_OSS_SERVER_SIDE_ENCRYPTION_KEY_ID, "9468da86-3509-4f8d-a61e-6eab1eac"),
            (X_OSS_TAGGING, "a=1&b"),
        ] {
            assert_eq!(parse(name, value).as_deref(), Ok(value));
            for bad in ["", " a", "a\r\nb: c", "é", &"a".repeat(1025)] {
                assert_eq!(parse(name, bad), Err(HeaderError::Unprintable), "{name} {bad:?}");
            }
        }
        for (name, bad) in [
            (CACHE_CONTROL, "max-age={dd}"),
            (X_OSS_TAGGING, "a={sub}"),
            (CONTENT_DISPOSITION, "attachment; filename={name}"),
            (CONTENT_DISPOSITION, "attachment; filename*=UTF-8''{name}"),
            (CONTENT_DISPOSITION, "{name}; filename=\"a\""),
            (CONTENT_DISPOSITION, "attachment; filename=\"{name}\"; a=b"),
        ] {
            assert_eq!(parse(name, bad), Err(HeaderError::Placeholder), "{bad}");
        }
        let broken = parse(CONTENT_DISPOSITION, "attachment; filename=\"{file}\"");
        assert!(matches!(broken, Err(HeaderError::FileName(_))));
        for good in ["attachment; filename=\"{name}\"", "inline;filename=\"照片.{ext}\""] {
            assert_eq!(parse(CONTENT_DISPOSITION, good).as_deref(), Ok(good));
        }
        assert!(matches!(parse(X_OSS_OBJECT_ACL, "Private"), Err(HeaderError::Unknown(_))));
        assert!(matches!(parse(X_OSS_STORAGE_CLASS, "standard"), Err(HeaderError::Unknown(_))));
        for bad in ["=1", "a=1&&b", "a=b=c", &"a=1&".repeat(10)] {
            assert_eq!(parse(X_OSS_TAGGING, bad), Err(HeaderError::Tags), "{bad}");
        }
    }
}
