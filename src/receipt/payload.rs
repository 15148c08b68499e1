//! A receipt's payload: its members in the order in which they are signed.

use serde::Deserialize;

use crate::receipt::json::{Object, Value};
use crate::receipt::{Receipt, ReceiptScope};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptPayload {
    id: String,
    route: String,
    bucket: String,
    key: Option<String>,
    prefix: Option<String>,
    min: u64,
    max: u64,
    #[serde(default)]
    types: Vec<String>,
    sub: Option<String>,
    iat: i64,
    exp: i64,
    vars: Option<String>,
    #[serde(default)]
    once: bool,
}

impl Receipt {
    pub(super) fn to_json(&self) -> Vec<u8> {
        let place = match &self.place {
            ReceiptScope::Key(key) => ("key", Value::Text(key)),
            ReceiptScope::Prefix(prefix) => ("prefix", Value::Text(prefix)),
        };
        let mut members = vec![
            ("id", Value::Text(&self.id)),
            ("route", Value::Text(&self.route)),
            ("bucket", Value::Text(&self.bucket)),
            place,
            ("min", Value::Size(self.min_size)),
            ("max", Value::Size(self.max_size)),
        ];
        members.extend((!self.types.is_empty()).then_some(("types", Value::Texts(&self.types))));
        members.extend(self.subject.as_deref().map(|subject| ("sub", Value::Text(subject))));
        members.push(("iat", Value::Moment(self.issued_at)));
        members.push(("exp", Value::Moment(self.expires_at)));
        members.extend(self.variables_hash.as_deref().map(|hash| ("vars", Value::Text(hash))));
        members.extend(self.once.then_some(("once", Value::Truth(true))));
        Object(members).to_json()
    }

    /// Reads a payload; one with both a key and a prefix, or with neither, is none.
    pub(super) fn from_json(json: &[u8]) -> Option<Self> {
        let payload: ReceiptPayload = serde_json::from_slice(json).ok()?;
        let place = match (payload.key, payload.prefix) {
            (Some(key), None) => ReceiptScope::Key(key),
            (None, Some(prefix)) => ReceiptScope::Prefix(prefix),
            _ => return None,
        };
        Some(Self {
            id: payload.id,
            route: payload.route,
            bucket: payload.bucket,
            place,
            min_size: payload.min,
            max_size: payload.max,
            types: payload.types,
            subject: payload.sub,
            issued_at: payload.iat,
            expires_at: payload.exp,
            variables_hash: payload.vars,
            once: payload.once,
        })
    }
}
