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

/// Answers with a grant. It is a bearer's permission, so nobody on the way may keep it.
pub(super) fn grant_response(answer: &impl Serialize) -> Response {
    let mut response = json(answer);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Answers with JSON.
pub(super) fn json(answer: &impl Serialize) -> Response {
    // Room for one grant with its token. Texts and numbers under text keys: there is nothing here
    // that JSON cannot say.
    let mut body = Vec::with_capacity(4096);
    let _ = sonic_rs::to_writer(&mut body, answer);
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
