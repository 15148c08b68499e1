//! What the gateway answers in the function's place.
//!
//! Limits from "Web functions" and "HTTP triggers overview": 8 KB of headers either way, 4 KB of
//! path and query, 32 MB of body; 128 KB of a request that nobody waits for. The answers have the
//! service's form, a code and a message; the header that names the kind of failure is from "Troubleshoot
//! errors" of HTTP functions. With which status a function's timeout or a failed health check is told is
//! documented nowhere, nor is the word for the latter: they count as the function's own failures, so
//! they have theirs.

use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::Full;
use serde_json::json;

const MAX_HEADERS: usize = 8 * 1024;
const MAX_PATH: usize = 4 * 1024;
const MAX_BODY: usize = 32 * 1024 * 1024;
const MAX_ASYNC_BODY: usize = 128 * 1024;

/// Names the kind of a failure.
const ERROR_TYPE: &str = "x-fc-error-type";

/// The kind of failures that are not the function's.
const REQUEST_ERROR: &str = "FcCommonError";

/// How much of a refused body is still read, so that the caller has sent it before it is
/// answered: not every client looks for an answer while it sends.
const MAX_DRAIN: usize = 8 * MAX_BODY;

/// A reason not to pass a request or an answer on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request's fields are too large together.
    Headers,
    /// The request's path and query are too long.
    Path,
    /// The request's body is too large.
    Body,
    /// The body is too large for a request that nobody waits for.
    AsyncBody,
    /// The caller broke off while it sent.
    Broken,
    /// Every instance that there may be is busy.
    Exhausted,
    /// No instance could be started.
    Start {
        /// The platform's word for it.
        code: &'static str,
        /// What happened and what to do.
        sentence: String,
    },
    /// The initializer failed.
    Initialization(String),
    /// An instance failed its first health check, or no instance passes its check any more.
    HealthCheck(String),
    /// Nothing listens at the function's port.
    NotStarted,
    /// The function closed its connection instead of answering.
    Exited,
    /// The function took longer than it may.
    Timeout(Duration),
    /// The answer's fields are too large together.
    Answer,
}

impl Refusal {
    pub(crate) fn answer(&self) -> Response<Full<Bytes>> {
        let (status, code, message) = self.words();
        let body = match self {
            Self::Initialization(message) => json!({ "errorMessage": message }),
            _ => json!({ "ErrorCode": code, "ErrorMessage": message }),
        };
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        let kind = HeaderValue::from_static(self.kind());
        response.headers_mut().insert(ERROR_TYPE, kind);
        response
    }

    /// Gives the platform's word for it, and a sentence.
    pub(crate) fn words(&self) -> (StatusCode, &'static str, Cow<'static, str>) {
        let invalid = |message: &'static str| {
            (StatusCode::BAD_REQUEST, "InvalidArgument", Cow::Borrowed(message))
        };
        let failed =
            |code, message: &'static str| (StatusCode::BAD_GATEWAY, code, Cow::Borrowed(message));
        match self {
            Self::Headers => invalid("the request headers exceed 8 KB"),
            Self::Path => invalid("the request path and query exceed 4 KB"),
            Self::Body => invalid("the request body exceeds 32 MB"),
            Self::Broken => invalid("the request body is incomplete"),
            Self::AsyncBody => (
                StatusCode::BAD_REQUEST,
                "EntityTooLarge",
                Cow::Borrowed("the body of an asynchronous request exceeds 128 KB"),
            ),
            Self::Exhausted => (
                StatusCode::TOO_MANY_REQUESTS,
                "ResourceExhausted",
                Cow::Borrowed("every instance that there may be is busy"),
            ),
            Self::Start { code, sentence } => {
                (StatusCode::BAD_GATEWAY, code, Cow::Owned(sentence.clone()))
            }
            // The platform answers so, and says what happened in the header and the body.
            Self::Initialization(sentence) => {
                (StatusCode::OK, "InitializationError", Cow::Owned(sentence.clone()))
            }
            Self::HealthCheck(sentence) => {
                (StatusCode::BAD_GATEWAY, "HealthCheckFailed", Cow::Owned(sentence.clone()))
            }
            Self::NotStarted => {
                failed("FunctionNotStarted", "the function's port refuses to connect")
            }
            Self::Exited => {
                failed("CAExited", "Process exited unexpectedly before completing request")
            }
            Self::Timeout(limit) => {
                let message = format!("Function time out after {} s", limit.as_secs_f32());
                (StatusCode::BAD_GATEWAY, "FunctionTimeout", Cow::Owned(message))
            }
            Self::Answer => failed("BadResponse", "the response headers exceed 8 KB"),
        }
    }

    /// Whose fault it is, in the platform's words.
    fn kind(&self) -> &'static str {
        match self {
            Self::Headers
            | Self::Path
            | Self::Body
            | Self::AsyncBody
            | Self::Broken
            | Self::Exhausted => REQUEST_ERROR,
            Self::Initialization(_) => "InitializationError",
            Self::Start { .. }
            | Self::HealthCheck(_)
            | Self::NotStarted
            | Self::Exited
            | Self::Timeout(_)
            | Self::Answer => "UnhandledInvocationError",
        }
    }
}

/// Refuses a head that is too large.
pub(crate) fn check_head<B>(request: &Request<B>) -> Result<(), Refusal> {
    if header_bytes(request.headers()) > MAX_HEADERS {
        return Err(Refusal::Headers);
    }
    let path = request.uri().path_and_query();
    if path.is_some_and(|path| path.as_str().len() > MAX_PATH) {
        return Err(Refusal::Path);
    }
    Ok(())
}

/// Refuses a body that is too large where nobody waits.
pub(crate) fn check_async(body: &Bytes) -> Result<(), Refusal> {
    if body.len() > MAX_ASYNC_BODY { Err(Refusal::AsyncBody) } else { Ok(()) }
}

/// Refuses an answer whose head is too large, and gives the size of one that is not.
pub(crate) fn check_answer(headers: &HeaderMap) -> Result<usize, Refusal> {
    let bytes = header_bytes(headers);
    if bytes > MAX_HEADERS { Err(Refusal::Answer) } else { Ok(bytes) }
}

/// Reads a body, and refuses one that is too large once it is over.
pub(crate) async fn read_body<B>(body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else {
            continue;
        };
        length += data.len();
        if length > MAX_DRAIN {
            break;
        }
        if length <= MAX_BODY {
            whole.extend_from_slice(&data);
        }
    }
    if length > MAX_BODY {
        return Err(Refusal::Body);
    }
    Ok(whole.freeze())
}

fn header_bytes(headers: &HeaderMap) -> usize {
    let field = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    headers.iter().map(field).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_may_be_exactly_as_large_as_its_limits() {
        let check = |path: usize, value: usize| {
            let mut request = Request::new(());
            *request.uri_mut() = format!("/{}", "p".repeat(path - 1)).parse().unwrap();
            let value = HeaderValue::from_str(&"v".repeat(value - 1)).unwrap();
            request.headers_mut().insert("a", value);
            check_head(&request)
        };
        assert_eq!(check(MAX_PATH, MAX_HEADERS), Ok(()));
        assert_eq!(check(MAX_PATH + 1, MAX_HEADERS), Err(Refusal::Path));
        assert_eq!(check(MAX_PATH, MAX_HEADERS + 1), Err(Refusal::Headers));
    }

    #[tokio::test]
    async fn a_body_may_be_exactly_as_large_as_its_limit() {
        let read = async |length: usize| read_body(Full::<Bytes>::from(vec![0; length])).await;
        assert_eq!(read(MAX_BODY).await.unwrap().len(), MAX_BODY);
        assert_eq!(read(MAX_BODY + 1).await, Err(Refusal::Body));
    }
}
