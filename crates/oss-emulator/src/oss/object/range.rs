//! The `Range` of a download.
//!
//! Source: the `GetObject` page. A range that cannot be served, also one that ends behind the object,
//! returns the whole object with status 200. With `x-oss-range-behavior: standard` the end is moved, and
//! a range that begins behind the object is an error.

use http::{HeaderMap, header};

use crate::oss::error::{OssError, OssErrorKind};

/// A part of an object; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteRange {
    pub(super) first: u64,
    last: u64,
}

impl ByteRange {
    /// Returns the requested part; `None` is the whole object.
    pub(super) fn read(headers: &HeaderMap, size: u64) -> Result<Option<Self>, OssError> {
        let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
        let behavior = headers.get("x-oss-range-behavior");
        let is_standard =
            behavior.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"standard"));
        let Some((first, last)) = text.and_then(|text| bounds(text, size)) else {
            return Ok(None);
        };
        if first < size && last < size {
            return Ok(Some(Self { first, last }));
        }
        if !is_standard {
            return Ok(None);
        }
        if first < size {
            return Ok(Some(Self { first, last: size - 1 }));
        }
        Err(OssErrorKind::RangeInvalid
            .because(format!("the range begins at {first}, and the object has {size} bytes"))
            .with_child("ActualObjectSize", size.to_string())
            .with_child("RangeRequested", text.unwrap_or_default()))
    }

    pub(super) fn length(self) -> u64 {
        self.last - self.first + 1
    }

    pub(super) fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.first, self.last)
    }
}

/// Reads one range. The end may lie behind the object, and so may the start.
fn bounds(text: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some((first, last)),
        (Some(first), None) if last.is_empty() => Some((first, size.saturating_sub(1).max(first))),
        (None, Some(count)) if first.is_empty() && (1..=size).contains(&count) => {
            Some((size - count, size - 1))
        }
        _ => None,
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(range: &str, standard: bool) -> Result<Option<(u64, u64)>, OssErrorKind> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if standard {
            headers.insert("x-oss-range-behavior", "standard".parse().unwrap());
        }
        let range = ByteRange::read(&headers, 10).map_err(|error| error.kind())?;
        Ok(range.map(|range| (range.first, range.last)))
    }

    #[test]
    fn a_valid_range_is_a_part_and_any_other_the_whole_object() {
        for (text, expected) in [
            ("bytes=0-9", Some((0, 9))),
            ("bytes=3-3", Some((3, 3))),
            ("bytes=4-", Some((4, 9))),
            ("bytes=-2", Some((8, 9))),
            ("bytes=-10", Some((0, 9))),
            ("bytes=0-10", None),
            ("bytes=10-", None),
            ("bytes=-11", None),
            ("bytes=-0", None),
            ("bytes=5-4", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("lines=0-1", None),
            ("bytes=0-99999999999999999999", None),
        ] {
            assert_eq!(read(text, false), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_standard_behaviour_moves_the_end_and_refuses_a_start_behind_the_object() {
        assert_eq!(read("bytes=3-99", true), Ok(Some((3, 9))));
        assert_eq!(read("bytes=10-99", true), Err(OssErrorKind::RangeInvalid));
        assert_eq!(read("bytes=10-", true), Err(OssErrorKind::RangeInvalid));
        assert_eq!(read("bytes=5-4", true), Ok(None));
    }

    #[test]
    fn an_empty_object_has_no_part() {
        let mut headers = HeaderMap::new();
        for text in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            headers.insert(header::RANGE, text.parse().unwrap());
            assert_eq!(ByteRange::read(&headers, 0).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn a_range_knows_its_length() {
        let range = ByteRange { first: 3, last: 7 };
        assert_eq!((range.length(), range.content_range(10).as_str()), (5, "bytes 3-7/10"));
    }
}
