//! The headers that the platform adds and removes, in both directions, and its request ids.
//!
//! Sources: the list in "Context and log format"; a capture of a real request to an HTTP trigger, in which
//! many of the headers are present and empty; the reserved names in "HTTP triggers overview".

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::{
    CONNECTION, CONTENT_DISPOSITION, DATE, EXPECT, SERVER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use crate::config::{ACCOUNT, Function, HANDLER, RoleCredentials};

/// The prefix of headers that only the platform sets.
const RESERVED: &str = "x-fc-";

/// Headers of one connection. There are two of them: the caller's and the function's.
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

/// Headers that are the same in every request.
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

/// Headers whose values depend on the function.
const OF_FUNCTION: [&str; 4] =
    ["x-fc-function-name", "x-fc-region", "x-fc-function-memory", "x-fc-function-timeout"];

/// Headers with the credentials of the role.
const CREDENTIALS: [&str; 3] =
    ["x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token"];

/// Headers whose values differ between requests.
const OF_REQUEST: [&str; 4] =
    ["x-fc-control-path", "x-fc-base-path", "x-fc-request-id", "x-fc-retry-count"];

/// Returns the names of all headers that the platform adds to a request.
pub fn platform_header_names() -> impl Iterator<Item = &'static str> {
    let fixed = FIXED.iter().map(|(name, _)| *name);
    fixed.chain(OF_FUNCTION).chain(CREDENTIALS).chain(OF_REQUEST)
}

/// The header by which a caller asks for an asynchronous invocation.
const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-fc-invocation-type");

/// The headers that the platform adds to every request to a function: what the function is, and the
/// credentials of its role.
pub(crate) struct PlatformHeaders {
    headers: Mutex<HeaderMap>,
    request_count: AtomicU32,
}

/// The credentials are among the headers, so nothing of them is printed.
impl fmt::Debug for PlatformHeaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PlatformHeaders")
    }
}

/// The headers that differ between requests.
pub(crate) struct Invocation<'a> {
    /// The kind of the request: `/http-invoke`, `/invoke` or the path of a hook.
    pub(crate) control_path: &'a str,
    pub(crate) path: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) retry_count: u32,
}

impl PlatformHeaders {
    pub(crate) fn new(function: &Function, credentials: Option<&RoleCredentials>) -> Self {
        let mut headers = HeaderMap::new();
        for (name, text) in FIXED {
            headers.insert(name, HeaderValue::from_static(text));
        }
        let values = [
            value(&function.name),
            value(&function.region),
            function.memory.into(),
            function.timeout.as_secs().into(),
        ];
        headers.extend(OF_FUNCTION.map(HeaderName::from_static).into_iter().zip(values));
        let platform = Self { headers: Mutex::new(headers), request_count: AtomicU32::new(0) };
        platform.set_credentials(credentials);
        platform
    }

    /// Replaces the credentials of later requests. Without credentials the three headers are empty.
    pub(crate) fn set_credentials(&self, credentials: Option<&RoleCredentials>) {
        let texts = credentials.map(|credentials| {
            let RoleCredentials { access_key_id, access_key_secret, security_token } = credentials;
            [access_key_id, access_key_secret, security_token].map(String::as_str)
        });
        let values = texts.unwrap_or_default().map(value);
        let mut headers = self.lock();
        for (name, value) in CREDENTIALS.into_iter().zip(values) {
            headers.insert(name, value);
        }
    }

    /// Adds the platform's headers to a request that has none of them.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, invocation: &Invocation<'_>) {
        headers.extend(self.lock().iter().map(|(name, value)| (name.clone(), value.clone())));
        let values = [
            value(invocation.control_path),
            value(invocation.path),
            value(invocation.request_id),
            invocation.retry_count.into(),
        ];
        for (name, value) in OF_REQUEST.into_iter().zip(values) {
            headers.insert(name, value);
        }
    }

    /// Returns a new request id of the platform's form, such as `1-67a59f35-150c1267-f381ba1c085c`. It is
    /// unique, not secret: no randomness is needed, and the same run has the same ids.
    pub(crate) fn next_request_id(&self) -> String {
        let count = self.request_count.fetch_add(1, Ordering::Relaxed);
        let (middle, end) = (scatter(count.into()), scatter(!u64::from(count)));
        // The first part of real ids grows with time, and so does the count.
        format!("1-{count:08x}-{:08x}-{:012x}", middle >> 32, end >> 16)
    }

    fn lock(&self) -> MutexGuard<'_, HeaderMap> {
        // No change can panic half way, so the headers under a poisoned lock are still good.
        self.headers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spreads neighbouring numbers over all bits, so that ids look as different as real ones. Two rounds of
/// a multiplication by an odd constant, each folded onto its low half.
fn scatter(number: u64) -> u64 {
    let round = |number: u64| {
        let product = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ (product >> 32)
    };
    round(round(number))
}

/// Returns whether the caller asked for an asynchronous invocation.
pub(crate) fn is_async(headers: &HeaderMap) -> bool {
    headers.get(INVOCATION_TYPE).is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"async"))
}

/// Returns whether the function reports an error of its own by `x-fc-status`.
pub(crate) fn reports_failure(headers: &HeaderMap) -> bool {
    headers.get("x-fc-status").is_some_and(|status| status != "200")
}

/// Removes the headers of a caller's request that the function must not get.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip(headers);
    // The gateway has read the body, so the function has nothing to wait for.
    headers.remove(EXPECT);
}

/// Removes the headers of the function's response that the platform decides, and returns their names.
pub(crate) fn strip_response(headers: &mut HeaderMap) -> Vec<HeaderName> {
    let mut removed = strip(headers);
    for name in [SERVER, DATE] {
        if headers.remove(&name).is_some() {
            removed.push(name);
        }
    }
    removed
}

/// Adds the headers of a response that the platform decides.
pub(crate) fn complete_response<B>(
    response: &mut Response<B>,
    request_id: &str,
    default_domain: bool,
) {
    let headers = response.headers_mut();
    headers.insert("x-fc-request-id", value(request_id));
    if default_domain {
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
}

fn strip(headers: &mut HeaderMap) -> Vec<HeaderName> {
    let mut unwanted = HOP_BY_HOP.to_vec();
    for list in headers.get_all(CONNECTION) {
        // A connection header may name further headers of this connection.
        let names = list.to_str().unwrap_or_default().split(',');
        unwanted.extend(names.filter_map(|name| name.trim().parse::<HeaderName>().ok()));
    }
    let reserved = |name: &&HeaderName| name.as_str().starts_with(RESERVED);
    unwanted.extend(headers.keys().filter(reserved).cloned());
    unwanted.retain(|name| headers.remove(name).is_some());
    unwanted
}

/// Converts a text to a header's value. A text that no header can hold gives an empty value.
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
    fn a_response_loses_the_headers_that_the_gateway_decides() {
        let mut headers = headers(&[
            ("x-fc-status", "404"),
            ("server", "mine"),
            ("date", "today"),
            ("upgrade", "h2c"),
            ("content-type", "text/plain"),
        ]);
        let mut removed = strip_response(&mut headers);
        removed.sort_by_key(ToString::to_string);
        assert_eq!(removed, ["date", "server", "upgrade", "x-fc-status"]);
        assert_eq!(names(&headers), ["content-type"]);
    }

    #[test]
    fn a_function_without_a_role_gets_empty_credentials() {
        let mut headers = HeaderMap::new();
        let invocation = Invocation {
            control_path: "/http-invoke",
            path: "/a",
            request_id: "1-a",
            retry_count: 2,
        };
        let function = Function::new("signer", "cn-hangzhou");
        PlatformHeaders::new(&function, None).apply(&mut headers, &invocation);
        let mut expected: Vec<_> = platform_header_names().collect();
        let mut added = names(&headers);
        expected.sort_unstable();
        added.sort_unstable();
        assert_eq!(added, expected);
        assert_eq!(headers["x-fc-access-key-id"], "");
        assert_eq!(headers["x-fc-access-key-secret"], "");
        assert_eq!(headers["x-fc-security-token"], "");
        assert_eq!(headers["x-fc-base-path"], "/a");
        assert_eq!(headers["x-fc-retry-count"], "2");
    }

    #[test]
    fn request_ids_have_the_real_form_and_differ() {
        let platform = PlatformHeaders::new(&Function::new("signer", "cn-hangzhou"), None);
        let (one, two) = (platform.next_request_id(), platform.next_request_id());
        assert_ne!(one, two);
        for id in [one, two] {
            let lengths: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [1, 8, 8, 12], "{id}");
        }
    }
}
