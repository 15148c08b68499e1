//! A request to the function, and what the gateway made of it: the response, and what has arrived at the function.

use std::time::Duration;

use http::Method;
use serde::Deserialize;

use crate::http_client::{WebRequest, WebResponse};

/// The path at which the function shows what arrives.
const ECHO_PATH: &str = "/conformance/echo";

/// The domain of the platform, where functions have their default names.
const DEFAULT_DOMAIN: &str = ".fcapp.run";

/// The longest code that is kept.
const MAX_CODE: usize = 64;

/// The function that is measured.
pub(super) struct GatewayTarget {
    /// Scheme and host.
    pub(super) url: String,
    /// The host as requests name it.
    pub(super) host: String,
    /// The pause of slow requests and responses.
    pub(super) pause: Duration,
}

impl GatewayTarget {
    /// Returns `None` unless the text is a web address.
    pub(super) fn new(url: &str, pause: Duration) -> Option<Self> {
        let url = url.trim_end_matches('/');
        let (scheme, host) = url.split_once("://")?;
        let is_plain = !host.is_empty() && !host.contains(['/', '?', '#', '@']);
        let is_web = matches!(scheme, "http" | "https") && is_plain;
        is_web.then(|| Self { url: url.to_owned(), host: host.to_owned(), pause })
    }

    /// Returns whether callers use the domain of the platform.
    pub(super) fn is_default_domain(&self) -> bool {
        let name = self.host.split(':').next().unwrap_or_default();
        name.ends_with(DEFAULT_DOMAIN)
    }

    /// Returns the address of the echo with this end, which begins with `/` or `?`.
    pub(super) fn echo_url(&self, end: &str) -> String {
        format!("{}{ECHO_PATH}{end}", self.url)
    }

    /// Returns the path of the echo with this end.
    pub(super) fn echo_path(end: &str) -> String {
        format!("{ECHO_PATH}{end}")
    }

    pub(super) fn get(&self, end: &str) -> WebRequest {
        WebRequest::get(self.echo_url(end))
    }

    /// Returns a request with another method and no body.
    pub(super) fn request(&self, method: Method) -> WebRequest {
        WebRequest::with_body(method, self.echo_url(""), String::new())
    }

    pub(super) fn post(&self, body: String) -> WebRequest {
        WebRequest::post(self.echo_url(""), "text/plain", body)
    }
}

/// A response, and what the function has shown in it.
pub(super) struct GatewayExchange {
    pub(super) response: WebResponse,
    pub(super) echo: Option<EchoedRequest>,
}

/// What has arrived at the function.
#[derive(Debug, Deserialize)]
pub(super) struct EchoedRequest {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    headers: Vec<EchoedHeader>,
    pub(super) role_keys: bool,
    pub(super) body: EchoedBody,
}

#[derive(Debug, Deserialize)]
struct EchoedHeader {
    name: String,
    value: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(super) struct EchoedBody {
    pub(super) bytes: usize,
    pub(super) sha256: String,
}

impl EchoedRequest {
    /// Returns whether a header has arrived.
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.name == name)
    }

    /// Returns the value of a header, if the function shows it.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Returns the values of all headers of a name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().filter(move |header| header.name == name);
        headers.filter_map(|header| header.value.as_deref())
    }

    /// Returns the names of all headers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|header| header.name.as_str())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GatewayErrorJson {
    error_code: String,
}

impl GatewayExchange {
    pub(super) fn new(response: WebResponse) -> Self {
        let echo = response.json();
        Self { response, echo }
    }

    /// Describes a response that is not the function's, by its status and the code of the platform.
    pub(super) fn refusal(&self) -> String {
        let status = self.response.status.as_u16();
        let error: Option<GatewayErrorJson> = self.response.json();
        let is_code = |code: &String| {
            code.len() <= MAX_CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        match error.map(|error| error.error_code).filter(is_code) {
            Some(code) => format!("answered with {status} {code}"),
            None => format!("answered with {status}"),
        }
    }

    /// Returns whether the function itself has answered.
    pub(super) fn is_of_function(&self) -> bool {
        self.response.headers.contains_key("x-conformance-method")
    }

    /// Reads a fact from what has arrived. Where nothing has arrived, the response is the fact.
    pub(super) fn arrived(&self, read: impl FnOnce(&EchoedRequest) -> String) -> String {
        self.echo.as_ref().map_or_else(|| self.refusal(), read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_web_address_without_a_path() {
        let target = |url| GatewayTarget::new(url, Duration::ZERO);
        let found = target("https://a-b.cn-hangzhou.fcapp.run/").unwrap();
        assert!(found.is_default_domain());
        assert_eq!(found.echo_url("?a"), "https://a-b.cn-hangzhou.fcapp.run/conformance/echo?a");
        assert!(!target("http://127.0.0.1:8080").unwrap().is_default_domain());
        for url in ["", "signer.example", "ftp://a", "https://", "https://a/b", "https://u@a"] {
            assert!(target(url).is_none(), "{url}");
        }
    }
}
