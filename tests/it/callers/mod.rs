//! Who is let in: every rule, every refusal, against tokens that somebody else made.

mod budget;
mod combined;
mod jwks;
mod jwt;
mod network;
mod settings;
mod ticket;

use serde_json::Value;

/// The vectors, which were made by another implementation.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/jwt.json")).unwrap()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
