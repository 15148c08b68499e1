//! The query parameters of listings: page sizes, markers, and the encoding of keys.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::query::RequestQuery;

/// The largest page of a listing, which is also the default.
pub(super) const MAX_PAGE: u32 = 1000;

/// The characters that `encoding-type=url` encodes. `/` is among them, as in the official samples.
const URL: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reads a whole number. It is not documented what OSS does with one out of range, so that is refused.
pub(super) fn number(
    query: &RequestQuery,
    name: &str,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, OssError> {
    let Some(text) = query.get(name) else {
        return Ok(None);
    };
    let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_decimal && range.contains(number));
    let (first, last) = range.into_inner();
    number.map(Some).ok_or_else(|| {
        let reason =
            format!("{name} is {text:?}; it must be a whole number from {first} to {last}");
        OssErrorKind::ArgumentInvalid
            .argument(name, text, reason)
            .with_message(format!("Argument {name} must be an integer between {first} and {last}."))
    })
}

/// How keys are written in a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyEncoding {
    Plain,
    /// Percent-encoded, because XML cannot hold every character.
    Url,
}

impl KeyEncoding {
    pub(super) fn read(query: &RequestQuery) -> Result<Self, OssError> {
        match query.get("encoding-type") {
            None | Some("") => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(other) => Err(OssErrorKind::ArgumentInvalid
                .argument("encoding-type", other, "encoding-type must be url")
                .with_message("Invalid Encoding Method specified in Request.")),
        }
    }

    /// Returns the value of `EncodingType` in a result, which only encoded results have.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Url => Some("url"),
        }
    }

    /// Writes a key, or a part of one.
    pub(super) fn write(self, key: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => Cow::Borrowed(key),
            Self::Url => utf8_percent_encode(key, &URL).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> RequestQuery {
        RequestQuery::parse(Some(text)).unwrap()
    }

    #[test]
    fn numbers_out_of_range_and_other_texts_are_refused() {
        let read = |text: &str| number(&query(text), "max-parts", 1..=1000);
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("max-parts=1").unwrap(), Some(1));
        assert_eq!(read("max-parts=1000").unwrap(), Some(1000));
        for text in ["0", "1001", "-1", "%2B1", "", "a", "1.0", "4294967297"] {
            let error = read(&format!("max-parts={text}")).unwrap_err();
            assert_eq!(error.kind(), OssErrorKind::ArgumentInvalid, "{text}");
        }
    }

    #[test]
    fn only_the_encoding_url_is_known() {
        assert_eq!(KeyEncoding::read(&query("a")).unwrap(), KeyEncoding::Plain);
        assert_eq!(KeyEncoding::read(&query("encoding-type")).unwrap(), KeyEncoding::Plain);
        assert_eq!(KeyEncoding::read(&query("encoding-type=url")).unwrap(), KeyEncoding::Url);
        assert!(KeyEncoding::read(&query("encoding-type=URL")).is_err());
        assert_eq!(KeyEncoding::Plain.write("a b/é"), "a b/é");
        assert_eq!(KeyEncoding::Url.write("a b/é+~"), "a%20b%2F%C3%A9%2B~");
    }
}
