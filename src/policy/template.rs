//! Where a route's objects go: a directory with placeholders.
//!
//! `uploads/{yyyy}/{mm}/{dd}/{uuid}/` becomes a directory of its own for each grant. With `{uuid}`
//! nobody can guess or overwrite another's object; without it uploads share one directory.

use std::fmt;

use crate::time::Timestamp;

/// Sixteen random bytes, drawn once per grant.
pub type Dice = [u8; 16];

/// The longest directory, in bytes: it leaves room for a file name in a key of 1023 bytes.
const MAX_DIRECTORY_BYTES: usize = 512;

/// A directory template, checked; what it renders always ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Year,
    Month,
    Day,
    Uuid,
}

/// Says what is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// It does not end in `/`: then `photos` would also admit `photos-of-others/`.
    NoTrailingSlash,
    /// It is empty, begins with `/` or `\`, or has an empty, `.` or `..` segment.
    BadSegment,
    /// It holds a character that has a meaning of its own to OSS or to RAM policies.
    BadCharacter(char),
    /// A `{` that no known placeholder follows.
    UnknownPlaceholder(String),
    /// More than 512 bytes.
    TooLong,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTrailingSlash => formatter.write_str("a directory ends in '/'"),
            Self::BadSegment => formatter.write_str(
                "a directory has named segments: no '/' at the start, no '//', no '.' or '..'",
            ),
            Self::BadCharacter(character) => {
                write!(formatter, "the character {character:?} cannot stand in a directory")
            }
            Self::UnknownPlaceholder(name) => write!(
                formatter,
                "{{{name}}} is no placeholder; there are {{yyyy}}, {{mm}}, {{dd}} and {{uuid}}"
            ),
            Self::TooLong => {
                write!(formatter, "a directory has at most {MAX_DIRECTORY_BYTES} bytes")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

impl Directory {
    /// Reads a template such as `photos/{yyyy}/{uuid}/`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_DIRECTORY_BYTES {
            return Err(TemplateError::TooLong);
        }
        let Some(segments) = text.strip_suffix('/') else {
            return Err(TemplateError::NoTrailingSlash);
        };
        if segments.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(TemplateError::BadSegment);
        }
        // `$` would start OSS's own `${filename}`; `*` and `?` are wildcards in a RAM resource.
        let bad = |c: &char| c.is_control() || matches!(c, '\\' | '$' | '*' | '?' | '"');
        if let Some(character) = text.chars().find(bad) {
            return Err(TemplateError::BadCharacter(character));
        }
        Ok(Self { text: text.to_owned(), parts: parse_parts(text)? })
    }

    /// Tells whether each grant gets a directory that no other grant has.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.parts.contains(&Part::Uuid)
    }

    /// Gives what every directory of this template begins with, up to a `/`; empty if that is nothing.
    #[must_use]
    pub fn fixed_prefix(&self) -> &str {
        let fixed = self.text.split('{').next().unwrap_or_default();
        fixed.rfind('/').map_or("", |slash| &fixed[..=slash])
    }

    /// Fills in the placeholders.
    #[must_use]
    pub fn render(&self, now: Timestamp, dice: &Dice) -> String {
        let date = now.date();
        let mut directory = String::with_capacity(self.text.len() + 32);
        for part in &self.parts {
            match part {
                Part::Text(text) => directory.push_str(text),
                Part::Year => directory.push_str(&date[..4]),
                Part::Month => directory.push_str(&date[4..6]),
                Part::Day => directory.push_str(&date[6..]),
                Part::Uuid => write_uuid(&mut directory, dice),
            }
        }
        directory
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn parse_parts(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let unknown = |name: &str| TemplateError::UnknownPlaceholder(name.to_owned());
        let inside = rest[open..].strip_prefix('{').ok_or_else(|| unknown("}"))?;
        let (name, after) = inside.split_once('}').ok_or_else(|| unknown(inside))?;
        if open > 0 {
            parts.push(Part::Text(rest[..open].to_owned()));
        }
        parts.push(match name {
            "yyyy" => Part::Year,
            "mm" => Part::Month,
            "dd" => Part::Day,
            "uuid" => Part::Uuid,
            _ => return Err(unknown(name)),
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Writes a random UUID (version 4, RFC 9562).
fn write_uuid(target: &mut String, dice: &Dice) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in dice.iter().enumerate() {
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
mod tests {
    use super::*;

    fn rendered(template: &str) -> String {
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        Directory::parse(template).unwrap().render(now, &[0xab; 16])
    }

    #[test]
    fn placeholders_are_filled_from_one_moment_and_one_throw() {
        assert_eq!(
            rendered("up/{yyyy}/{mm}/{dd}/{uuid}/"),
            "up/2024/11/27/abababab-abab-4bab-abab-abababababab/"
        );
        assert_eq!(rendered("照片/{yyyy}{mm}{dd}/"), "照片/20241127/");
        assert_eq!(rendered("plain/"), "plain/");
    }

    #[test]
    fn only_a_uuid_makes_a_directory_unique() {
        assert!(Directory::parse("a/{uuid}/").unwrap().is_unique());
        assert!(!Directory::parse("a/{yyyy}/{mm}/{dd}/").unwrap().is_unique());
    }

    #[test]
    fn a_directory_that_could_admit_more_than_it_says_is_refused() {
        let refused = |text: &str| Directory::parse(text).unwrap_err();
        assert_eq!(refused("photos"), TemplateError::NoTrailingSlash);
        assert_eq!(refused(""), TemplateError::NoTrailingSlash);
        for text in ["/", "/a/", "a//b/", "a/../b/", "./"] {
            assert_eq!(refused(text), TemplateError::BadSegment, "{text}");
        }
        for (text, character) in
            [("${filename}/", '$'), ("a*/", '*'), ("a\n/", '\n'), ("a\\b/", '\\')]
        {
            assert_eq!(refused(text), TemplateError::BadCharacter(character));
        }
        assert_eq!(refused(&format!("{}/", "a".repeat(512))), TemplateError::TooLong);
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        let refused = |text: &str| Directory::parse(text).unwrap_err();
        assert_eq!(refused("a/{user}/"), TemplateError::UnknownPlaceholder("user".into()));
        assert_eq!(refused("a/{uuid/"), TemplateError::UnknownPlaceholder("uuid/".into()));
        assert_eq!(refused("a/uuid}/"), TemplateError::UnknownPlaceholder("}".into()));
    }
}
