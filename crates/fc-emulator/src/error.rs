//! The errors that the gateway returns in place of the function's response.
//!
//! The responses have the service's form, a code and a message; the header that names the kind of error
//! is from "Troubleshoot errors" of HTTP functions. The status of a timeout and of a failed health check
//! is not documented, nor is the code of the latter: here both count as errors of the function, with the
//! status of those.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// The header that names the kind of an error.
const ERROR_TYPE: &str = "x-fc-error-type";

/// A reason why the gateway does not pass a request or a response on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayError {
    /// The headers of the request are too large together.
    RequestHeaders,
    /// The path and query of the request are too long.
    RequestPath,
    /// The body of the request is too large.
    RequestBody,
    /// The body is too large for an asynchronous request.
    AsyncRequestBody,
    /// The caller closed its connection before the body was complete.
    IncompleteRequest,
    /// The request is for this name, which is not one of this machine.
    ForeignHost(String),
    /// Every instance is busy, and no other may be started.
    ResourceExhausted,
    /// An instance did not start.
    Start {
        /// The platform's code for it.
        code: &'static str,
        /// What happened and what to do.
        message: String,
    },
    /// The initializer hook failed, as the message says.
    Initialization(String),
    /// An instance failed its first health check, or all instances are unhealthy; the message says which.
    HealthCheck(String),
    /// The function's port refuses connections.
    ConnectionRefused,
    /// The function closed its connection without a response.
    ConnectionLost,
    /// The function took longer than its timeout.
    Timeout(Duration),
    /// The headers of the response are too large together.
    ResponseHeaders,
}

impl GatewayError {
    /// Returns the status that the caller gets.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::RequestHeaders
            | Self::RequestPath
            | Self::RequestBody
            | Self::AsyncRequestBody
            | Self::IncompleteRequest => StatusCode::BAD_REQUEST,
            Self::ForeignHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            // The platform answers 200 here; the header and the body report the error.
            Self::Initialization(_) => StatusCode::OK,
            Self::Start { .. }
            | Self::HealthCheck(_)
            | Self::ConnectionRefused
            | Self::ConnectionLost
            | Self::Timeout(_)
            | Self::ResponseHeaders => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns the platform's code, such as `ResourceExhausted`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::RequestHeaders
            | Self::RequestPath
            | Self::RequestBody
            | Self::IncompleteRequest => "InvalidArgument",
            Self::AsyncRequestBody => "EntityTooLarge",
            Self::ForeignHost(_) => "MisdirectedRequest",
            Self::ResourceExhausted => "ResourceExhausted",
            Self::Start { code, .. } => code,
            Self::Initialization(_) => "InitializationError",
            Self::HealthCheck(_) => "HealthCheckFailed",
            Self::ConnectionRefused => "FunctionNotStarted",
            Self::ConnectionLost => "CAExited",
            Self::Timeout(_) => "FunctionTimeout",
            Self::ResponseHeaders => "BadResponse",
        }
    }

    /// Returns the sentence that the caller gets.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::RequestHeaders => "the request headers exceed 8 KB",
            Self::RequestPath => "the request path and query exceed 4 KB",
            Self::RequestBody => "the request body exceeds 32 MB",
            Self::AsyncRequestBody => "the body of an asynchronous request exceeds 128 KB",
            Self::IncompleteRequest => "the request body is incomplete",
            Self::ForeignHost(name) => {
                return Cow::Owned(format!(
                    "the request is for {name:?}, which is not a name of this machine; call \
                     localhost or 127.0.0.1, or give the name with --allow-host"
                ));
            }
            Self::ResourceExhausted => "every instance that there may be is busy",
            Self::Start { message, .. }
            | Self::Initialization(message)
            | Self::HealthCheck(message) => message,
            Self::ConnectionRefused => "the function's port refuses to connect",
            Self::ConnectionLost => "Process exited unexpectedly before completing request",
            Self::Timeout(limit) => {
                return Cow::Owned(format!("Function time out after {} s", limit.as_secs_f32()));
            }
            Self::ResponseHeaders => "the response headers exceed 8 KB",
        })
    }

    /// Returns the response that the caller gets.
    pub(crate) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = match self {
            Self::Initialization(message) => {
                json_response(self.status(), &json!({ "errorMessage": message }))
            }
            _ => error_response(self.status(), self.code(), &self.message()),
        };
        response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(self.error_type()));
        response
    }

    /// Returns whether the caller or the function caused the error, in the platform's words.
    fn error_type(&self) -> &'static str {
        match self {
            Self::RequestHeaders
            | Self::RequestPath
            | Self::RequestBody
            | Self::AsyncRequestBody
            | Self::IncompleteRequest
            | Self::ForeignHost(_)
            | Self::ResourceExhausted => "FcCommonError",
            Self::Initialization(_) => "InitializationError",
            Self::Start { .. }
            | Self::HealthCheck(_)
            | Self::ConnectionRefused
            | Self::ConnectionLost
            | Self::Timeout(_)
            | Self::ResponseHeaders => "UnhandledInvocationError",
        }
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code(), self.message())
    }
}

impl std::error::Error for GatewayError {}

/// Builds an error response in the service's form.
pub(crate) fn error_response(
    status: StatusCode,
    code: &str,
    message: &str,
) -> Response<Full<Bytes>> {
    json_response(status, &json!({ "ErrorCode": code, "ErrorMessage": message }))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
