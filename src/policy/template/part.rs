//! The parts of a template: fixed text and placeholders, and which may stand beside which.
//!
//! A segment is what stands between two `/`. Whatever is filled in, a segment is never empty, `.` or
//! `..`, and two callers never come to the same one.

use std::fmt;

use crate::policy::key::{MAX_EXTENSION_BYTES, MAX_NAME_BYTES};
use crate::policy::template::MAX_KEY_BYTES;

/// The longest subject or claim that a key takes, in bytes.
pub(super) const MAX_ATTRIBUTE_BYTES: usize = 128;

/// Random characters that sixteen bytes suffice for, at five bits each.
pub(super) const MAX_RANDOM: usize = 25;

/// Fewer would be guessed.
const MIN_RANDOM: usize = 4;

/// From here on, eighty bits, random characters are counted on to be no other grant's.
const UNIQUE_RANDOM: usize = 16;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TemplatePart {
    /// This very text.
    Text(String),
    /// The year of the grant.
    Year,
    /// Its month, with two digits.
    Month,
    /// Its day, with two digits.
    Day,
    /// A random UUID.
    Uuid,
    /// So many random characters.
    Random(usize),
    /// The file's name, made safe.
    Name,
    /// The same without its extension.
    Stem,
    /// The extension in lower case; nothing when there is none.
    Extension {
        /// Whether a dot stands before it, which goes with it.
        dotted: bool,
    },
    /// Who asks, as they have proved it.
    Subject,
    /// A claim of who asks.
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

    /// The most bytes that it is filled in with.
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

    /// Whether it says something of the file.
    pub(super) fn uses_file_name(&self) -> bool {
        matches!(self, Self::Name | Self::Stem | Self::Extension { .. })
    }

    /// Whether it says something of who asks.
    pub(super) fn uses_caller(&self) -> bool {
        matches!(self, Self::Subject | Self::Claim(_))
    }

    /// Whether no two grants are filled in alike.
    pub(super) fn is_unique(&self) -> bool {
        match self {
            Self::Uuid => true,
            Self::Random(count) => *count >= UNIQUE_RANDOM,
            _ => false,
        }
    }

    /// Whether a segment that has it is more than dots.
    fn is_solid(&self) -> bool {
        match self {
            Self::Text(text) => !text.trim_matches('.').is_empty(),
            Self::Extension { .. } => false,
            _ => true,
        }
    }
}

/// Parts a template's text at its placeholders.
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

/// Refuses parts that could come to a bad key, or to one that is somebody else's.
pub(super) fn check(parts: &[TemplatePart]) -> Result<(), TemplateError> {
    check_length(parts)?;
    segments(parts).iter().try_for_each(|segment| check_segment(segment))
}

/// Refuses parts of a variable's value that say nothing, or what is known anyway.
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

/// Parts of one segment after the other, text cut at each `/`.
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

/// Beside a caller's fact nothing of free length may stand: `{sub}-{name}` would let `a` take the
/// keys of `a-b`.
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

/// Says what is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A directory does not end in `/`: then `photos` would also admit `photos-of-others/`.
    NoTrailingSlash,
    /// A key ends in `/`, which would name a directory.
    TrailingSlash,
    /// It is empty, begins with `/` or `\`, or has a segment that is or can become empty, `.` or `..`.
    BadSegment,
    /// It holds a character that has a meaning of its own to OSS or to RAM policies.
    BadCharacter(char),
    /// A `{` that no known placeholder follows.
    UnknownPlaceholder(String),
    /// A directory speaks of the file, which its key names already.
    FileInDirectory,
    /// A variable's value speaks of the file, which OSS tells by itself.
    FileInValue,
    /// A variable's value is empty.
    Empty,
    /// Beside `{sub}` or `{claim:…}` stands something of free length, so that two callers could
    /// come to the same key.
    CallerNotAlone,
    /// More random characters than one throw of the random has.
    TooMuchRandomness,
    /// More than 512 bytes, or it can become longer than a key may be.
    TooLong,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoTrailingSlash => "a directory ends in '/'",
            Self::TrailingSlash => "a key does not end in '/'; what does is a 'dir'",
            Self::BadSegment => {
                "between slashes stands a name, also when a file has no extension: no '/' at the \
                 start, no '//', no '.' or '..'"
            }
            Self::BadCharacter(character) => {
                return write!(
                    formatter,
                    "the character {character:?} cannot stand in a directory, a key or a value"
                );
            }
            Self::UnknownPlaceholder(name) => {
                return write!(
                    formatter,
                    "{{{name}}} is no placeholder; there are {{yyyy}}, {{mm}}, {{dd}}, {{uuid}}, \
                     {{random:n}} with n from 4 to 25, {{sub}}, {{claim:x}}, and in a key {{name}}, \
                     {{stem}} and {{ext}}"
                );
            }
            Self::FileInDirectory => {
                "{name}, {stem} and {ext} stand in a 'key'; a directory is followed by the name anyway"
            }
            Self::FileInValue => {
                "{name}, {stem} and {ext} stand in a 'key'; a callback tells of the file by ${object}"
            }
            Self::Empty => "a value is not empty",
            Self::CallerNotAlone => {
                "beside {sub} or {claim:x} nothing of free length can stand, or two callers could \
                 share a key; put a '/' between them"
            }
            Self::TooMuchRandomness => "a template has at most 25 random characters in all",
            Self::TooLong => {
                "a template has at most 512 bytes, and what it becomes at most the 1023 of a key"
            }
        })
    }
}

impl std::error::Error for TemplateError {}
