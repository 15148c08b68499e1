//! The parts of a template: fixed text and placeholders, and which combinations are allowed.
//!
//! A segment is the text between two `/`. Whatever it is filled with, a segment is never empty, `.` or `..`, and two
//! callers never get the same one.

use std::fmt;

use crate::policy::key::{MAX_EXTENSION_BYTES, MAX_NAME_BYTES};
use crate::policy::template::MAX_KEY_BYTES;

/// The longest subject or claim in a key, in bytes.
pub(super) const MAX_ATTRIBUTE_BYTES: usize = 128;

/// The number of random characters that sixteen bytes suffice for, at five bits each.
pub(super) const MAX_RANDOM: usize = 25;

/// The smallest number of random characters: fewer could be guessed.
const MIN_RANDOM: usize = 4;

/// From this number on, which is eighty bits, random characters are unique.
const UNIQUE_RANDOM: usize = 16;

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TemplatePart {
    /// Fixed text.
    Text(String),
    /// The year of the grant, with four digits.
    Year,
    /// The month, with two digits.
    Month,
    /// The day, with two digits.
    Day,
    /// A random UUID.
    Uuid,
    /// This number of random characters.
    Random(usize),
    /// The safe file name.
    Name,
    /// The safe file name without its extension.
    Stem,
    /// The extension in lower case; empty if there is none.
    Extension {
        /// Whether a dot precedes it, which is left out if there is no extension.
        dotted: bool,
    },
    /// The verified subject of the caller.
    Subject,
    /// A verified claim of the caller.
    Claim(String),
}

impl TemplatePart {
    fn placeholder(name: &str) -> Option<Self> {
        Some(match name {
            "yyyy" => Self::Year,
            "mm" => Self::Month,
            "dd" => Self::Day,
            "uuid" => Self::Uuid,
            "name" => Self::Name,
            "stem" => Self::Stem,
            "ext" => Self::Extension { dotted: false },
            "sub" => Self::Subject,
            _ => match name.split_once(':')? {
                ("claim", claim) if !claim.is_empty() => Self::Claim(claim.to_owned()),
                ("random", count) => {
                    let count = count.parse().ok()?;
                    (MIN_RANDOM..=MAX_RANDOM).contains(&count).then_some(Self::Random(count))?
                }
                _ => return None,
            },
        })
    }

    /// Returns the largest length of the replacement in bytes.
    fn longest(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Year => 4,
            Self::Month | Self::Day => 2,
            Self::Uuid => 36,
            Self::Random(count) => *count,
            Self::Name | Self::Stem => MAX_NAME_BYTES,
            Self::Extension { .. } => MAX_EXTENSION_BYTES + 1,
            Self::Subject | Self::Claim(_) => MAX_ATTRIBUTE_BYTES,
        }
    }

    /// Returns whether the replacement depends on the file.
    pub(super) fn uses_file_name(&self) -> bool {
        matches!(self, Self::Name | Self::Stem | Self::Extension { .. })
    }

    /// Returns whether the replacement depends on the caller.
    pub(super) fn uses_caller(&self) -> bool {
        matches!(self, Self::Subject | Self::Claim(_))
    }

    /// Returns whether the replacement is different for every grant.
    pub(super) fn is_unique(&self) -> bool {
        match self {
            Self::Uuid => true,
            Self::Random(count) => *count >= UNIQUE_RANDOM,
            _ => false,
        }
    }

    /// Returns whether a segment with this part cannot be empty, `.` or `..`.
    fn is_solid(&self) -> bool {
        match self {
            Self::Text(text) => !text.trim_matches('.').is_empty(),
            Self::Extension { .. } => false,
            _ => true,
        }
    }
}

/// Splits a template at its placeholders.
pub(super) fn parse(text: &str) -> Result<Vec<TemplatePart>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let unknown = |name: &str| TemplateError::UnknownPlaceholder(name.to_owned());
        let inside = rest[open..].strip_prefix('{').ok_or_else(|| unknown("}"))?;
        let (name, after) = inside.split_once('}').ok_or_else(|| unknown(inside))?;
        let mut part = TemplatePart::placeholder(name).ok_or_else(|| unknown(name))?;
        let mut before = &rest[..open];
        if let (TemplatePart::Extension { dotted }, Some(shorter)) =
            (&mut part, before.strip_suffix('.'))
        {
            (*dotted, before) = (true, shorter);
        }
        if !before.is_empty() {
            parts.push(TemplatePart::Text(before.to_owned()));
        }
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(TemplatePart::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Checks that the parts always make a valid key, and no key of another caller.
pub(super) fn check(parts: &[TemplatePart]) -> Result<(), TemplateError> {
    check_length(parts)?;
    segments(parts).iter().try_for_each(|segment| check_segment(segment))
}

/// Checks the parts of a variable's value: it is not empty and does not depend on the file.
pub(super) fn check_value(parts: &[TemplatePart]) -> Result<(), TemplateError> {
    if parts.is_empty() {
        return Err(TemplateError::Empty);
    }
    if parts.iter().any(TemplatePart::uses_file_name) {
        return Err(TemplateError::FileInValue);
    }
    check_length(parts)
}

fn check_length(parts: &[TemplatePart]) -> Result<(), TemplateError> {
    let random =
        parts.iter().map(|part| if let TemplatePart::Random(count) = part { *count } else { 0 });
    if random.sum::<usize>() > MAX_RANDOM {
        return Err(TemplateError::TooMuchRandomness);
    }
    if parts.iter().map(TemplatePart::longest).sum::<usize>() > MAX_KEY_BYTES {
        return Err(TemplateError::TooLong);
    }
    Ok(())
}

/// Returns the parts of each segment; fixed text is split at each `/`.
fn segments(parts: &[TemplatePart]) -> Vec<Vec<TemplatePart>> {
    let mut segments = vec![Vec::new()];
    for part in parts {
        let TemplatePart::Text(text) = part else {
            segments.last_mut().into_iter().for_each(|segment| segment.push(part.clone()));
            continue;
        };
        for (index, piece) in text.split('/').enumerate() {
            if index > 0 {
                segments.push(Vec::new());
            }
            let piece = (!piece.is_empty()).then(|| TemplatePart::Text(piece.to_owned()));
            segments.last_mut().into_iter().for_each(|segment| segment.extend(piece.clone()));
        }
    }
    segments
}

/// Checks one segment. An attribute of the caller and another part of variable length cannot be in the same one:
/// with `{sub}-{name}`, the caller `a` could get keys of `a-b`.
fn check_segment(segment: &[TemplatePart]) -> Result<(), TemplateError> {
    if !segment.iter().any(TemplatePart::is_solid) {
        return Err(TemplateError::BadSegment);
    }
    let free = segment.iter().filter(|part| part.uses_caller() || part.uses_file_name()).count();
    if free > 1 && segment.iter().any(TemplatePart::uses_caller) {
        return Err(TemplateError::CallerNotAlone);
    }
    Ok(())
}

/// The reason why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A directory without a final `/`: `photos` would also allow `photos-of-others/`.
    NoTrailingSlash,
    /// A key with a final `/`, which would be a directory.
    TrailingSlash,
    /// An empty template, one that begins with `/` or `\`, or a segment that is or may become empty, `.` or `..`.
    BadSegment,
    /// A character with a special meaning for OSS or RAM policies.
    BadCharacter(char),
    /// A `{` without a known placeholder.
    UnknownPlaceholder(String),
    /// A directory with a placeholder for the file, whose name follows it anyway.
    FileInDirectory,
    /// A variable's value with a placeholder for the file, which OSS reports itself.
    FileInValue,
    /// An empty value of a variable.
    Empty,
    /// `{sub}` or `{claim:…}` in a segment with another placeholder of variable length, so that two callers could get
    /// the same key.
    CallerNotAlone,
    /// More random characters than the random bytes suffice for.
    TooMuchRandomness,
    /// More than 512 bytes, or a key that may become too long.
    TooLong,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoTrailingSlash => "a directory ends in '/'",
            Self::TrailingSlash => "a key does not end in '/'; use 'dir' for a directory",
            Self::BadSegment => {
                "every segment between slashes has a name, also if the file has no extension: no '/' at the \
                 start, no '//', no '.' or '..'"
            }
            Self::BadCharacter(character) => {
                return write!(
                    formatter,
                    "the character {character:?} is not allowed in a directory, a key or a value"
                );
            }
            Self::UnknownPlaceholder(name) => {
                return write!(
                    formatter,
                    "{{{name}}} is not a placeholder; there are {{yyyy}}, {{mm}}, {{dd}}, {{uuid}}, \
                     {{random:n}} with n from 4 to 25, {{sub}}, {{claim:x}}, and in a key {{name}}, \
                     {{stem}} and {{ext}}"
                );
            }
            Self::FileInDirectory => {
                "{name}, {stem} and {ext} belong in a 'key'; a directory is followed by the name anyway"
            }
            Self::FileInValue => {
                "{name}, {stem} and {ext} belong in a 'key'; a callback reports the file as ${object}"
            }
            Self::Empty => "a value is not empty",
            Self::CallerNotAlone => {
                "a segment with {sub} or {claim:x} has no other placeholder of variable length, or two callers could \
                 share a key; put a '/' between them"
            }
            Self::TooMuchRandomness => "a template has at most 25 random characters in total",
            Self::TooLong => {
                "a template has at most 512 bytes, and its longest key at most 1023"
            }
        })
    }
}

impl std::error::Error for TemplateError {}
