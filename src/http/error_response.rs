//! The JSON of a failure: one shape for every client, and what one reads beside it.

use serde::Serialize;

use crate::http::dialect::uview;
use crate::http::error::ErrorBody;
use crate::http::{Response, dialect};

/// Marks an answer whose client reads failures in a shape of its own. Status, code and sentence stay
/// the same, and what every other client reads is there too.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wording {
    /// As the upload component of uview-plus does.
    Uview,
}

#[derive(Serialize)]
struct Worded<'a> {
    #[serde(flatten)]
    uview: Option<uview::Refusal<'a>>,
    #[serde(flatten)]
    detail: &'a ErrorBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// Writes the body for an answer that so far has its status only.
pub(super) fn word(
    answer: &mut Response,
    detail: &ErrorBody,
    request_id: Option<&str>,
) -> Response {
    let wording = answer.extensions_mut().remove::<Wording>();
    let uview = wording.map(|Wording::Uview| uview::Refusal::new(answer.status(), detail));
    dialect::uncached(&Worded { uview, detail, request_id })
}
