//! Which pages may ask, and what their browsers are told.
//!
//! A foreign origin is refused with a 403 before anything is signed. An allowed one is answered
//! with its own name, never with `*`, so that a browser may attach credentials in a later version;
//! `Vary: Origin` keeps caches honest in either case.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::app::App;
use crate::auth::origin::OriginStatus;
use crate::http::Response;
use crate::http::error::ApiError;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");

/// What clients in the field send; UI kits add some that they do not need.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, x-requested-with, x-csrf-token, \
     x-upload-ticket, uppy-auth-token, uppy-versions, uppy-credentials-params",
);

/// How long a browser may remember a preflight, in seconds: two hours, the most that Chromium keeps.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

const EXPOSED: HeaderValue = HeaderValue::from_static("x-request-id, retry-after");

/// What the origin list says of a request, and what the browser is told of it.
pub(super) struct OriginCheck {
    verdict: OriginStatus,
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl OriginCheck {
    /// Judges the origin, and leaves the verdict with the request for rules that ask for an origin.
    pub(super) fn judge(app: &App, parts: &mut Parts) -> Self {
        let headers = &parts.headers;
        let origin = headers.get(header::ORIGIN).cloned();
        let verdict = app.origins.check(text(headers, header::ORIGIN), text(headers, header::HOST));
        let is_preflight = parts.method == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        parts.extensions.insert(verdict);
        Self { verdict, origin, is_preflight }
    }

    /// Answers a foreign page and a preflight, which no call is made for.
    pub(super) fn early(&self) -> Option<Response> {
        match self.verdict {
            OriginStatus::NotAllowed => {
                let name = self.origin.as_ref().and_then(|origin| origin.to_str().ok());
                Some(ApiError::OriginNotAllowed(name.unwrap_or("?").to_owned()).into_response())
            }
            OriginStatus::Allowed if self.is_preflight => Some(answer_preflight()),
            _ => None,
        }
    }

    /// Tells the browser of an allowed page that it may read the answer.
    pub(super) fn tell(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let (OriginStatus::Allowed, Some(origin)) = (self.verdict, self.origin) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// Gives a header's text. What is no text is judged as an empty one, which no list holds.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn answer_preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}
