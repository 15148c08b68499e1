//! What of a path may be logged: all of it but tickets, which are good until they expire.

use std::borrow::Cow;

/// What stands in the log in place of a ticket.
const LEFT_OUT: &str = "…";

/// Leaves tickets out of a path: whatever stands behind a segment `t`, and whatever looks like a ticket
/// anywhere else, since a caller may have put it in the wrong place.
#[must_use]
pub fn path(path: &str) -> Cow<'_, str> {
    let mut is_behind_t = false;
    let mut segments = Vec::new();
    let mut is_whole = true;
    for segment in path.split('/') {
        let is_ticket = (is_behind_t && !segment.is_empty()) || segment.contains("v1.");
        is_whole &= !is_ticket;
        segments.push(if is_ticket { LEFT_OUT } else { segment });
        // An empty segment is a slash too many; what stands behind it still stands behind the `t`.
        is_behind_t =
            matches!(segment, "t" | "T" | "%74" | "%54") || (is_behind_t && segment.is_empty());
    }
    if is_whole { Cow::Borrowed(path) } else { Cow::Owned(segments.join("/")) }
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
        ] {
            assert_eq!(path(whole), loggable, "{whole}");
        }
    }
}
