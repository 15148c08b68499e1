//! Templates of object keys: a directory or a whole key with placeholders.
//!
//! `uploads/{yyyy}/{mm}/{dd}/{uuid}/` becomes a new directory for each grant. With `{uuid}` nobody can guess or
//! overwrite the object of another caller; without it, uploads share one directory. A directory is a key whose last
//! part is `{name}`.
//!
//! | placeholder | replaced by |
//! |---|---|
//! | `{yyyy}`, `{mm}`, `{dd}` | the date of the grant in UTC |
//! | `{uuid}` | a random UUID |
//! | `{random:n}` | 4 to 25 random letters and digits, without those that look alike |
//! | `{name}` | the safe file name; `file` if there is none |
//! | `{stem}` | the safe file name without its extension |
//! | `{ext}` | the extension in lower case; without one, nothing, and a dot before it is left out too |
//! | `{sub}`, `{claim:x}` | a verified attribute of the caller; a caller without it gets an error |

mod matcher;
mod part;

use std::fmt;

pub use crate::policy::template::part::TemplateError;

use crate::policy::PolicyError;
use crate::policy::key::{is_invisible, split_extension};
use crate::policy::template::part::{MAX_ATTRIBUTE_BYTES, TemplatePart};
use crate::time::Timestamp;

/// The longest template in bytes.
const MAX_TEMPLATE_BYTES: usize = 512;

/// The longest key that OSS accepts, in bytes.
const MAX_KEY_BYTES: usize = 1023;

/// Digits and letters without `i`, `l`, `o` and `u`, which are easily confused.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Sixteen random bytes, new for each grant.
pub type RandomBytes = [u8; 16];

/// The values that placeholders are replaced with, as far as they do not depend on the file.
#[derive(Clone, Copy, Debug)]
pub struct RenderContext<'a> {
    /// The time of the grant.
    pub now: Timestamp,
    /// The randomness of the grant.
    pub random: &'a RandomBytes,
    /// The attributes of the caller.
    pub attributes: CallerAttributes<'a>,
}

impl<'a> RenderContext<'a> {
    /// Returns a context without attributes of a caller.
    #[must_use]
    pub fn anonymous(now: Timestamp, random: &'a RandomBytes) -> Self {
        Self { now, random, attributes: CallerAttributes::NONE }
    }
}

/// The verified attributes of a caller that a key may contain.
#[derive(Clone, Copy)]
pub struct CallerAttributes<'a> {
    /// The subject.
    pub subject: Option<&'a str>,
    /// Returns a claim by its name.
    pub claim: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
}

impl CallerAttributes<'_> {
    /// No attributes.
    pub const NONE: Self = Self { subject: None, claim: &|_| None };
}

/// The attributes are personal data, so none is shown.
impl fmt::Debug for CallerAttributes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallerAttributes").finish_non_exhaustive()
    }
}

impl<'a> CallerAttributes<'a> {
    pub(super) fn subject(&self) -> Result<&'a str, PolicyError> {
        check_attribute("sub", self.subject)
    }

    pub(super) fn claim(&self, name: &str) -> Result<&'a str, PolicyError> {
        check_attribute(&format!("claim:{name}"), (self.claim)(name))
    }
}

/// Checks an attribute. A key contains it unchanged or not at all: if it were made safe, two callers could get the
/// same directory. `*` and `?` are wildcards of RAM, and `$` has a meaning for OSS and RAM.
fn check_attribute<'a>(
    placeholder: &str,
    attribute: Option<&'a str>,
) -> Result<&'a str, PolicyError> {
    let attribute = attribute
        .ok_or_else(|| PolicyError::CallerUnknown { placeholder: placeholder.to_owned() })?;
    let bad = |c: char| is_invisible(c) || matches!(c, '/' | '\\' | '*' | '?' | '$' | '"');
    if matches!(attribute, "" | "." | "..")
        || attribute.len() > MAX_ATTRIBUTE_BYTES
        || attribute.contains(bad)
    {
        return Err(PolicyError::CallerUnusable { placeholder: placeholder.to_owned() });
    }
    Ok(attribute)
}

/// A validated template: whatever it is filled with, the result is a key that OSS accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<TemplatePart>,
}

impl Template {
    /// Parses a directory such as `photos/{yyyy}/{uuid}/`, in which files keep their names.
    pub fn directory(text: &str) -> Result<Self, TemplateError> {
        if !text.ends_with('/') {
            return Err(Self::too_long(text).unwrap_or(TemplateError::NoTrailingSlash));
        }
        let mut parts = Self::parts(text)?;
        if parts.iter().any(TemplatePart::uses_file_name) {
            return Err(TemplateError::FileInDirectory);
        }
        parts.push(TemplatePart::Name);
        part::check(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Parses a whole key such as `users/{sub}/{uuid}.{ext}`.
    pub fn key(text: &str) -> Result<Self, TemplateError> {
        if text.ends_with('/') {
            return Err(TemplateError::TrailingSlash);
        }
        let parts = Self::parts(text)?;
        part::check(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Parses the value of a variable such as `{claim:team}-{yyyy}`. It is not part of a key, so a slash has no special
    /// meaning. OSS reports the file itself, so placeholders for the file are an error.
    pub fn value(text: &str) -> Result<Self, TemplateError> {
        let parts = Self::parts_without(text, |c| c == '$')?;
        part::check_value(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    fn too_long(text: &str) -> Option<TemplateError> {
        (text.len() > MAX_TEMPLATE_BYTES).then_some(TemplateError::TooLong)
    }

    fn parts(text: &str) -> Result<Vec<TemplatePart>, TemplateError> {
        // `$` would begin OSS's own `${filename}`; `*` and `?` are wildcards in a RAM resource.
        Self::parts_without(text, |c| matches!(c, '\\' | '$' | '*' | '?' | '"'))
    }

    fn parts_without(
        text: &str,
        bad: impl Fn(char) -> bool,
    ) -> Result<Vec<TemplatePart>, TemplateError> {
        if let Some(error) = Self::too_long(text) {
            return Err(error);
        }
        if let Some(character) = text.chars().find(|c| c.is_control() || bad(*c)) {
            return Err(TemplateError::BadCharacter(character));
        }
        part::parse(text)
    }

    /// Returns whether each grant gets a key that no other grant has.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.parts.iter().any(TemplatePart::is_unique)
    }

    /// Returns whether the key depends on the file name.
    #[must_use]
    pub fn uses_file_name(&self) -> bool {
        self.parts.iter().any(TemplatePart::uses_file_name)
    }

    /// Returns whether the key depends on attributes of the caller.
    #[must_use]
    pub fn uses_caller(&self) -> bool {
        self.parts.iter().any(TemplatePart::uses_caller)
    }

    /// Returns the key of a file with a safe name.
    pub fn render(&self, context: &RenderContext<'_>, name: &str) -> Result<String, PolicyError> {
        let key = String::with_capacity(self.text.len() + name.len() + 48);
        render_parts(key, &self.parts, context, name)
    }

    /// Returns the directory for a form that may use any file name in it. This is as narrow as the template only if the
    /// file name is the only open part; otherwise it is an error.
    pub fn render_directory(&self, context: &RenderContext<'_>) -> Result<String, PolicyError> {
        let Some((TemplatePart::Name, parts @ [.., TemplatePart::Text(last)])) =
            self.parts.split_last()
        else {
            return Err(PolicyError::NameRequired);
        };
        if !last.ends_with('/') || parts.iter().any(TemplatePart::uses_file_name) {
            return Err(PolicyError::NameRequired);
        }
        let directory = String::with_capacity(self.text.len() + 48);
        render_parts(directory, parts, context, "")
    }

    /// Returns whether the template renders this key for this caller, for some file, time and random bytes.
    ///
    /// # Errors
    /// The caller lacks an attribute of the template, or it is not allowed in a key.
    pub fn matches(
        &self,
        key: &str,
        attributes: &CallerAttributes<'_>,
    ) -> Result<bool, PolicyError> {
        matcher::matches(&self.parts, key, attributes)
    }

    /// Returns the longest directory that contains all keys of one caller, for permissions of this caller.
    ///
    /// # Errors
    /// The caller lacks an attribute of the template, or it is not allowed in a key. It is never left out, because the
    /// rest would be the directory of all callers.
    pub fn caller_prefix(&self, attributes: &CallerAttributes<'_>) -> Result<String, PolicyError> {
        for part in &self.parts {
            match part {
                TemplatePart::Subject => attributes.subject().map(drop)?,
                TemplatePart::Claim(name) => attributes.claim(name).map(drop)?,
                _ => {}
            }
        }
        Ok(self.prefix(attributes))
    }

    /// Returns whether this directory is different for every caller.
    #[must_use]
    pub fn has_caller_prefix(&self) -> bool {
        let one = CallerAttributes { subject: Some("a"), claim: &|_| Some("a") };
        let other = CallerAttributes { subject: Some("b"), claim: &|_| Some("b") };
        self.prefix(&one) != self.prefix(&other)
    }

    /// Returns the longest directory that contains all keys of a caller: everything before the first part that differs
    /// between grants or days, up to its last `/`. It may be empty. An attribute that the caller lacks ends it too.
    #[must_use]
    pub fn prefix(&self, attributes: &CallerAttributes<'_>) -> String {
        let mut prefix = String::new();
        for part in &self.parts {
            let fixed = match part {
                TemplatePart::Text(text) => Some(text.as_str()),
                TemplatePart::Subject => attributes.subject().ok(),
                TemplatePart::Claim(name) => attributes.claim(name).ok(),
                _ => None,
            };
            let Some(fixed) = fixed else { break };
            prefix.push_str(fixed);
        }
        prefix.truncate(prefix.rfind('/').map_or(0, |slash| slash + 1));
        prefix
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Appends the parts to `key`.
fn render_parts(
    mut key: String,
    parts: &[TemplatePart],
    context: &RenderContext<'_>,
    name: &str,
) -> Result<String, PolicyError> {
    let date = context.now.date();
    let mut bits = u128::from_be_bytes(*context.random);
    for part in parts {
        match part {
            TemplatePart::Text(text) => key.push_str(text),
            TemplatePart::Year => key.push_str(&date[..4]),
            TemplatePart::Month => key.push_str(&date[4..6]),
            TemplatePart::Day => key.push_str(&date[6..]),
            TemplatePart::Uuid => write_uuid(&mut key, context.random),
            TemplatePart::Random(count) => write_random(&mut key, *count, &mut bits),
            TemplatePart::Name => key.push_str(name),
            TemplatePart::Stem => key.push_str(split_extension(name).0),
            TemplatePart::Extension { dotted } => write_extension(&mut key, *dotted, name),
            TemplatePart::Subject => key.push_str(context.attributes.subject()?),
            TemplatePart::Claim(claim) => key.push_str(context.attributes.claim(claim)?),
        }
    }
    Ok(key)
}

fn write_extension(target: &mut String, dotted: bool, name: &str) {
    if let (_, Some(extension)) = split_extension(name) {
        target.extend(dotted.then_some('.'));
        target.extend(extension.chars().map(|c| c.to_ascii_lowercase()));
    }
}

/// Writes five bits per character and keeps the remaining ones.
fn write_random(target: &mut String, count: usize, bits: &mut u128) {
    for _ in 0..count {
        target.push(char::from(ALPHABET[(*bits & 31) as usize]));
        *bits >>= 5;
    }
}

/// Writes a random UUID (version 4, RFC 9562).
fn write_uuid(target: &mut String, random: &RandomBytes) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in random.iter().enumerate() {
        let byte = match index {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            target.push('-');
        }
        target.push(char::from(DIGITS[usize::from(byte >> 4)]));
        target.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
}

#[cfg(test)]
mod tests;
