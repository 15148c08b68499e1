//! Where a route's objects go: a directory or a whole key with placeholders.
//!
//! `uploads/{yyyy}/{mm}/{dd}/{uuid}/` becomes a directory of its own for each grant. With `{uuid}`
//! nobody can guess or overwrite another's object; without it uploads share one directory. A
//! directory is a key whose last part is `{name}`.
//!
//! | placeholder | becomes |
//! |---|---|
//! | `{yyyy}`, `{mm}`, `{dd}` | the day of the grant, in UTC |
//! | `{uuid}` | a random UUID |
//! | `{random:n}` | 4 to 25 random letters and digits, without those that look alike |
//! | `{name}` | the file's name, made safe; `file` when none is known |
//! | `{stem}` | the same without its extension |
//! | `{ext}` | the extension in lower case; without one, nothing, and a dot before it goes too |
//! | `{sub}`, `{claim:x}` | what the caller has proved; who has not, is refused |

mod part;

use std::fmt;

pub use crate::policy::template::part::TemplateError;

use crate::policy::PolicyError;
use crate::policy::key::{is_invisible, split_extension};
use crate::policy::template::part::{MAX_ATTRIBUTE_BYTES, TemplatePart};
use crate::time::Timestamp;

/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 512;

/// The longest key that OSS takes, in bytes.
const MAX_KEY_BYTES: usize = 1023;

/// Digits and letters without `i`, `l`, `o` and `u`, of which nobody knows which is which.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Sixteen random bytes, drawn once per grant.
pub type RandomBytes = [u8; 16];

/// The circumstances of one grant.
#[derive(Clone, Copy, Debug)]
pub struct RenderContext<'a> {
    /// The one reading of the clock.
    pub now: Timestamp,
    /// The one throw of the random.
    pub random: &'a RandomBytes,
    /// Who asks.
    pub attributes: CallerAttributes<'a>,
}

impl<'a> RenderContext<'a> {
    /// An context on which nobody has shown who they are.
    #[must_use]
    pub fn anonymous(now: Timestamp, random: &'a RandomBytes) -> Self {
        Self { now, random, attributes: CallerAttributes::NONE }
    }
}

/// What a caller has proved of themselves, as far as a key can speak of it.
#[derive(Clone, Copy)]
pub struct CallerAttributes<'a> {
    /// Their name.
    pub subject: Option<&'a str>,
    /// Finds a claim by its name.
    pub claim: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
}

impl CallerAttributes<'_> {
    /// Nothing is known.
    pub const NONE: Self = Self { subject: None, claim: &|_| None };
}

/// Who somebody is goes into no log.
impl fmt::Debug for CallerAttributes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallerAttributes").finish_non_exhaustive()
    }
}

impl<'a> CallerAttributes<'a> {
    pub(super) fn subject(&self) -> Result<&'a str, PolicyError> {
        usable("sub", self.subject)
    }

    pub(super) fn claim(&self, name: &str) -> Result<&'a str, PolicyError> {
        usable(&format!("claim:{name}"), (self.claim)(name))
    }
}

/// A fact goes into a key as it is or not at all: if it were made safe, two callers could come to
/// share a directory. `*` and `?` are wildcards of RAM, and `$` speaks to OSS and RAM alike.
fn usable<'a>(placeholder: &str, fact: Option<&'a str>) -> Result<&'a str, PolicyError> {
    let fact =
        fact.ok_or_else(|| PolicyError::CallerUnknown { placeholder: placeholder.to_owned() })?;
    let bad = |c: char| is_invisible(c) || matches!(c, '/' | '\\' | '*' | '?' | '$' | '"');
    if matches!(fact, "" | "." | "..") || fact.len() > MAX_ATTRIBUTE_BYTES || fact.contains(bad) {
        return Err(PolicyError::CallerUnusable { placeholder: placeholder.to_owned() });
    }
    Ok(fact)
}

/// A template, checked: whatever is filled in, it makes a key that OSS takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<TemplatePart>,
}

impl Template {
    /// Reads a directory such as `photos/{yyyy}/{uuid}/`, in which a file keeps its name.
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

    /// Reads a whole key such as `users/{sub}/{uuid}.{ext}`.
    pub fn key(text: &str) -> Result<Self, TemplateError> {
        if text.ends_with('/') {
            return Err(TemplateError::TrailingSlash);
        }
        let parts = Self::parts(text)?;
        part::check(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Reads the value of a variable such as `{claim:team}-{yyyy}`. It names no object, so a slash means
    /// nothing in it; it is told beside the object, so it does not speak of the file.
    pub fn value(text: &str) -> Result<Self, TemplateError> {
        let parts = Self::parts_without(text, |c| c == '$')?;
        part::check_value(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    fn too_long(text: &str) -> Option<TemplateError> {
        (text.len() > MAX_TEMPLATE_BYTES).then_some(TemplateError::TooLong)
    }

    fn parts(text: &str) -> Result<Vec<TemplatePart>, TemplateError> {
        // `$` would start OSS's own `${filename}`; `*` and `?` are wildcards in a RAM resource.
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

    /// Tells whether each grant gets a key that no other grant has.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.parts.iter().any(TemplatePart::is_unique)
    }

    /// Tells whether the file's name has a say in the key.
    #[must_use]
    pub fn uses_file_name(&self) -> bool {
        self.parts.iter().any(TemplatePart::uses_file_name)
    }

    /// Tells whether only callers who have shown who they are get a key.
    #[must_use]
    pub fn uses_caller(&self) -> bool {
        self.parts.iter().any(TemplatePart::uses_caller)
    }

    /// Fills in the key of a file whose name has been made safe.
    pub fn render(&self, context: &RenderContext<'_>, name: &str) -> Result<String, PolicyError> {
        let key = String::with_capacity(self.text.len() + name.len() + 48);
        fill(key, &self.parts, context, name)
    }

    /// Fills in the directory for a form whose file nobody has named, and which may use any name in
    /// it. That is no wider than the rule only where the name is all that is left open.
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
        fill(directory, parts, context, "")
    }

    /// Fills in what all keys of this one caller begin with, up to its last `/`, for a permission that
    /// is the caller's own.
    ///
    /// # Errors
    /// The caller has not shown what the key speaks of, or that cannot stand in a key. It is never
    /// left out, since what is left would be everybody's.
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

    /// Tells whether no two callers share such a beginning.
    #[must_use]
    pub fn has_caller_prefix(&self) -> bool {
        let one = CallerAttributes { subject: Some("a"), claim: &|_| Some("a") };
        let other = CallerAttributes { subject: Some("b"), claim: &|_| Some("b") };
        self.prefix(&one) != self.prefix(&other)
    }

    /// Fills in what all keys of a caller begin with: everything before the first part that differs
    /// from grant to grant or from day to day, up to its last `/`. It is empty where nothing stands
    /// before. What a caller has not proved ends it too.
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

/// Writes the parts behind what stands in `key` already.
fn fill(
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

/// Writes five bits a character, and leaves the rest for the next.
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
