//! The reader of queries: no input causes a panic, no name occurs twice, and a query that is written
//! again has the same names and values.
//!
//! Input: the part of a request's target after the question mark.

use oss_emulator::oss::{OssErrorKind, RequestQuery};

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let query = match RequestQuery::parse(Some(text)) {
        Ok(query) => query,
        Err(refusal) => return assert_eq!(refusal.kind(), OssErrorKind::QueryInvalid),
    };
    for (name, value) in query.iter() {
        assert_eq!(query.get(name), Some(value));
        assert_eq!(query.iter().filter(|(other, _)| *other == name).count(), 1);
    }
    let items: Vec<_> =
        query.iter().map(|(name, value)| encode(name) + "=" + &encode(value)).collect();
    assert_eq!(RequestQuery::parse(Some(&items.join("&"))).unwrap(), query);
}

/// Percent-encodes every byte.
fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}
