//! The requests that a rehearsal sends, and the responses to them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

use crate::gateway::ForwardReport;

/// A request of a rehearsal, parsed from a text such as `GET /health`. `Display` leaves the query out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRequest {
    pub(super) method: Method,
    pub(super) path: PathAndQuery,
}

impl TestRequest {
    /// A GET of this path.
    ///
    /// # Panics
    ///
    /// If the text is not a path.
    #[must_use]
    pub fn get(path: &'static str) -> Self {
        Self { method: Method::GET, path: PathAndQuery::from_static(path) }
    }

    pub(super) fn build(&self) -> Request<Full<Bytes>> {
        self.build_with(HeaderMap::new(), Bytes::new())
    }

    pub(super) fn build_with(&self, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.path.clone());
        *request.headers_mut() = headers;
        let host = HeaderValue::from_static("rehearsal.cn-hangzhou.fcapp.run");
        request.headers_mut().insert(HOST, host);
        request
    }
}

impl fmt::Display for TestRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path.path())
    }
}

impl FromStr for TestRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (method, path) = text.split_once(' ')?;
            let path = path.trim();
            let path = path.starts_with('/').then(|| path.parse().ok())??;
            Some(Self { method: method.parse().ok()?, path })
        };
        parse().ok_or_else(|| "write a method and a path, such as 'GET /health'".to_owned())
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(super) struct TestResponse {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What the gateway saw; `None` if the gateway itself responded, or the body was cut off.
    pub(super) report: Option<ForwardReport>,
    pub(super) duration: Duration,
}

impl TestResponse {
    /// Returns whether the function responded, and not with a server error.
    pub(super) fn is_from_function(&self) -> bool {
        self.report.is_some() && self.status < 500
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        memchr::memmem::find(&self.body, text.as_bytes()).is_some()
    }

    /// Returns the code and the message of the gateway, if the gateway responded.
    pub(super) fn gateway_error(&self) -> Option<(String, String)> {
        if self.report.is_some() {
            return None;
        }
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Some((text("ErrorCode")?, text("ErrorMessage")?))
    }

    /// Says in words who responded, and how.
    pub(super) fn describe(&self) -> String {
        match self.gateway_error() {
            Some((code, message)) => format!("the caller gets {} {code}: {message}", self.status),
            None => format!("the function answered {}", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_method_and_path() {
        let request: TestRequest = "POST /a?b=c".parse().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a?b=c"));
        assert_eq!(request.to_string(), "POST /a");
        for text in ["", "/a", "GET", "GET a", "G T /a"] {
            text.parse::<TestRequest>().unwrap_err();
        }
    }
}
