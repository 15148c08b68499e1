//! The requests that a rehearsal sends, and what comes back.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::uri::PathAndQuery;
use http_body_util::Full;

use fc_emulator::Passed;

/// A request as it is written on the command line: `GET /health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: PathAndQuery,
}

impl Ask {
    /// Asks for a path that is known to be one.
    pub(super) fn get(path: &'static str) -> Self {
        Self { method: Method::GET, path: PathAndQuery::from_static(path) }
    }

    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        self.with(HeaderMap::new(), Bytes::new())
    }

    pub(super) fn with(&self, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.path.clone());
        *request.headers_mut() = headers;
        let host = HeaderValue::from_static("rehearsal.cn-hangzhou.fcapp.run");
        request.headers_mut().insert(HeaderName::from_static("host"), host);
        request
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path.path())
    }
}

impl FromStr for Ask {
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

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What the gateway saw of it; none if the gateway itself answered.
    pub(super) passed: Option<Passed>,
    pub(super) took: Duration,
}

impl Reply {
    /// Tells whether the function answered, and not with a failure of its own.
    pub(super) fn is_answer(&self) -> bool {
        self.passed.is_some() && self.status < 500
    }

    pub(super) fn says(&self, text: &str) -> bool {
        memchr::memmem::find(&self.body, text.as_bytes()).is_some()
    }

    /// Gives the gateway's own word and sentence, if it was the one that answered.
    pub(super) fn refusal(&self) -> Option<(String, String)> {
        if self.passed.is_some() {
            return None;
        }
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Some((text("ErrorCode")?, text("ErrorMessage")?))
    }

    /// Says in words who answered what.
    pub(super) fn words(&self) -> String {
        match self.refusal() {
            Some((code, sentence)) => format!("the caller gets {} {code}: {sentence}", self.status),
            None => format!("the function answered {}", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_method_and_path() {
        let ask: Ask = "POST /a?b=c".parse().unwrap();
        assert_eq!((ask.method.as_str(), ask.path.as_str()), ("POST", "/a?b=c"));
        assert_eq!(ask.to_string(), "POST /a");
        for text in ["", "/a", "GET", "GET a", "G T /a"] {
            text.parse::<Ask>().unwrap_err();
        }
    }
}
