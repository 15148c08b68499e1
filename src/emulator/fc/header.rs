//! Which headers pass, which do not, and which are added, in either direction.
//!
//! Sources: the list in "Context and log format" and the dump of a real request to an HTTP
//! trigger, in which many of them are present and empty; the reserved names in "HTTP triggers
//! overview".

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::header::CONNECTION;
use http::header::CONTENT_DISPOSITION;
use http::header::DATE;
use http::header::EXPECT;
use http::header::SERVER;
use http::header::TE;
use http::header::TRAILER;
use http::header::TRANSFER_ENCODING;
use http::header::UPGRADE;

use crate::emulator::fc::Options;

/// The prefix that Function Compute keeps for itself.
const RESERVED: &str = "x-fc-";

/// Concern one connection, of which there are two: the caller's and the function's.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers that are the same in every request to an ordinary function.
const FIXED: [(&str, &str); 18] = [
    ("x-fc-account-id", "1000000000000000"),
    ("x-fc-api-server-ip", ""),
    ("x-fc-client-ip", ""),
    ("x-fc-eagleeye-rpcid", ""),
    ("x-fc-eagleeye-traceid", ""),
    ("x-fc-eagleeye-userdata", ""),
    ("x-fc-function-handler", "index.handler"),
    ("x-fc-function-memory", "128"),
    ("x-fc-function-timeout", "60"),
    ("x-fc-qualifier", "LATEST"),
    ("x-fc-retry-count", "0"),
    ("x-fc-service-logproject", ""),
    ("x-fc-service-logstore", ""),
    ("x-fc-service-name", ""),
    ("x-fc-tracing-jaeger-endpoint", ""),
    ("x-fc-tracing-opentracing-span-baggages", ""),
    ("x-fc-tracing-opentracing-span-context", ""),
    ("x-fc-version-id", ""),
];

/// The headers that tell a function who it is and as whom it may act.
pub(crate) struct Platform {
    headers: HeaderMap,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Platform")
    }
}

impl Platform {
    pub(crate) fn new(options: Options) -> Self {
        let mut headers = HeaderMap::new();
        for (name, text) in FIXED {
            headers.insert(name, HeaderValue::from_static(text));
        }
        let (id, secret, token) = match options.keys {
            Some(keys) => (keys.access_key_id, keys.access_key_secret, keys.security_token),
            None => Default::default(),
        };
        headers.insert("x-fc-access-key-id", value(&id));
        headers.insert("x-fc-access-key-secret", value(&secret));
        headers.insert("x-fc-security-token", value(&token));
        headers.insert("x-fc-function-name", value(&options.function_name));
        headers.insert("x-fc-region", value(&options.region));
        Self { headers }
    }

    /// Adds the platform's headers to a request without any.
    pub(crate) fn sign(
        &self,
        headers: &mut HeaderMap,
        control_path: &str,
        path: &str,
        request_id: &str,
    ) {
        let own = self.headers.iter();
        headers.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        headers.insert("x-fc-control-path", value(control_path));
        headers.insert("x-fc-base-path", value(path));
        headers.insert("x-fc-request-id", value(request_id));
    }
}

/// Takes from a caller's request what must not reach the function.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip(headers);
    // The gateway has read the body, so nothing is left to wait for.
    headers.remove(EXPECT);
}

/// Takes from the function's answer what it cannot decide.
pub(crate) fn strip_answer(headers: &mut HeaderMap) {
    strip(headers);
    headers.remove(SERVER);
    headers.remove(DATE);
}

/// Adds to an answer what the gateway decides.
pub(crate) fn finish<B>(answer: &mut Response<B>, request_id: &str, default_domain: bool) {
    let headers = answer.headers_mut();
    headers.insert("x-fc-request-id", value(request_id));
    if default_domain {
        let attachment = HeaderValue::from_static("attachment");
        headers.insert(CONTENT_DISPOSITION, attachment);
    }
}

fn strip(headers: &mut HeaderMap) {
    let mut unwanted = HOP_BY_HOP.to_vec();
    for list in headers.get_all(CONNECTION) {
        // A connection header may name further fields that concern only this connection.
        let names = list.to_str().unwrap_or_default().split(',');
        unwanted.extend(names.filter_map(|name| name.trim().parse::<HeaderName>().ok()));
    }
    let reserved = |name: &&HeaderName| name.as_str().starts_with(RESERVED);
    unwanted.extend(headers.keys().filter(reserved).cloned());
    for name in unwanted {
        headers.remove(name);
    }
}

/// What no header can hold is sent as an empty one.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, text): &(&'static str, &'static str)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(text))
        };
        pairs.iter().map(pair).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn a_request_loses_reserved_and_connection_headers() {
        let mut headers = headers(&[
            ("x-fc-access-key-id", "forged"),
            ("x-fc-anything", "forged"),
            ("connection", "keep-alive, X-Private"),
            ("keep-alive", "timeout=5"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("expect", "100-continue"),
            ("accept-encoding", "gzip"),
        ]);
        strip_request(&mut headers);
        assert_eq!(names(&headers), ["accept-encoding"]);
    }

    #[test]
    fn an_answer_loses_what_the_gateway_decides() {
        let mut headers = headers(&[
            ("x-fc-status", "404"),
            ("server", "mine"),
            ("date", "today"),
            ("upgrade", "h2c"),
            ("content-type", "text/plain"),
        ]);
        strip_answer(&mut headers);
        assert_eq!(names(&headers), ["content-type"]);
    }

    #[test]
    fn a_function_without_a_role_gets_its_keys_empty() {
        let options = Options {
            upstream: ([127, 0, 0, 1], 9000).into(),
            keys: None,
            function_name: "signer".to_owned(),
            region: "cn-hangzhou".to_owned(),
            default_domain: false,
        };
        let mut headers = HeaderMap::new();
        Platform::new(options).sign(&mut headers, "/http-invoke", "/a", "1-a");
        assert_eq!(headers["x-fc-access-key-id"], "");
        assert_eq!(headers["x-fc-access-key-secret"], "");
        assert_eq!(headers["x-fc-security-token"], "");
        assert_eq!(headers["x-fc-base-path"], "/a");
    }
}
