//! Which headers pass, which do not, and which are added, in either direction.
//!
//! Sources: the list in "Context and log format" and the dump of a real request to an HTTP
//! trigger, in which many of them are present and empty; the reserved names in "HTTP triggers
//! overview".

use std::fmt;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

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

use crate::function::ACCOUNT;
use crate::function::Function;
use crate::function::HANDLER;
use crate::function::Keys;

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
const FIXED: [(&str, &str); 15] = [
    ("x-fc-account-id", ACCOUNT),
    ("x-fc-api-server-ip", ""),
    ("x-fc-client-ip", ""),
    ("x-fc-eagleeye-rpcid", ""),
    ("x-fc-eagleeye-traceid", ""),
    ("x-fc-eagleeye-userdata", ""),
    ("x-fc-function-handler", HANDLER),
    ("x-fc-qualifier", "LATEST"),
    ("x-fc-service-logproject", ""),
    ("x-fc-service-logstore", ""),
    ("x-fc-service-name", ""),
    ("x-fc-tracing-jaeger-endpoint", ""),
    ("x-fc-tracing-opentracing-span-baggages", ""),
    ("x-fc-tracing-opentracing-span-context", ""),
    ("x-fc-version-id", ""),
];

/// The header by which a caller asks not to wait for the function.
const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-fc-invocation-type");

/// The headers that tell a function who it is and as whom it may act.
pub(crate) struct Platform {
    headers: Mutex<HeaderMap>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Platform")
    }
}

/// What differs from one call to the next.
pub(crate) struct Call<'a> {
    pub(crate) control_path: &'a str,
    pub(crate) path: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) retry_count: u32,
}

impl Platform {
    pub(crate) fn new(function: &Function, keys: Option<&Keys>) -> Self {
        let mut headers = HeaderMap::new();
        for (name, text) in FIXED {
            headers.insert(name, HeaderValue::from_static(text));
        }
        headers.insert("x-fc-function-name", value(&function.name));
        headers.insert("x-fc-region", value(&function.region));
        headers.insert("x-fc-function-memory", function.memory.into());
        headers.insert("x-fc-function-timeout", function.timeout.as_secs().into());
        let platform = Self { headers: Mutex::new(headers) };
        platform.bring(keys);
        platform
    }

    /// Brings these keys from now on. Without any the three headers are empty.
    pub(crate) fn bring(&self, keys: Option<&Keys>) {
        let keys = keys.map(|keys| {
            [&keys.access_key_id, &keys.access_key_secret, &keys.security_token].map(String::as_str)
        });
        let [id, secret, token] = keys.unwrap_or_default();
        let mut headers = self.lock();
        headers.insert("x-fc-access-key-id", value(id));
        headers.insert("x-fc-access-key-secret", value(secret));
        headers.insert("x-fc-security-token", value(token));
    }

    /// Adds the platform's headers to a request without any.
    pub(crate) fn sign(&self, headers: &mut HeaderMap, call: &Call<'_>) {
        headers.extend(self.lock().iter().map(|(name, value)| (name.clone(), value.clone())));
        headers.insert("x-fc-control-path", value(call.control_path));
        headers.insert("x-fc-base-path", value(call.path));
        headers.insert("x-fc-request-id", value(call.request_id));
        headers.insert("x-fc-retry-count", call.retry_count.into());
    }

    fn lock(&self) -> MutexGuard<'_, HeaderMap> {
        // No change can panic half way, so a poisoned lock is still good.
        self.headers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether the caller does not want to wait.
pub(crate) fn is_async(headers: &HeaderMap) -> bool {
    headers.get(INVOCATION_TYPE).is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"async"))
}

/// Tells whether the function says of itself that it failed.
pub(crate) fn says_failed(headers: &HeaderMap) -> bool {
    headers.get("x-fc-status").is_some_and(|status| status != "200")
}

/// Takes from a caller's request what must not reach the function.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip(headers);
    // The gateway has read the body, so nothing is left to wait for.
    headers.remove(EXPECT);
}

/// Takes from the function's answer what it cannot decide, and gives the names of what it took.
pub(crate) fn strip_answer(headers: &mut HeaderMap) -> Vec<HeaderName> {
    let mut taken = strip(headers);
    for name in [SERVER, DATE] {
        if headers.remove(&name).is_some() {
            taken.push(name);
        }
    }
    taken
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

fn strip(headers: &mut HeaderMap) -> Vec<HeaderName> {
    let mut unwanted = HOP_BY_HOP.to_vec();
    for list in headers.get_all(CONNECTION) {
        // A connection header may name further fields that concern only this connection.
        let names = list.to_str().unwrap_or_default().split(',');
        unwanted.extend(names.filter_map(|name| name.trim().parse::<HeaderName>().ok()));
    }
    let reserved = |name: &&HeaderName| name.as_str().starts_with(RESERVED);
    unwanted.extend(headers.keys().filter(reserved).cloned());
    unwanted.retain(|name| headers.remove(name).is_some());
    unwanted
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
        let mut taken = strip_answer(&mut headers);
        taken.sort_by_key(ToString::to_string);
        assert_eq!(taken, ["date", "server", "upgrade", "x-fc-status"]);
        assert_eq!(names(&headers), ["content-type"]);
    }

    #[test]
    fn a_function_without_a_role_gets_its_keys_empty() {
        let mut headers = HeaderMap::new();
        let call =
            Call { control_path: "/http-invoke", path: "/a", request_id: "1-a", retry_count: 2 };
        let function = Function::new("signer", "cn-hangzhou");
        Platform::new(&function, None).sign(&mut headers, &call);
        assert_eq!(headers["x-fc-access-key-id"], "");
        assert_eq!(headers["x-fc-access-key-secret"], "");
        assert_eq!(headers["x-fc-security-token"], "");
        assert_eq!(headers["x-fc-base-path"], "/a");
        assert_eq!(headers["x-fc-retry-count"], "2");
    }
}
