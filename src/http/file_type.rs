//! The type of a file by the ending of its name, for clients that cannot name one.
//!
//! A mini program knows a path and no type. The type that is found here is judged by the route's
//! rules and pinned like one that was asked for, so a wrong ending gains nothing: the object is
//! stored under the type that it claims. What a browser would run is not in the table.

use crate::policy::content_type::ContentType;

const TYPES: &[(&str, &str)] = &[
    ("aac", "audio/aac"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("silk", "audio/silk"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("zip", "application/zip"),
];

/// Finds a name's type; an unknown ending has none.
pub(super) fn of_name(name: &str) -> Option<ContentType> {
    let (_, ending) = name.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let place = TYPES.binary_search_by_key(&ending.as_str(), |(known, _)| known).ok()?;
    ContentType::parse(TYPES[place].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_type_is_one() {
        assert!(TYPES.is_sorted_by_key(|(ending, _)| ending));
        for (ending, content_type) in TYPES {
            assert_eq!(of_name(&format!("a.{ending}")).unwrap().as_str(), *content_type);
        }
    }

    #[test]
    fn only_the_last_ending_counts_whatever_its_case() {
        assert_eq!(of_name("wx.tmp.JPG").unwrap().as_str(), "image/jpeg");
        for name in ["", "png", "a.", "a.png.exe", "a.html", "a.svg", "a.js"] {
            assert_eq!(of_name(name), None, "{name}");
        }
    }
}
