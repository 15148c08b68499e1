//! JSON objects whose members stand in the order in which they were named: what is signed, and what OSS
//! reads.

use serde::{Serialize, Serializer};

/// What a member says.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Texts(&'a [String]),
    Size(u64),
    Moment(i64),
    Truth(bool),
}

/// An object.
pub(super) struct Object<'a>(pub(super) Vec<(&'static str, Value<'a>)>);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Object<'_> {
    /// Writes it as compact JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Texts and numbers under text keys: there is nothing here that JSON cannot say.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
