//! What of a path may be logged: all of it but tickets, which are good until they expire.
//!
//! A ticket may stand in the wrong place, and its path may be written in more than one way: `v1%2E…`,
//! `%2576…`, `V1.…`, `/T/…`, `t%2F…`. So each segment is decoded until nothing is left to decode before it
//! is judged. A query is never logged.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands in the log in place of a ticket.
const LEFT_OUT: &str = "…";

/// What a ticket begins with.
const MARK: &str = "v1.";

/// The longest segment that is logged, in bytes: no path here has a longer one, since a route's name has at
/// most 64 characters, and every ticket is longer.
const MAX_SEGMENT: usize = 64;

/// How often a segment is decoded. What is encoded more often was made to be unreadable, and is left out.
const MAX_ROUNDS: usize = 8;

/// Leaves tickets out of a path: whatever stands behind a segment `t`, whatever looks like a ticket anywhere
/// else, and what is too long to be anything that this function knows.
#[must_use]
pub fn path(path: &str) -> Cow<'_, str> {
    let mut is_behind_t = false;
    let mut segments = Vec::new();
    let mut is_whole = true;
    for segment in path.split('/') {
        let is_ticket = is_ticket(segment, &mut is_behind_t);
        is_whole &= !is_ticket;
        segments.push(if is_ticket { LEFT_OUT } else { segment });
    }
    if is_whole { Cow::Borrowed(path) } else { Cow::Owned(segments.join("/")) }
}

/// Judges a segment; it can hold several once it is decoded.
fn is_ticket(segment: &str, is_behind_t: &mut bool) -> bool {
    let Some(decoded) = decode(segment).filter(|decoded| decoded.len() <= MAX_SEGMENT) else {
        *is_behind_t = false;
        return true;
    };
    let mut is_ticket = false;
    for piece in decoded.split(['/', '\\']) {
        is_ticket |= (*is_behind_t && !piece.is_empty()) || has_mark(piece);
        // An empty segment is a slash too many; what stands behind it still stands behind the `t`.
        *is_behind_t = piece.eq_ignore_ascii_case("t") || (*is_behind_t && piece.is_empty());
    }
    is_ticket
}

/// Returns whether a text contains the mark in any case. Most texts have no dot, which is soon known.
fn has_mark(text: &str) -> bool {
    let is_mark = |part: &[u8]| part.eq_ignore_ascii_case(MARK.as_bytes());
    text.contains('.') && text.as_bytes().windows(MARK.len()).any(is_mark)
}

/// Decodes a segment until there is nothing left to decode. Returns `None` if that takes too many rounds.
fn decode(segment: &str) -> Option<Cow<'_, str>> {
    let mut text = Cow::Borrowed(segment);
    for _ in 0..MAX_ROUNDS {
        // Borrowed means that nothing was encoded.
        let Cow::Owned(decoded) = percent_decode_str(&text).decode_utf8_lossy() else {
            return Some(text);
        };
        text = Cow::Owned(decoded);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_left_out_and_nothing_else() {
        for (whole, loggable) in [
            ("/uploads", "/uploads"),
            ("/", "/"),
            ("/t/v1.a.b/uploads", "/t/…/uploads"),
            ("/uppy/avatar/t/v1.a.b/s3/params", "/uppy/avatar/t/…/s3/params"),
            ("/uppy/avatar/t/anything/s3/params", "/uppy/avatar/t/…/s3/params"),
            ("/uppy/avatar/t//anything", "/uppy/avatar/t//…"),
            ("/uppy/t/t/t/s3", "/uppy/t/…/…/…"),
            ("/%74/anything", "/%74/…"),
            ("/uppy/v1.a.b/s3/params", "/uppy/…/s3/params"),
            ("/v1.a.b", "/…"),
            ("/t/", "/t/"),
            ("/uppy/default/s3/params", "/uppy/default/s3/params"),
            ("/routes/%E7%85%A7", "/routes/%E7%85%A7"),
            ("/100%", "/100%"),
        ] {
            assert_eq!(path(whole), loggable, "{whole}");
        }
    }

    #[test]
    fn a_ticket_is_left_out_however_its_path_is_written() {
        for (whole, loggable) in [
            ("/v1%2Ea.b", "/…"),
            ("/v1%2ea.b", "/…"),
            ("/V1.a.b", "/…"),
            ("/%76%31%2e%61.b", "/…"),
            ("/%56%31%2Ea.b", "/…"),
            ("/v1%252Ea.b", "/…"),
            ("/%2576%2531%252e/x", "/…/x"),
            ("/v1%25252525252Ea.b", "/…"),
            ("/x%2Fv1.a.b", "/…"),
            ("/uploads;v1%2Ea.b", "/…"),
            ("/uppy/a/T/x/s3", "/uppy/a/T/…/s3"),
            ("/uppy/a/%2574/x/s3", "/uppy/a/%2574/…/s3"),
            ("/uppy/a/t%2Fx/s3", "/uppy/a/…/s3"),
            ("/uppy/a%2Ft/x/s3", "/uppy/a%2Ft/…/s3"),
            ("/uppy/a/t%5Cx/s3", "/uppy/a/…/s3"),
            ("/uppy/a/t/%2F/x", "/uppy/a/t/%2F/…"),
        ] {
            assert_eq!(path(whole), loggable, "{whole}");
        }
        let token = format!("u1.{}.{}", "e".repeat(400), "c".repeat(43));
        let whole = format!("/uppy/a/t/v1.a.b/s3/multipart/{token}/1");
        assert_eq!(path(&whole), "/uppy/a/t/…/s3/multipart/…/1", "an upload token");
        let long = "x".repeat(65);
        assert_eq!(
            path(&format!("/uppy/{long}/s3")),
            "/uppy/…/s3",
            "the mark itself may be unreadable"
        );
        assert_eq!(path(&format!("/uppy/{}/s3", &long[1..])), format!("/uppy/{}/s3", &long[1..]));
        let deep = format!("/v1%{}2Ea.b", "25".repeat(3000));
        assert_eq!(path(&deep), "/…", "encoded thousands of times");
    }
}
