//! What can be wrong with a template, in words.

use std::fmt;

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
