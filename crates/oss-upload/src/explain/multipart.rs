//! A form as the bytes of its body, with or without the request's head in front.
//!
//! Reads more kindly than OSS does: a capture may have lost its carriage returns or its end.

use memchr::memmem;

use crate::explain::form::{Captured, CapturedFile};

/// Reads the body; the boundary is what its first line says.
pub(super) fn read(bytes: &[u8]) -> Result<Captured, String> {
    let (host, body) = take_head(bytes);
    let start = memmem::find(body, b"--").ok_or("the request has no multipart body")?;
    let body = &body[start..];
    let end = body.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let delimiter = &body[..end.ok_or("the multipart body ends with its first boundary")?];
    let mut captured = Captured { host, ..Captured::default() };
    let mut starts: Vec<usize> = memmem::find_iter(body, delimiter).collect();
    starts.push(body.len());
    for pair in starts.windows(2) {
        let part = &body[pair[0] + delimiter.len()..pair[1]];
        if part.starts_with(b"--") || !take_part(part, &mut captured) {
            break;
        }
    }
    Ok(captured)
}

/// Takes the request's head off, if there is one, and the host out of it.
fn take_head(bytes: &[u8]) -> (Option<String>, &[u8]) {
    if !bytes.starts_with(b"POST ") {
        return (None, bytes);
    }
    let (head, body) = split_blank(bytes);
    let head = String::from_utf8_lossy(head).to_lowercase();
    let host = head.lines().find_map(|line| line.strip_prefix("host:"));
    let host = host.map(|host| host.trim().split(':').next().unwrap_or_default().to_owned());
    (host, body)
}

/// Takes one part; says whether another can follow that OSS would look at.
fn take_part(part: &[u8], captured: &mut Captured) -> bool {
    let (head, content) = split_blank(part);
    let head = String::from_utf8_lossy(head);
    let name = quoted(&head, " name=\"").unwrap_or_default();
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    if !name.eq_ignore_ascii_case("file") {
        captured.fields.push((name, String::from_utf8_lossy(content).into_owned()));
        return true;
    }
    let header = head.lines().filter_map(|line| line.split_once(':'));
    let content_type = header
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.trim().to_owned())
        .next();
    captured.file = Some(CapturedFile {
        name: quoted(&head, "filename=\""),
        content_type,
        size: Some(content.len() as u64),
    });
    false
}

fn split_blank(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = |blank: &[u8]| memmem::find(bytes, blank).map(|at| (at, at + blank.len()));
    let (end, start) =
        at(b"\r\n\r\n").or_else(|| at(b"\n\n")).unwrap_or((bytes.len(), bytes.len()));
    (&bytes[..end], &bytes[start..])
}

fn quoted(head: &str, before: &str) -> Option<String> {
    let (_, rest) = head.split_once(before)?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}
