//! Refuses requests whose head is too large, or does not name one host.
//!
//! The platform's own limits are 8 KiB of headers and 4 KiB of path and query; ours are wider, to
//! leave room for what the platform adds. hyper stops earlier only at heads that are several times
//! larger still, or at more than a hundred fields.

use std::task;
use std::task::Poll;

use http::{HeaderMap, Request, Uri};
use tower::Service;

use crate::fault::Fault;
use crate::layers::{Pending, host};

/// The longest path and query: twice what the platform lets through.
const MAX_URI: usize = 8 * 1024;

/// The colon, the space and the line end around a field's name and value.
const FIELD_FRAME: usize = 4;

/// Refuses heads that are too large or name several hosts.
#[derive(Clone)]
pub(crate) struct Limits<S> {
    inner: S,
    max_header_bytes: usize,
}

impl<S> Limits<S> {
    pub(crate) fn new(inner: S, max_header_bytes: usize) -> Self {
        Self { inner, max_header_bytes }
    }

    fn check<I>(&self, request: &Request<I>) -> Result<(), Fault> {
        if uri_bytes(request.uri()) > MAX_URI {
            return Err(Fault::UriTooLong(MAX_URI));
        }
        if header_bytes(request.headers()) > self.max_header_bytes {
            return Err(Fault::HeadersTooLarge(self.max_header_bytes));
        }
        host::check(request)
    }
}

impl<S, I> Service<Request<I>> for Limits<S>
where
    S: Service<Request<I>, Error = Fault>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Fault;
    type Future = Pending<S::Response, Fault>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        let verdict = self.check(&request);
        let answer = self.inner.call(request);
        Box::pin(async move {
            verdict?;
            answer.await
        })
    }
}

fn uri_bytes(uri: &Uri) -> usize {
    uri.path_and_query().map_or(0, |text| text.as_str().len())
}

fn header_bytes(headers: &HeaderMap) -> usize {
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + FIELD_FRAME
    };
    headers.iter().map(field).sum()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn verdict(uri: &str, value: &str) -> Result<(), Fault> {
        let mut request = Request::new(());
        *request.uri_mut() = uri.parse().unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert("a", value);
        Limits::new((), 100).check(&request)
    }

    #[test]
    fn a_head_may_be_exactly_as_large_as_the_limit() {
        assert!(verdict("/", &"v".repeat(95)).is_ok());
        let refused = verdict("/", &"v".repeat(96));
        assert!(matches!(refused, Err(Fault::HeadersTooLarge(100))));
    }

    #[test]
    fn path_and_query_are_measured_together() {
        let query = "q".repeat(MAX_URI - 2);
        assert!(verdict(&format!("/?{query}"), "").is_ok());
        let refused = verdict(&format!("/?{query}q"), "");
        assert!(matches!(refused, Err(Fault::UriTooLong(MAX_URI))));
    }
}
