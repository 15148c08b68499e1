//! A request as it went over the wire: with its head, or the multipart body alone.

use crate::explain::capture::{Capture, CapturedBody, Head};
use crate::explain::multipart::split_blank;

/// The methods that a request line begins with.
const METHODS: [&str; 7] = ["POST ", "PUT ", "GET ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH "];

/// Returns whether a text begins with a request line, or with the pseudo-headers of HTTP/2.
pub(super) fn is_request(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let has_method = METHODS.iter().any(|method| line.starts_with(method));
    let target = line.split(' ').nth(1).unwrap_or_default();
    let is_target = target.starts_with('/') || target.starts_with("http");
    (has_method && is_target) || line.starts_with(":method") || line.starts_with(":authority")
}

/// Reads a request with its head.
pub(super) fn request(bytes: &[u8]) -> Capture {
    let (head, body) = split_blank(bytes);
    let is_exact = head.contains(&b'\r');
    let head = read_head(&String::from_utf8_lossy(head));
    Capture { head: Some(head), ..capture(body, is_exact) }
}

/// Reads a body without a head.
pub(super) fn body(bytes: &[u8]) -> Capture {
    capture(bytes, false)
}

/// Makes a capture of a body. Pasting removes carriage returns, from the head as from the body; without
/// any of them they are put back, unless the head has kept its own.
fn capture(body: &[u8], is_exact: bool) -> Capture {
    let is_mended =
        !is_exact && body.contains(&b'\n') && memchr::memmem::find(body, b"\r\n").is_none();
    let body = if is_mended {
        let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
        lines.join(&b"\r\n"[..])
    } else {
        body.to_vec()
    };
    Capture { body: CapturedBody::Bytes(body), is_raw: !is_mended, is_mended, ..Capture::default() }
}

fn read_head(text: &str) -> Head {
    let mut lines = text.lines();
    let mut method = "POST".to_owned();
    let mut url = "/".to_owned();
    if !text.starts_with(':') {
        let mut words = lines.next().unwrap_or_default().split_whitespace();
        words.next().unwrap_or_default().clone_into(&mut method);
        words.next().unwrap_or_default().clone_into(&mut url);
    }
    let mut headers = Vec::new();
    for line in lines {
        if let Some(pseudo) = line.strip_prefix(':') {
            let (name, value) = pseudo.split_once(':').unwrap_or((pseudo, ""));
            match name {
                "method" => value.trim().clone_into(&mut method),
                "path" => value.trim().clone_into(&mut url),
                "authority" => headers.push(("Host".to_owned(), value.trim().to_owned())),
                _ => {}
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    if url.contains("://") {
        return Head::of_url(&method, &url, headers);
    }
    Head { method: method.to_ascii_uppercase(), target: url, headers }
}
