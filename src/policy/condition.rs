//! One condition of a policy, as OSS reads it.
//!
//! OSS compares values to the letter, byte for byte, and field names without regard to case. A
//! condition on a field that the form does not carry is never satisfied, so only what the form
//! will carry is listed. The operators are those of the PostObject page's appendix on policies.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// States what one form field, or the file's size, has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// The field has exactly this value.
    Equal(&'a str, &'a str),
    /// The field begins with this text; an empty text admits every value.
    StartsWith(&'a str, &'a str),
    /// The field is one of these values.
    In(&'a str, Vec<&'a str>),
    /// The file has at least and at most so many bytes, both bounds included.
    ContentLengthRange(u64, u64),
}

impl Serialize for Condition<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Equal(name, value) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(name, value)?;
                map.end()
            }
            Self::StartsWith(name, prefix) => {
                ("starts-with", Variable(name), prefix).serialize(serializer)
            }
            Self::In(name, values) => ("in", Variable(name), values).serialize(serializer),
            // OSS wants numbers here: a quoted bound is an invalid policy.
            Self::ContentLengthRange(min, max) => {
                ("content-length-range", min, max).serialize(serializer)
            }
        }
    }
}

/// A field's name as the array form writes it: `$key`.
struct Variable<'a>(&'a str);

impl Serialize for Variable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("${}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_is_written_as_the_documentation_writes_it() {
        let written = |condition| serde_json::to_string(&condition).unwrap();
        assert_eq!(written(Condition::Equal("bucket", "b")), r#"{"bucket":"b"}"#);
        assert_eq!(
            written(Condition::StartsWith("key", "用户/")),
            r#"["starts-with","$key","用户/"]"#
        );
        assert_eq!(
            written(Condition::In("content-type", vec!["image/png"])),
            r#"["in","$content-type",["image/png"]]"#
        );
        assert_eq!(written(Condition::ContentLengthRange(0, 5)), r#"["content-length-range",0,5]"#);
    }

    #[test]
    fn a_value_cannot_break_out_of_its_place() {
        let condition = Condition::Equal("key", "\",{\"bucket\":\"other\"}");
        assert_eq!(
            serde_json::to_string(&condition).unwrap(),
            r#"{"key":"\",{\"bucket\":\"other\"}"}"#
        );
    }
}
