//! Multipart bodies: lists the parts of one that was captured, and writes one from a list of parts.
//!
//! The list only serves to describe the form. Whether OSS accepts the body is decided by the local
//! OSS, which gets the bytes as they are; so this reader accepts more than OSS does.

use memchr::memmem;

use crate::explain::capture::{CapturedFile, Item};

/// The boundary of a body that is written here.
pub(super) const BOUNDARY: &str = "----boundary-of-explain";

/// The most parts of a body that are listed.
const MAX_PARTS: usize = 1000;

/// Returns the boundary that the first line of a body shows.
pub(super) fn boundary_of(body: &[u8]) -> Option<String> {
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let boundary = std::str::from_utf8(line.strip_prefix(b"--")?).ok()?.trim_end();
    let boundary = boundary.strip_suffix("--").filter(|_| body.len() < 80).unwrap_or(boundary);
    (!boundary.is_empty()).then(|| boundary.to_owned())
}

/// Lists the parts of a body with this boundary.
pub(super) fn items(body: &[u8], boundary: &str) -> Vec<Item> {
    parts(body, boundary).into_iter().filter_map(item).collect()
}

/// Lists the heads of the parts of a body, without the contents.
pub(super) fn heads(body: &[u8], boundary: &str) -> Vec<String> {
    let head = |part| String::from_utf8_lossy(split_blank(without_line_end(part)).0).into_owned();
    parts(body, boundary).into_iter().map(head).collect()
}

/// Splits a body into its parts, each with its head.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let mut starts: Vec<usize> =
        memmem::find_iter(body, delimiter.as_bytes()).take(MAX_PARTS).collect();
    starts.push(body.len());
    if boundary.is_empty() {
        return Vec::new();
    }
    let part = |pair: &[usize]| &body[(pair[0] + delimiter.len()).min(pair[1])..pair[1]];
    starts.windows(2).map(part).take_while(|part| !part.starts_with(b"--")).collect()
}

/// Removes the line end behind a delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    part.strip_prefix(b"\r\n").or_else(|| part.strip_prefix(b"\n")).unwrap_or(part)
}

fn item(part: &[u8]) -> Option<Item> {
    let (head, content) = split_blank(without_line_end(part));
    let head = String::from_utf8_lossy(head);
    let lines: Vec<(&str, &str)> = head.lines().filter_map(|line| line.split_once(':')).collect();
    let of = |wanted: &str| {
        let found = lines.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    };
    let disposition = of("content-disposition")?;
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    let name = parameter(disposition, "name").unwrap_or_default();
    if !name.eq_ignore_ascii_case("file") {
        return Some(Item::field(name, String::from_utf8_lossy(content)));
    }
    Some(Item::File(CapturedFile {
        name: parameter(disposition, "filename"),
        content_type: of("content-type").map(str::to_owned),
        size: Some(content.len() as u64),
    }))
}

/// Returns where the content of the file ends, if the body has a part after it or is closed.
pub(super) fn end_of_file(body: &[u8], boundary: &str) -> Option<usize> {
    let delimiter = format!("--{boundary}");
    let starts: Vec<usize> =
        memmem::find_iter(body, delimiter.as_bytes()).take(MAX_PARTS).collect();
    let is_file = |pair: &&[usize]| {
        matches!(item(&body[pair[0] + delimiter.len()..pair[1]]), Some(Item::File(_)))
    };
    let pair = starts.windows(2).find(is_file)?;
    Some(pair[1].saturating_sub(2))
}

/// Splits a text at its first empty line; the empty line belongs to neither side.
pub(super) fn split_blank(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = |blank: &[u8]| memmem::find(bytes, blank).map(|at| (at, at + blank.len()));
    let found = match (at(b"\r\n\r\n"), at(b"\n\n")) {
        (Some(left), Some(right)) => Some(if left.0 < right.0 { left } else { right }),
        (left, right) => left.or(right),
    };
    let (end, start) = found.unwrap_or((bytes.len(), bytes.len()));
    (&bytes[..end], &bytes[start..])
}

/// Reads a parameter of a disposition, with or without quotes.
fn parameter(disposition: &str, wanted: &str) -> Option<String> {
    let mut rest = disposition;
    while let Some((_, after)) = rest.split_once(';') {
        let after = after.trim_start();
        let (name, value) = after.split_once('=')?;
        let (value, tail) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.to_owned());
        }
        rest = tail;
    }
    None
}

/// Writes a body as a browser does.
pub(super) fn write(items: &[Item], boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for item in items {
        body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"").bytes());
        match item {
            Item::Field { name, value } => {
                body.extend(format!("{}\"\r\n\r\n{value}\r\n", quoted(name)).bytes());
            }
            Item::File(file) => {
                let name = file.name.as_deref().map(quoted).unwrap_or_default();
                body.extend(format!("file\"; filename=\"{name}\"\r\n").bytes());
                if let Some(content_type) = &file.content_type {
                    let content_type = content_type.replace(['\r', '\n'], " ");
                    body.extend(format!("Content-Type: {content_type}\r\n").bytes());
                }
                body.extend(b"\r\n\r\n");
            }
        }
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    body
}

fn quoted(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::capture::{self, file};

    #[test]
    fn a_body_that_is_written_here_is_listed_again() {
        let items = [
            Item::field("key", "a\r\nb"),
            Item::File(CapturedFile {
                name: Some("a \"b\".png".to_owned()),
                content_type: Some("image/png".to_owned()),
                size: None,
            }),
            Item::field("submit", "Upload"),
        ];
        let again = super::items(&write(&items, "b"), "b");
        assert_eq!(capture::field(&again, "KEY"), Some("a\r\nb"));
        let again = (file(&again).unwrap().clone(), capture::names(&again));
        assert_eq!(again.0.name.as_deref(), Some("a %22b%22.png"));
        assert_eq!((again.0.content_type.as_deref(), again.0.size), (Some("image/png"), Some(0)));
        assert_eq!(again.1, ["key", "submit"]);
    }

    #[test]
    fn parts_are_listed_that_oss_does_not_accept() {
        let body = b"--b\nContent-Type: a/b\nContent-Disposition: form-data;name=key\n\nk\n--b\n\
                     content-disposition: form-data; name=file; filename=a.txt; filename*=x\n\nhello";
        let again = super::items(body, "b");
        assert_eq!(capture::field(&again, "key"), Some("k"));
        assert_eq!(file(&again).unwrap().name.as_deref(), Some("a.txt"));
        assert_eq!(file(&again).unwrap().size, Some(5));
    }

    #[test]
    fn no_text_makes_the_reader_panic() {
        for body in ["", "--", "--\r\n", "--b", "--b--", "--b\r\n--b\r\n", "--b\r\n\r\n", "x"] {
            let boundary = boundary_of(body.as_bytes()).unwrap_or_default();
            let _ = super::items(body.as_bytes(), &boundary);
        }
    }
}
