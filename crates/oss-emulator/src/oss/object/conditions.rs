//! The conditions of a download: `If-Match`, `If-None-Match`, `If-Modified-Since` and
//! `If-Unmodified-Since`.
//!
//! Source: the `GetObject` page. A condition on the `ETag` takes precedence over one on the time, as in
//! RFC 9110. A date that cannot be read is ignored.

use http::{HeaderMap, HeaderName, header};

use crate::dates;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::store::Sidecar;

/// The result of the conditions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    Holds,
    /// The client has this object already.
    NotModified,
}

/// Checks all conditions of a request.
pub(super) fn check(headers: &HeaderMap, object: &Sidecar) -> Result<Precondition, OssError> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let time = |name: HeaderName| text(name).and_then(dates::parse_http);
    if let Some(list) = text(header::IF_MATCH) {
        if !names(list, &object.etag) {
            return Err(failed("If-Match"));
        }
    } else if time(header::IF_UNMODIFIED_SINCE).is_some_and(|time| object.stored_at > time) {
        return Err(failed("If-Unmodified-Since"));
    }
    let is_known = match text(header::IF_NONE_MATCH) {
        Some(list) => names(list, &object.etag),
        None => time(header::IF_MODIFIED_SINCE).is_some_and(|time| object.stored_at <= time),
    };
    Ok(if is_known { Precondition::NotModified } else { Precondition::Holds })
}

/// Returns whether a list of ETags names this one, with or without quotes.
fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(|one| one.trim().trim_matches('"')).any(|one| one == "*" || one == etag)
}

fn failed(condition: &str) -> OssError {
    OssErrorKind::PreconditionFailed
        .because(format!("the condition {condition} does not hold"))
        .with_child("Condition", condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "Wed, 27 Nov 2024 06:09:40 GMT";
    const THEN: &str = "Wed, 27 Nov 2024 06:09:41 GMT";

    #[test]
    fn conditions_on_etag_and_time_hold_or_not() {
        use Precondition::{Holds, NotModified};
        let failed = Err(OssErrorKind::PreconditionFailed);
        let object =
            Sidecar { etag: "ABC".to_owned(), stored_at: 1_732_687_781, ..Sidecar::default() };
        for (conditions, expected) in [
            (&[][..], Ok(Holds)),
            (&[("if-match", "\"ABC\"")], Ok(Holds)),
            (&[("if-match", "\"X\", ABC")], Ok(Holds)),
            (&[("if-match", "\"X\"")], failed),
            (&[("if-none-match", "\"ABC\"")], Ok(NotModified)),
            (&[("if-none-match", "*")], Ok(NotModified)),
            (&[("if-none-match", "\"X\"")], Ok(Holds)),
            (&[("if-modified-since", THEN)], Ok(NotModified)),
            (&[("if-modified-since", BEFORE)], Ok(Holds)),
            (&[("if-modified-since", "yesterday")], Ok(Holds)),
            (&[("if-unmodified-since", THEN)], Ok(Holds)),
            (&[("if-unmodified-since", BEFORE)], failed),
            (&[("if-match", "ABC"), ("if-unmodified-since", BEFORE)], Ok(Holds)),
            (&[("if-none-match", "X"), ("if-modified-since", THEN)], Ok(Holds)),
        ] {
            let headers = conditions
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            let result = check(&headers, &object).map_err(|error| error.kind());
            assert_eq!(result, expected, "{conditions:?}");
        }
    }
}
