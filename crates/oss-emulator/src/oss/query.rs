//! The query of a request: decoded names and values, each name once.
//!
//! A name without `=` and a name with an empty value are the same, as in the canonical form of
//! signatures. `+` is a space: some SDKs write it so, and all of them sign `%20`. What OSS does with a
//! name that occurs twice is not documented, so that is rejected.

use percent_encoding::percent_decode_str;

use crate::oss::error::{OssError, OssErrorKind};

/// The decoded parameters, in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestQuery(Vec<(String, String)>);

impl RequestQuery {
    /// Reads the part of a target after the question mark.
    pub fn parse(query: Option<&str>) -> Result<Self, OssError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for item in query.unwrap_or_default().split('&').filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if parameters.iter().any(|(known, _)| *known == name) {
                let reason = format!("the query names {name:?} twice");
                return Err(OssErrorKind::QueryInvalid.argument(&name, &value, reason));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// Returns a value; a bare name has the empty one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Lists names and values in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decode(text: &str) -> Result<String, OssError> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().map(Into::into).map_err(|_| {
        let reason = format!("{text:?} in the query is not percent-encoded UTF-8");
        OssErrorKind::QueryInvalid.because(reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        RequestQuery::parse(Some(query)).unwrap().0
    }

    #[test]
    fn names_and_values_are_decoded_and_a_bare_name_has_an_empty_value() {
        let expected = [("uploads", ""), ("a b", "c/d é"), ("x", "1=2"), ("plus", "a b")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs("uploads&a%20b=c%2Fd%20%C3%A9&x=1=2&&plus=a+b"), expected);
        assert_eq!(RequestQuery::parse(None).unwrap(), RequestQuery::default());
    }

    #[test]
    fn a_name_twice_and_bytes_that_are_not_utf_8_are_refused() {
        for query in ["a=1&a=2", "a&%61=", "a=%FF"] {
            let error = RequestQuery::parse(Some(query)).unwrap_err();
            assert_eq!(error.kind(), OssErrorKind::QueryInvalid, "{query}");
        }
    }
}
