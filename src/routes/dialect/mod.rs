//! Dialects: one grant in the shapes that clients read. Pure: a [`crate::grant::Grant`] in, an
//! answer out; no dialect can be weaker than another, since none decides anything.

pub mod documented;
pub mod documented_v1;
pub mod native;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_TYPE;
use serde::Serialize;

/// Answers with JSON that nobody on the way may keep: a grant is a bearer's permission, and a
/// refusal or the time of day is good for one caller at one moment.
pub(super) fn uncached(answer: &impl Serialize) -> Response {
    // Room for one grant with its token. Texts and numbers under text keys: there is nothing here
    // that JSON cannot say.
    let mut body = Vec::with_capacity(4096);
    let _ = sonic_rs::to_writer(&mut body, answer);
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
