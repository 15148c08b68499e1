//! The HTTP API: router, calls with their response formats, errors, CORS.
//!
//! [`service`] is what production serves and what tests call in process. Every call that signs goes through
//! [`signing`], so no response format is weaker than another; every failure is an [`error::ApiError`].
//!
//! | file | owns |
//! |---|---|
//! | `router` | the paths |
//! | `request` | the extractor: what a call sends |
//! | `signing` | authentication, credentials, grant: the steps that every signing call shares |
//! | `documented`, `uploads`, `presigned_post`, `uppy`, `uview`, `wechat` | one signing call each, with its response format |
//! | `upload_session` | uploads in parts: the steps that every call shares |
//! | `finished_upload` | an upload in parts that has become an object |
//! | `multipart` | uploads in parts, with the function's own format |
//! | `uppy_multipart` | uploads in parts, with the format of Uppy |
//! | `downloads` | links to objects of the caller's |
//! | `sts` | session keys for an SDK |
//! | `routes` | what a route accepts, before and after |
//! | `callback`, `hooks` | OSS's upload callbacks; health, and the hooks of the platform |
//! | `conformance` | what of a request arrives, while a setting allows it |
//! | `origin`, `trigger_host` | CORS; which `Host` is the function's own |
//! | `error` | every failure: status, code, message, response |
//! | `redact` | what of a path may be logged |
//! | `web` | the page, the client, and the descriptions for machines |

pub mod documented;
pub mod error;
pub mod presigned_post;
pub mod redact;
pub mod routes;
pub mod uploads;

mod callback;
mod conformance;
mod downloads;
mod finished_upload;
mod hooks;
mod multipart;
mod origin;
mod request;
mod router;
mod signing;
mod sts;
mod trigger_host;
mod upload_session;
mod uppy;
mod uppy_multipart;
mod uview;
mod web;
mod wechat;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fc_http::{ContextExt, Event};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body::Body as _;
use serde::{Serialize, Serializer};
use tower::{Service, ServiceExt};

use crate::app::App;
use crate::grant::Grant;
use crate::http::error::MessageLanguage;

/// Builds the function's service: what [`fc_http::serve`] serves.
#[must_use]
pub fn service(
    app: Arc<App>,
) -> impl Service<Request<fc_http::Body>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let router = router::router(Arc::clone(&app));
    fc_http::service_fn(move |request: Request<fc_http::Body>| {
        let (app, router) = (Arc::clone(&app), router.clone());
        async move {
            let context = request.context();
            let event = context.map_or(Event::Http, |context| context.event);
            let request_id = context.map(|context| context.request_id.clone());
            let is_head = request.method() == Method::HEAD;
            let language = MessageLanguage::of(request.headers());
            let response = match event {
                Event::Http => router.oneshot(request).await?,
                Event::Invoke => uploads::sign_event(app, request).await.into_response(),
                Event::Initialize | Event::PreStop => hooks::acknowledge(),
            };
            Ok(complete(error::write_body(response, request_id.as_deref(), language), is_head))
        }
    })
}

/// Adds the headers of every response: no browser may guess another type, and the length, also for `HEAD`.
fn complete(mut response: Response, is_head: bool) -> Response {
    let length = response.body().size_hint().exact().unwrap_or_default();
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status != StatusCode::METHOD_NOT_ALLOWED {
        // The router adds it to a preflight's response as well, where it lists one method of several.
        headers.remove(ALLOW);
    }
    if status == StatusCode::NO_CONTENT {
        // RFC 9110 (8.6) forbids a length here.
        headers.remove(CONTENT_LENGTH);
    } else if length > 0 || !headers.contains_key(CONTENT_LENGTH) {
        // The router has set the length of a `HEAD` response, whose body is empty now.
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if is_head {
        *response.body_mut() = Body::empty();
    }
    response
}

/// A JSON response that no cache may keep: a grant is a bearer's permission, and an error or the time of day is valid
/// for one caller at one moment.
#[derive(Debug)]
struct UncachedJson<T>(T);

impl<T: Serialize> IntoResponse for UncachedJson<T> {
    fn into_response(self) -> Response {
        // Enough for one grant with its token.
        let mut body = Vec::with_capacity(4096);
        // Strings and numbers under string keys always serialise.
        let _ = serde_json::to_writer(&mut body, &self.0);
        uncached_json(body.into())
    }
}

/// The same with a body that is JSON already.
fn uncached_json(body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The fields of a grant's form as a JSON object, in the order of the form.
#[derive(Debug)]
struct FormFields<'a>(&'a Grant);

impl Serialize for FormFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.fields.iter().map(|(name, value)| (name, value)))
    }
}
