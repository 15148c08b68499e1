//! A receipt's payload: its members in the order in which they are signed.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Serialize;

use crate::receipt::Place;
use crate::receipt::Receipt;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    id: Cow<'a, str>,
    route: Cow<'a, str>,
    bucket: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<Cow<'a, str>>,
    min: u64,
    max: u64,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    types: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<Cow<'a, str>>,
    iat: i64,
    exp: i64,
}

impl Receipt {
    pub(super) fn to_json(&self) -> Vec<u8> {
        let text = |text| Cow::Borrowed(text);
        let (key, prefix) = match &self.place {
            Place::Key(key) => (Some(text(key.as_str())), None),
            Place::Prefix(prefix) => (None, Some(text(prefix.as_str()))),
        };
        let payload = Payload {
            id: text(&self.id),
            route: text(&self.route),
            bucket: text(&self.bucket),
            key,
            prefix,
            min: self.min_size,
            max: self.max_size,
            types: Cow::Borrowed(&self.types),
            sub: self.subject.as_deref().map(text),
            iat: self.issued_at,
            exp: self.expires_at,
        };
        // Texts and numbers under fixed names: there is nothing here that JSON cannot say.
        sonic_rs::to_vec(&payload).unwrap_or_default()
    }

    /// Reads a payload; one with both a key and a prefix, or with neither, is none.
    pub(super) fn from_json(json: &[u8]) -> Option<Self> {
        let payload: Payload<'_> = serde_json::from_slice(json).ok()?;
        let place = match (payload.key, payload.prefix) {
            (Some(key), None) => Place::Key(key.into_owned()),
            (None, Some(prefix)) => Place::Prefix(prefix.into_owned()),
            _ => return None,
        };
        Some(Self {
            id: payload.id.into_owned(),
            route: payload.route.into_owned(),
            bucket: payload.bucket.into_owned(),
            place,
            min_size: payload.min,
            max_size: payload.max,
            types: payload.types.into_owned(),
            subject: payload.sub.map(Cow::into_owned),
            issued_at: payload.iat,
            expires_at: payload.exp,
        })
    }
}
