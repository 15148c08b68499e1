//! The failures that the runtime answers itself: a closed list.
//!
//! | code | status | when |
//! |---|---|---|
//! | `host_invalid` | 400 | there are several `Host` fields, or what stands there is no host or another one than in the address |
//! | `body_unreadable` | 400 | the body broke off or was badly framed |
//! | `body_timed_out` | 408 | the body did not arrive in time |
//! | `body_too_large` | 413 | the body exceeds [`Options::max_body`](super::Options::max_body) |
//! | `uri_too_long` | 414 | path and query exceed 8 KiB |
//! | `headers_too_large` | 431 | the fields exceed [`Options::max_header_bytes`](super::Options::max_header_bytes) |
//! | `internal` | 500 | the service failed or panicked |
//! | `timed_out` | 504 | the service did not answer in time |
//!
//! What hyper cannot even parse it refuses before any of this, with a bare status: malformed
//! syntax 400, more than 100 fields or a head of several times the limit 431.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::service::BoxError;

/// Marks an answer as the function's own failure in the platform's metrics; the platform takes it
/// out again. 404 is the value it documents for that, whatever the status line says.
const X_FC_STATUS: HeaderName = HeaderName::from_static("x-fc-status");

/// One failure of the closed list, with what only the operator may know of it.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The request names several hosts, or something that is no host. The caller should name one.
    HostInvalid,
    /// The body broke off or was badly framed. The caller should send it again.
    BodyUnreadable,
    /// The body did not arrive before the deadline. The caller should look at its connection.
    BodyTimedOut,
    /// The body is longer than this many bytes. The caller should send less.
    BodyTooLarge(usize),
    /// Path and query are longer than this many bytes. The caller should ask with less.
    UriTooLong(usize),
    /// The fields together are longer than this many bytes. The caller should send fewer.
    HeadersTooLarge(usize),
    /// The service failed. The operator should look for the error line with the request's id.
    Failed(BoxError),
    /// The service panicked at this place in its source. The operator should report the error line
    /// with the request's id.
    Panicked(String),
    /// The service took longer than its deadline. The operator should look at what it waits for.
    TimedOut,
}

/// Marks an answer whose request was not read to its end, so that the connection is closed gently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread;

#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
    message: &'a str,
    request_id: &'a str,
}

impl Fault {
    /// Writes the line that tells the operator what the answer does not tell the caller.
    pub(crate) fn log(&self, request_id: &str) {
        match self {
            Self::Failed(error) => {
                tracing::error!(%error, request_id, "the handler failed: {error}");
            }
            Self::Panicked(place) => {
                tracing::error!(place, request_id, "the handler panicked at {place}");
            }
            _ => {}
        }
    }

    /// Writes the answer to the caller of this request.
    pub(crate) fn answer(&self, request_id: &str) -> Response<Bytes> {
        let (status, error) = self.code();
        let problem = Problem { error, message: &self.message(), request_id };
        // Three plain strings always serialise; an empty body would still carry the status.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if status.is_server_error() {
            headers.insert(X_FC_STATUS, HeaderValue::from_static("404"));
        } else {
            // A refused request may have unread bytes behind it, and where the next request
            // begins is not known: say so and close.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            response.extensions_mut().insert(Unread);
        }
        response
    }

    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::HostInvalid => (StatusCode::BAD_REQUEST, "host_invalid"),
            Self::BodyUnreadable => (StatusCode::BAD_REQUEST, "body_unreadable"),
            Self::BodyTimedOut => (StatusCode::REQUEST_TIMEOUT, "body_timed_out"),
            Self::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::UriTooLong(_) => (StatusCode::URI_TOO_LONG, "uri_too_long"),
            Self::HeadersTooLarge(_) => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")
            }
            Self::Failed(_) | Self::Panicked(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed_out"),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::HostInvalid => {
                "The request does not name one host; send one Host field with a host and perhaps a \
                 port, the same as in an absolute address."
                    .to_owned()
            }
            Self::BodyUnreadable => {
                "The request body broke off or was badly framed; send the request again.".to_owned()
            }
            Self::BodyTimedOut => {
                "The request body did not arrive in time; send the request again.".to_owned()
            }
            Self::BodyTooLarge(limit) => {
                format!("The request body is longer than {limit} bytes; send a shorter one.")
            }
            Self::UriTooLong(limit) => {
                format!("Path and query are longer than {limit} bytes; shorten them.")
            }
            Self::HeadersTooLarge(limit) => {
                format!("The header fields are longer than {limit} bytes together; send fewer.")
            }
            Self::Failed(_) | Self::Panicked(_) => {
                "The function failed; try again, and if it stays report the request id.".to_owned()
            }
            Self::TimedOut => {
                "The function did not answer in time; try again in a moment.".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_happened_and_what_to_do() {
        let answer = Fault::BodyTooLarge(10).answer("1-\"a");
        assert_eq!(answer.status(), 413);
        assert_eq!(answer.headers()[CONNECTION], "close");
        assert_eq!(
            answer.body(),
            r#"{"error":"body_too_large","message":"The request body is longer than 10 bytes; send a shorter one.","request_id":"1-\"a"}"#
        );
    }

    #[test]
    fn only_the_functions_own_failures_are_marked_for_the_platform() {
        for fault in [Fault::Failed("disk".into()), Fault::TimedOut] {
            let answer = fault.answer("1-a");
            assert_eq!(answer.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(answer.headers()[X_FC_STATUS], "404");
            assert!(!answer.headers().contains_key(CONNECTION));
        }
        for fault in [Fault::BodyUnreadable, Fault::UriTooLong(1), Fault::HostInvalid] {
            assert!(!fault.answer("1-a").headers().contains_key(X_FC_STATUS));
        }
    }
}
