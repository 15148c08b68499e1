//! The HTTP face: which call is answered by what, and in which order it is looked at.
//!
//! [`service`] builds what production serves and what tests drive in process. Every failure is a
//! [`error::ApiError`] and is worded in one file; every grant comes from [`crate::grant`], whatever
//! dialect it is answered in.
//!
//! | file | owns |
//! |---|---|
//! | `table` | the paths |
//! | `signing` | from a wish to a grant: who asks, whose keys, which route |
//! | `own_host` | which names are believed to be the function's own |
//! | `documented` | the call that the documentation's page makes |
//! | `uploads` | the native call, and the same as an event |
//! | `uppy`, `uview`, `wechat`, `presigned_post` | the calls of other people's clients |
//! | `asked` | one request on its way to a call, with the named parts of its path |
//! | `query`, `file_type` | what the query and a file's name say |
//! | `dialect/` | grants as answers, pure |
//! | `cors` | which pages may ask, and what their browsers are told |
//! | `callback`, `callback_refusal` | what OSS tells of a stored object, and why it is not believed |
//! | `limits` | what a route takes, told before and after |
//! | `problem`, `wording` | every failure: status, code, sentence; its JSON |
//! | `echo` | a caller's text, as an error quotes it |
//! | `refusal`, `denial` | the same for what the rules refuse, and for callers who are not let in |
//! | `loggable` | what of a path may be logged |
//! | `web` | the page, the client, and what machines read |
//! | `platform` | health and the platform's hooks |

pub mod dialect;
pub mod error;
pub mod limits;
pub mod redact;

mod auth_error;
mod callback;
mod callback_error;
mod documented;
mod echo;
mod error_response;
mod file_type;
mod hooks;
mod origin;
mod own_host;
mod policy_error;
mod presigned_post;
mod query;
mod request;
mod router;
mod signing;
mod uploads;
mod uppy;
mod uview;
mod web;
mod wechat;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body::Body;
use http_body_util::Full;
use std::convert::Infallible;
use std::sync::Arc;
use tower::{Service, service_fn};

use crate::app::App;
use crate::http::router::Table;
use fc_http::{ContextExt, Event};

/// An answer with its whole body in memory.
pub type Response = http::Response<Full<Bytes>>;

/// Builds the function's service: what [`fc_http::run`] serves.
#[must_use]
pub fn service(
    app: Arc<App>,
) -> impl Service<Request<Bytes>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let table = Arc::new(Table::new(&app));
    service_fn(move |request: Request<Bytes>| {
        let (app, table) = (Arc::clone(&app), Arc::clone(&table));
        async move {
            let context = request.context();
            let event = context.map_or(Event::Http, |context| context.event);
            let request_id = context.map(|context| context.request_id.clone());
            let is_head = request.method() == Method::HEAD;
            let response = match event {
                Event::Http => table.answer(&app, request).await,
                Event::Invoke => uploads::answer_event(&app, &request).await,
                Event::Initialize | Event::PreStop => hooks::acknowledge(),
            };
            Ok(complete(error::word(response, request_id.as_deref()), is_head))
        }
    })
}

/// Adds what every answer carries: that no browser may guess another type for it, and how long it is, also
/// where only that is asked for.
fn complete(mut response: Response, is_head: bool) -> Response {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // An answer without content has no length to tell either (RFC 9110).
    if response.status() != StatusCode::NO_CONTENT {
        let length = response.body().size_hint().exact().unwrap_or_default();
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    if is_head {
        *response.body_mut() = Full::default();
    }
    response
}
