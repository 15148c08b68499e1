//! CORS: which pages may call, and the headers with which their browsers learn it.
//!
//! A page of another origin is refused with 403 before anything is signed. An admitted origin is repeated in the response,
//! never `*`, and `Vary: Origin` keeps caches correct in both cases.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::app::App;
use crate::auth::origin::OriginStatus;
use crate::http::error::ApiError;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");

/// The headers that known clients send. UI kits send some that they do not need.
const HEADERS: &str = "authorization, content-type, accept, x-requested-with, x-csrf-token, \
                       x-upload-ticket, uppy-auth-token, uppy-versions, uppy-credentials-params";

/// How long a browser may cache a preflight, in seconds: two hours, the limit of Chromium.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

const EXPOSED: HeaderValue = HeaderValue::from_static("x-request-id, retry-after");

/// Middleware: checks the origin, answers preflights, and adds the CORS headers. Leaves the result among the request's
/// extensions for auth rules that demand an origin.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN).cloned();
    let status = app.origins.check(text(headers, header::ORIGIN), text(headers, header::HOST));
    request.extensions_mut().insert(status);
    let mut response = match status {
        OriginStatus::NotAllowed => {
            let name = origin.as_ref().and_then(|origin| origin.to_str().ok());
            ApiError::OriginNotAllowed(name.unwrap_or("?").to_owned()).into_response()
        }
        OriginStatus::Allowed if is_preflight(&request) => preflight_response(&app.cors_headers),
        OriginStatus::Allowed | OriginStatus::Absent => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let (OriginStatus::Allowed, Some(origin)) = (status, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// Returns the text of a header. A value that is no text counts as an empty one, which no list of origins contains.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight with the headers of the known clients and those of the settings. What the preflight asks for is
/// not repeated: the list of the settings is what an operator has looked at.
fn preflight_response(more: &[HeaderName]) -> Response {
    let mut allowed = HEADERS.to_owned();
    for name in more.iter().filter(|name| HEADERS.split(", ").all(|known| known != name.as_str())) {
        allowed.extend([", ", name.as_str()]);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    // Names of headers and commas are always a valid value.
    let allowed = HeaderValue::try_from(allowed).unwrap_or(HeaderValue::from_static(HEADERS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}
