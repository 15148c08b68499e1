//! How a probe of the gateway reduces what it sees to fixed words, in which only names of headers, a status and a code
//! of the platform can differ. No fact has a value of a header or a text that the service wrote.

use crate::conformance::gateway::exchange::{
    EchoedBody, EchoedRequest, GatewayExchange, GatewayTarget,
};
use fc_emulator::platform_header_names;
use oss_upload_signer::crypto;

pub(super) const AS_SENT: &str = "arrives as it was sent";
pub(super) const CHANGED: &str = "changed";
pub(super) const REMOVED: &str = "removed";
pub(super) const ARRIVES: &str = "arrives";
pub(super) const PASSED_ON: &str = "passed on";

/// The fact from which nothing follows for methods that are not listed.
pub(super) const PUT_IS_LISTED: &str = "the trigger of the function lists PUT";

/// The fact of a `Content-Disposition` as it is documented.
pub(super) const DISPOSITION: &str = "attachment at the default domain, none at others";

/// An address that is reserved for documentation. The function shows it in any header.
pub(super) const TEST_ADDRESS: &str = "203.0.113.7";

/// The origin that the function writes into its CORS header.
pub(super) const TEST_ORIGIN: &str = "https://conformance.invalid";

/// The end of a path that a gateway could decode or shorten.
pub(super) const PATH: &str = "/a%20b/%E7%85%A7//c;d";

/// A query that a gateway could write anew, with its question mark.
pub(super) const FIRST_QUERY: &str = "?a=1&a=2&b=%20+&c";

pub(super) const ACCEPT_ENCODING: &str = "br;q=0.5";

/// Headers of one connection, and one that such a header names.
const CONNECTION_HEADERS: [&str; 4] = ["connection", "keep-alive", "te", "x-conformance-hop"];

/// Bytes of the body of most probes with one.
const BODY: usize = 100_000;

pub(super) fn post(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| as_sent(echo.method == "POST"))
}

/// The response to `HEAD` has no body, so the function names the method in a header.
pub(super) fn head(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    match seen.response.header("x-conformance-method") {
        Some(method) => as_sent(method == "HEAD" && seen.response.body.is_empty()).to_owned(),
        None => seen.refusal(),
    }
}

pub(super) fn preflight(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    if seen.is_of_function() {
        "the function answers".to_owned()
    } else if seen.response.status.is_success() {
        "the gateway answers".to_owned()
    } else {
        seen.refusal()
    }
}

pub(super) fn method_not_listed(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    if seen.is_of_function() { PUT_IS_LISTED.to_owned() } else { seen.refusal() }
}

pub(super) fn path(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| as_sent(echo.path == GatewayTarget::echo_path(PATH)))
}

pub(super) fn query(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| as_sent(format!("?{}", echo.query) == FIRST_QUERY))
}

pub(super) fn host(target: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| as_sent(echo.value("host") == Some(target.host.as_str())))
}

pub(super) fn repeated_headers(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| {
        let values: Vec<_> = echo.values("x-conformance-twice").collect();
        match values[..] {
            ["1", "2"] => "two fields",
            ["1" | "2"] => "one of the two",
            [one] if one.replace(' ', "") == "1,2" => "one field with both values",
            _ => CHANGED,
        }
    })
}

pub(super) fn reserved_headers(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    seen.arrived(|echo| removed(echo, &["x-fc-conformance"]))
}

pub(super) fn forged_headers(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| {
        let is_forged = echo.values("x-fc-client-ip").any(|one| one == TEST_ADDRESS);
        if is_forged { ARRIVES } else { REMOVED }
    })
}

pub(super) fn connection_headers(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    seen.arrived(|echo| removed(echo, &CONNECTION_HEADERS))
}

pub(super) fn expect(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    seen.arrived(|echo| removed(echo, &["expect"]))
}

pub(super) fn accept_encoding(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| match echo.value("accept-encoding") {
        Some(ACCEPT_ENCODING) => AS_SENT,
        Some(_) => CHANGED,
        None => REMOVED,
    })
}

pub(super) fn forwarded_for(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| match echo.value("x-forwarded-for") {
        Some(TEST_ADDRESS) => AS_SENT,
        _ if echo.has("x-forwarded-for") => CHANGED,
        _ => REMOVED,
    })
}

pub(super) fn forwarded_for_added(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| if echo.has("x-forwarded-for") { "one is added" } else { "none is added" })
}

/// Compares the names of the platform's headers. The function's runtime removes those of the credentials.
pub(super) fn platform_headers(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    seen.arrived(|echo| {
        let is_new =
            |name: &&str| name.starts_with("x-fc-") && known_headers().all(|one| one != *name);
        let mut missing: Vec<_> = known_headers().filter(|name| !echo.has(name)).collect();
        let mut new: Vec<_> = echo.names().filter(is_new).collect();
        missing.sort_unstable();
        new.sort_unstable();
        match (missing.is_empty(), new.is_empty()) {
            (true, true) => "those of the local gateway".to_owned(),
            (false, true) => format!("without {}", missing.join(", ")),
            (true, false) => format!("also {}", new.join(", ")),
            (false, false) => format!("without {}, also {}", missing.join(", "), new.join(", ")),
        }
    })
}

/// Returns the names of the headers of the platform that reach the service of the function.
fn known_headers() -> impl Iterator<Item = &'static str> {
    let is_credential = |name: &str| name.contains("access-key") || name.contains("security-token");
    platform_header_names().filter(move |name| !is_credential(name))
}

pub(super) fn base_path(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| match echo.value("x-fc-base-path") {
        Some(value) if value == echo.path => "the path",
        value => other_value(value),
    })
}

pub(super) fn control_path(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| match echo.value("x-fc-control-path") {
        Some("/http-invoke") => "/http-invoke",
        value => other_value(value),
    })
}

pub(super) fn retry_count(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| match echo.value("x-fc-retry-count") {
        Some("0") => "0",
        value => other_value(value),
    })
}

pub(super) fn timeout_header(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    arrived(seen, |echo| match echo.value("x-fc-function-timeout") {
        Some(value) if is_number(value) => "whole seconds",
        value => other_value(value),
    })
}

pub(super) fn request_id(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    arrived(seen, |echo| {
        let id = echo.value("x-fc-request-id").unwrap_or_default();
        let lengths: Vec<_> = id.split('-').filter(is_hex).map(str::len).collect();
        match lengths[..] {
            [1, 8, 8, 12] => "1, and 8, 8 and 12 hex digits",
            [8, 4, 4, 4, 12] => "a UUID",
            _ => "another form",
        }
    })
}

pub(super) fn request_id_returned(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let returned = seen.response.header("x-fc-request-id");
    arrived(seen, |echo| match returned {
        Some(id) if echo.value("x-fc-request-id") == Some(id) => "the same",
        value => other_value(value),
    })
}

pub(super) fn role_keys(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| if echo.role_keys { "in the headers" } else { "not in the headers" })
}

/// Whether the function was called.
pub(super) fn accepted(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |_| "accepted")
}

pub(super) fn asynchronous(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let is_accepted = seen.response.status.as_u16() == 202;
    if is_accepted && seen.response.body.is_empty() {
        return "202 without a body".to_owned();
    }
    arrived(seen, |_| "accepted")
}

pub(super) fn body(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| as_sent(echo.body == expected_body()))
}

pub(super) fn chunked_body(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    arrived(seen, |echo| match (echo.body == expected_body(), echo.has("content-length")) {
        (false, _) => CHANGED,
        (true, true) => "arrives with a length",
        (true, false) => "arrives in chunks",
    })
}

pub(super) fn status(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let is_passed_on = seen.response.status.as_u16() == 418;
    arrived(seen, |_| if is_passed_on { PASSED_ON } else { CHANGED })
}

pub(super) fn slow_response(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let is_passed_on = seen.response.status.as_u16() == 200;
    arrived(seen, |_| if is_passed_on { PASSED_ON } else { CHANGED })
}

pub(super) fn response_headers(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let header = seen.response.header("x-fc-conformance");
    arrived(seen, |_| header.map_or(REMOVED, |_| ARRIVES))
}

pub(super) fn server_header(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let header = seen.response.header("server");
    arrived(seen, |_| match header {
        Some("conformance") => ARRIVES,
        Some(_) => "replaced",
        None => REMOVED,
    })
}

pub(super) fn content_disposition(target: &GatewayTarget, seen: &GatewayExchange) -> String {
    let header = seen.response.header("content-disposition");
    arrived(seen, |_| match (header, target.is_default_domain()) {
        (Some("attachment"), true) | (None, false) => DISPOSITION,
        (None, true) => "none at the default domain",
        (Some(_), true) => "another one at the default domain",
        (Some(_), false) => "one at a domain of its own",
    })
}

pub(super) fn cors_headers(_: &GatewayTarget, seen: &GatewayExchange) -> String {
    let values = seen.response.headers.get_all("access-control-allow-origin").iter();
    let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    arrived(seen, |_| match values[..] {
        [] => REMOVED,
        [TEST_ORIGIN] => "that of the function alone",
        [_] => "that of the gateway alone",
        _ => "another one is added",
    })
}

/// Returns the body of most probes with one.
pub(super) fn body_text() -> String {
    "b".repeat(BODY)
}

fn expected_body() -> EchoedBody {
    let sha256 = crypto::hex(&crypto::sha256(body_text().as_bytes()));
    EchoedBody { bytes: BODY, sha256 }
}

fn arrived(seen: &GatewayExchange, read: impl FnOnce(&EchoedRequest) -> &'static str) -> String {
    seen.arrived(|echo| read(echo).to_owned())
}

fn as_sent(is_as_sent: bool) -> &'static str {
    if is_as_sent { AS_SENT } else { CHANGED }
}

/// Names those of the headers that have arrived.
fn removed(echo: &EchoedRequest, names: &[&str]) -> String {
    let arrived: Vec<_> = names.iter().copied().filter(|name| echo.has(name)).collect();
    if arrived.is_empty() { REMOVED.to_owned() } else { format!("arrives: {}", arrived.join(", ")) }
}

/// Describes a value that is not the expected one, without showing it.
fn other_value(value: Option<&str>) -> &'static str {
    match value {
        None => "missing",
        Some("") => "empty",
        Some(_) => "another value",
    }
}
