//! The parts of a template: fixed text and placeholders, and which may stand beside which.
//!
//! A segment is what stands between two `/`. Whatever is filled in, a segment is never empty, `.` or
//! `..`, and two callers never come to the same one.

use crate::policy::key::{MAX_EXTENSION_BYTES, MAX_NAME_BYTES};
use crate::policy::template::MAX_KEY_BYTES;
use crate::policy::template::error::TemplateError;

/// The longest subject or claim that a key takes, in bytes.
pub(super) const MAX_FACT_BYTES: usize = 128;

/// Random characters that sixteen bytes suffice for, at five bits each.
pub(super) const MAX_RANDOM: usize = 25;

/// Fewer would be guessed.
const MIN_RANDOM: usize = 4;

/// From here on, eighty bits, random characters are counted on to be no other grant's.
const UNIQUE_RANDOM: usize = 16;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
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

impl Part {
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
            Self::Subject | Self::Claim(_) => MAX_FACT_BYTES,
        }
    }

    /// Whether it says something of the file.
    pub(super) fn is_of_file(&self) -> bool {
        matches!(self, Self::Name | Self::Stem | Self::Extension { .. })
    }

    /// Whether it says something of who asks.
    pub(super) fn is_of_caller(&self) -> bool {
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
pub(super) fn parse(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let unknown = |name: &str| TemplateError::UnknownPlaceholder(name.to_owned());
        let inside = rest[open..].strip_prefix('{').ok_or_else(|| unknown("}"))?;
        let (name, after) = inside.split_once('}').ok_or_else(|| unknown(inside))?;
        let mut part = Part::placeholder(name).ok_or_else(|| unknown(name))?;
        let mut before = &rest[..open];
        if let (Part::Extension { dotted }, Some(shorter)) = (&mut part, before.strip_suffix('.')) {
            (*dotted, before) = (true, shorter);
        }
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Refuses parts that could come to a bad key, or to one that is somebody else's.
pub(super) fn check(parts: &[Part]) -> Result<(), TemplateError> {
    check_length(parts)?;
    segments(parts).iter().try_for_each(|segment| check_segment(segment))
}

/// Refuses parts of a variable's value that say nothing, or what is known anyway.
pub(super) fn check_value(parts: &[Part]) -> Result<(), TemplateError> {
    if parts.is_empty() {
        return Err(TemplateError::Empty);
    }
    if parts.iter().any(Part::is_of_file) {
        return Err(TemplateError::FileInValue);
    }
    check_length(parts)
}

fn check_length(parts: &[Part]) -> Result<(), TemplateError> {
    let random = parts.iter().map(|part| if let Part::Random(count) = part { *count } else { 0 });
    if random.sum::<usize>() > MAX_RANDOM {
        return Err(TemplateError::TooMuchRandomness);
    }
    if parts.iter().map(Part::longest).sum::<usize>() > MAX_KEY_BYTES {
        return Err(TemplateError::TooLong);
    }
    Ok(())
}

/// Parts of one segment after the other, text cut at each `/`.
fn segments(parts: &[Part]) -> Vec<Vec<Part>> {
    let mut segments = vec![Vec::new()];
    for part in parts {
        let Part::Text(text) = part else {
            segments.last_mut().into_iter().for_each(|segment| segment.push(part.clone()));
            continue;
        };
        for (index, piece) in text.split('/').enumerate() {
            if index > 0 {
                segments.push(Vec::new());
            }
            let piece = (!piece.is_empty()).then(|| Part::Text(piece.to_owned()));
            segments.last_mut().into_iter().for_each(|segment| segment.extend(piece.clone()));
        }
    }
    segments
}

/// Beside a caller's fact nothing of free length may stand: `{sub}-{name}` would let `a` take the
/// keys of `a-b`.
fn check_segment(segment: &[Part]) -> Result<(), TemplateError> {
    if !segment.iter().any(Part::is_solid) {
        return Err(TemplateError::BadSegment);
    }
    let free = segment.iter().filter(|part| part.is_of_caller() || part.is_of_file()).count();
    if free > 1 && segment.iter().any(Part::is_of_caller) {
        return Err(TemplateError::CallerNotAlone);
    }
    Ok(())
}
