//! The policy's text: the bytes that are signed and sent.

use serde::{Serialize, Serializer};

use crate::policy::condition::Condition;
use crate::time::Timestamp;

/// A policy: until when a form is valid, and what it may say.
#[derive(Debug, Serialize)]
pub struct PolicyDocument<'a> {
    /// The last moment at which OSS takes the form.
    #[serde(serialize_with = "millis")]
    pub expiration: Timestamp,
    /// All of them have to hold.
    pub conditions: Vec<Condition<'a>>,
}

impl PolicyDocument<'_> {
    /// Writes the policy as compact JSON.
    ///
    /// Write it once and sign that text: white space and escapes are part of what is signed.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Room for a policy with a token, so that the text is not moved as it grows.
        let mut json = Vec::with_capacity(2048);
        // Texts and numbers under text keys: there is nothing here that JSON cannot say.
        let _ = serde_json::to_writer(&mut json, self);
        String::from_utf8(json).unwrap_or_default()
    }
}

fn millis<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment.millis())
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
}
