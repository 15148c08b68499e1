//! A request as the gateway receives it, with the platform's limits.
//!
//! From "Web functions" and "HTTP triggers overview": 8 KB of headers, 4 KB of path and query, 32 MB of
//! body, 128 KB of body for an asynchronous request. Responses have at most 8 KB of headers too.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::Body;
use http_body_util::{BodyExt, Full};

use crate::error::GatewayError;
use crate::headers::{self, Invocation, PlatformHeaders};

const MAX_HEADERS: usize = 8 * 1024;
const MAX_PATH: usize = 4 * 1024;
const MAX_BODY: usize = 32 * 1024 * 1024;
const MAX_ASYNC_BODY: usize = 128 * 1024;

/// How much of a body over the limit is still read, so that the caller has sent it before it gets the
/// response: not every client reads while it sends.
const MAX_DRAIN: usize = 8 * MAX_BODY;

/// A request to the HTTP trigger, complete and without reserved headers. The whole body is kept, because
/// a request may be sent again after a lost connection.
#[derive(Debug)]
pub(super) struct ReceivedRequest {
    head: Parts,
    body: Bytes,
    /// Whether the caller asked not to wait for the function.
    pub(super) is_async: bool,
}

impl ReceivedRequest {
    /// Reads a request, and fails if a limit is exceeded.
    pub(super) async fn read<B>(request: Request<B>) -> Result<Self, GatewayError>
    where
        B: Body<Data = Bytes>,
    {
        check_head(&request)?;
        let (mut head, body) = request.into_parts();
        let body = read_body(body).await?;
        let is_async = headers::is_async(&head.headers);
        if is_async && body.len() > MAX_ASYNC_BODY {
            return Err(GatewayError::AsyncRequestBody);
        }
        headers::strip_request(&mut head.headers);
        Ok(Self { head, body, is_async })
    }

    /// Builds the request that the function gets.
    pub(super) fn to_function(
        &self,
        headers: &PlatformHeaders,
        request_id: &str,
        retry_count: u32,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        *request.headers_mut() = self.head.headers.clone();
        let path = self.head.uri.path();
        let invocation = Invocation { control_path: "/http-invoke", path, request_id, retry_count };
        headers.apply(request.headers_mut(), &invocation);
        request
    }
}

fn check_head<B>(request: &Request<B>) -> Result<(), GatewayError> {
    if header_bytes(request.headers()) > MAX_HEADERS {
        return Err(GatewayError::RequestHeaders);
    }
    let path = request.uri().path_and_query();
    if path.is_some_and(|path| path.as_str().len() > MAX_PATH) {
        return Err(GatewayError::RequestPath);
    }
    Ok(())
}

/// Returns the size of a response's headers, or an error if they are over the limit.
pub(super) fn check_response(headers: &HeaderMap) -> Result<usize, GatewayError> {
    let bytes = header_bytes(headers);
    if bytes > MAX_HEADERS { Err(GatewayError::ResponseHeaders) } else { Ok(bytes) }
}

/// Reads a body to its end, also one that is over the limit.
async fn read_body<B>(body: B) -> Result<Bytes, GatewayError>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| GatewayError::IncompleteRequest)?.into_data() else {
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
        return Err(GatewayError::RequestBody);
    }
    Ok(whole.freeze())
}

/// Adds up names and values, without separators.
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
        assert_eq!(check(MAX_PATH + 1, MAX_HEADERS), Err(GatewayError::RequestPath));
        assert_eq!(check(MAX_PATH, MAX_HEADERS + 1), Err(GatewayError::RequestHeaders));
    }

    #[tokio::test]
    async fn a_body_may_be_exactly_as_large_as_its_limit() {
        let read = async |length: usize| read_body(Full::<Bytes>::from(vec![0; length])).await;
        assert_eq!(read(MAX_BODY).await.unwrap().len(), MAX_BODY);
        assert_eq!(read(MAX_BODY + 1).await, Err(GatewayError::RequestBody));
    }
}
