//! The failures that the runtime answers itself: a closed list of codes, in `errors.md`.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::BoxError;

/// Marks a response as a failure of the function in the platform's metrics. The platform removes the header. It
/// documents the value 404 for this, whatever the status line says.
const X_FC_STATUS: HeaderName = HeaderName::from_static("x-fc-status");

/// A failure, with details that only the operator may see.
#[derive(Debug)]
pub(crate) enum RuntimeError {
    /// The request names several hosts, or something that is no host.
    HostInvalid,
    /// The body broke off, or its framing is wrong.
    BodyUnreadable,
    /// The body did not arrive before the deadline.
    BodyTimedOut,
    /// The body is longer than this many bytes.
    BodyTooLarge(usize),
    /// Path and query are longer than this many bytes.
    UriTooLong(usize),
    /// The header fields together are longer than this many bytes.
    HeadersTooLarge(usize),
    /// The service returned this error.
    Failed(BoxError),
    /// The service panicked at this location in the source.
    Panicked(String),
    /// The service did not answer before the deadline.
    TimedOut,
}

/// Marks a response whose request was not read to its end: its connection has to be drained before it is closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread;

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    message: &'a str,
    request_id: &'a str,
}

impl RuntimeError {
    /// Logs the details that the response leaves out.
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

    /// Returns the response to the client.
    pub(crate) fn response(&self, request_id: &str) -> Response<Bytes> {
        let (status, error) = self.code();
        let error_body = ErrorBody { error, message: &self.message(), request_id };
        // Three strings always serialise.
        let body = serde_json::to_vec(&error_body).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if status.is_server_error() {
            headers.insert(X_FC_STATUS, HeaderValue::from_static("404"));
        } else {
            // Bytes of a refused request may still be on the way, and where the next request begins is not known.
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
    fn a_response_says_what_happened_and_what_to_do() {
        let response = RuntimeError::BodyTooLarge(10).response("1-\"a");
        assert_eq!(response.status(), 413);
        assert_eq!(response.headers()[CONNECTION], "close");
        assert_eq!(
            response.body(),
            r#"{"error":"body_too_large","message":"The request body is longer than 10 bytes; send a shorter one.","request_id":"1-\"a"}"#
        );
    }

    #[test]
    fn only_the_functions_own_failures_are_marked_for_the_platform() {
        for error in [RuntimeError::Failed("disk".into()), RuntimeError::TimedOut] {
            let response = error.response("1-a");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(response.headers()[X_FC_STATUS], "404");
            assert!(!response.headers().contains_key(CONNECTION));
        }
        for error in
            [RuntimeError::BodyUnreadable, RuntimeError::UriTooLong(1), RuntimeError::HostInvalid]
        {
            assert!(!error.response("1-a").headers().contains_key(X_FC_STATUS));
        }
    }
}
