//! The policy document: the JSON text that is signed and sent, and the conditions in it.
//!
//! OSS compares values byte for byte, and field names without regard to case. A condition on a field that the
//! form does not contain always fails, so only fields of the form are listed. The operators are those of the
//! PostObject page's appendix on policies.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::time::Timestamp;

/// A policy: the expiration of a form, and the conditions on its content.
#[derive(Debug, Serialize)]
pub struct PolicyDocument<'a> {
    /// The last moment at which OSS accepts the form.
    #[serde(serialize_with = "millis")]
    pub expiration: Timestamp,
    /// The conditions, all of which have to hold.
    pub conditions: Vec<Condition<'a>>,
}

impl PolicyDocument<'_> {
    /// Writes the policy as compact JSON.
    /// Writes the policy as compact JSON. Sign exactly this text, because white space and escapes are part of what is
    /// signed.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Enough for a policy with a security token, so that the buffer does not grow.
        let mut json = Vec::with_capacity(2048);
        // JSON can express texts and numbers under text keys, so this cannot fail.
        let _ = serde_json::to_writer(&mut json, self);
        String::from_utf8(json).unwrap_or_default()
    }
}

fn millis<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment.millis())
}

/// A condition on a form field, or on the size of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// The field has exactly this value.
    Equal(&'a str, &'a str),
    /// The field begins with this text; an empty text allows every value.
    StartsWith(&'a str, &'a str),
    /// The field is one of these values.
    In(&'a str, Vec<&'a str>),
    /// The smallest and the largest size of the file in bytes, both inclusive.
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
            // OSS requires numbers here: a quoted bound makes the policy invalid.
            Self::ContentLengthRange(min, max) => {
                ("content-length-range", min, max).serialize(serializer)
            }
        }
    }
}

/// The name of a field in the array form: `$key`.
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
    fn a_policy_has_exactly_two_keys() {
        let policy = PolicyDocument {
            expiration: Timestamp::from_unix(1_732_687_781).unwrap(),
            conditions: vec![Condition::ContentLengthRange(1, 10)],
        };
        assert_eq!(
            policy.to_json(),
            r#"{"expiration":"2024-11-27T06:09:41.000Z","conditions":[["content-length-range",1,10]]}"#
        );
    }

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
