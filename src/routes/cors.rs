//! Which pages may ask, and what their browsers are told.
//!
//! A foreign origin is refused with a 403 before anything is signed. An allowed one is answered
//! with its own name, never with `*`, so that a browser may attach credentials in a later version;
//! `Vary: Origin` keeps caches honest in either case.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;

use crate::app::App;
use crate::identity::origin::Verdict;
use crate::routes::problem::Problem;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");

/// What clients in the field send; UI kits add some that they do not need.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, x-requested-with, x-csrf-token, \
     x-upload-ticket, uppy-auth-token, uppy-versions, uppy-credentials-params",
);

/// How long a browser may remember a preflight, in seconds: two hours, the most that Chromium keeps.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

const EXPOSED: HeaderValue = HeaderValue::from_static("x-request-id, retry-after");

/// Judges the origin, answers preflights, and tells the browser of an allowed page that it may read.
/// Leaves its verdict with the request, for rules that ask for an origin.
pub(super) async fn guard(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN).cloned();
    let verdict = app.origins.judge(text(headers, header::ORIGIN), text(headers, header::HOST));
    let preflight = request.method() == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    request.extensions_mut().insert(verdict);
    let mut response = match verdict {
        Verdict::Foreign => {
            let name = origin.as_ref().and_then(|origin| origin.to_str().ok()).unwrap_or("?");
            Problem::OriginNotAllowed(name.to_owned()).into_response()
        }
        Verdict::Allowed if preflight => answer_preflight(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let (Verdict::Allowed, Some(origin)) = (verdict, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// Gives a header's text. What is no text is judged as an empty one, which no list holds.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn answer_preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}
