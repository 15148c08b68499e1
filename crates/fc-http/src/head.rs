//! Checks of a request's head: its size, and that it names one host.
//!
//! The platform's own limits are 8 KiB of headers and 4 KiB of path and query. The limits here are wider, to leave
//! room for what the platform adds. hyper itself refuses heads of several times this size, or of more than a
//! hundred fields.
//!
//! Addresses are built from the host, and pages of the same host count as the function's own, so two readers of a
//! request must not find two hosts in it. RFC 9112 (3.2) demands a 400 for several `Host` fields and for a value
//! that is no host. A request without a host is let through: simple health checks send none, and no address is
//! built then.

use std::net::Ipv6Addr;

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

use crate::error::RuntimeError;

/// The longest path and query in bytes: twice the platform's limit.
const MAX_URI: usize = 8 * 1024;

/// The colon, the space and the line end of a field, in bytes.
const FIELD_FRAME: usize = 4;

/// Refuses a head that is too large or does not name one host.
pub(crate) fn check<I>(request: &Request<I>, max_header_bytes: usize) -> Result<(), RuntimeError> {
    if uri_bytes(request.uri()) > MAX_URI {
        return Err(RuntimeError::UriTooLong(MAX_URI));
    }
    if header_bytes(request.headers()) > max_header_bytes {
        return Err(RuntimeError::HeadersTooLarge(max_header_bytes));
    }
    check_host(request)
}

fn uri_bytes(uri: &Uri) -> usize {
    uri.path_and_query().map_or(0, |text| text.as_str().len())
}

fn header_bytes(headers: &HeaderMap) -> usize {
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + FIELD_FRAME
    };
    headers.iter().map(field).sum()
}

/// Refuses a request with several hosts, with something else in place of a host, or with an absolute address that
/// names another host.
fn check_host<I>(request: &Request<I>) -> Result<(), RuntimeError> {
    let mut fields = request.headers().get_all(HOST).iter();
    let host = match (fields.next(), fields.next()) {
        (None, _) => None,
        (Some(field), None) => Some(field.to_str().map_err(|_| RuntimeError::HostInvalid)?),
        (Some(_), Some(_)) => return Err(RuntimeError::HostInvalid),
    };
    let is_odd = host.is_some_and(|host| !host.is_empty() && !is_host(host));
    let contradicts = request.uri().authority().is_some_and(|authority| {
        let (authority, scheme) = (authority.as_str(), request.uri().scheme_str());
        let is_same = |host| {
            without_default_port(host, scheme)
                .eq_ignore_ascii_case(without_default_port(authority, scheme))
        };
        !is_host(authority) || !host.is_none_or(is_same)
    });
    if is_odd || contradicts { Err(RuntimeError::HostInvalid) } else { Ok(()) }
}

/// Returns whether this is a name or an address, with or without a port. A name with an underscore is invalid in
/// DNS, but container networks use them.
fn is_host(text: &str) -> bool {
    let is_address = text.starts_with('[');
    let end = if is_address { text.find(']').map(|at| at + 1) } else { text.find(':') };
    let (host, port) = text.split_at(end.unwrap_or(text.len()));
    let is_good = if is_address {
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
    } else {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        !host.is_empty() && host.bytes().all(plain)
    };
    is_good && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn without_default_port<'a>(host: &'a str, scheme: Option<&str>) -> &'a str {
    let port = match scheme {
        Some("http") => ":80",
        Some("https") => ":443",
        _ => "",
    };
    host.strip_suffix(port).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_sizes(uri: &str, value: &str) -> Result<(), RuntimeError> {
        let mut request = Request::new(());
        *request.uri_mut() = uri.parse().unwrap();
        request.headers_mut().insert("a", HeaderValue::from_str(value).unwrap());
        check(&request, 100)
    }

    #[test]
    fn a_head_may_be_exactly_as_large_as_the_limit() {
        assert!(check_sizes("/", &"v".repeat(95)).is_ok());
        let refused = check_sizes("/", &"v".repeat(96));
        assert!(matches!(refused, Err(RuntimeError::HeadersTooLarge(100))));
    }

    #[test]
    fn path_and_query_are_measured_together() {
        let query = "q".repeat(MAX_URI - 2);
        assert!(check_sizes(&format!("/?{query}"), "").is_ok());
        let refused = check_sizes(&format!("/?{query}q"), "");
        assert!(matches!(refused, Err(RuntimeError::UriTooLong(MAX_URI))));
    }

    fn is_accepted(uri: &str, hosts: &[&str]) -> bool {
        let mut request = Request::new(());
        *request.uri_mut() = uri.parse().unwrap();
        for host in hosts {
            let value = HeaderValue::from_bytes(host.as_bytes()).unwrap();
            request.headers_mut().append(HOST, value);
        }
        match check_host(&request) {
            Ok(()) => true,
            Err(error) => {
                assert!(matches!(error, RuntimeError::HostInvalid));
                false
            }
        }
    }

    #[test]
    fn one_host_or_none_is_accepted() {
        for hosts in [&[][..], &[""], &["a"], &["a.example:8443"], &["a_b:1"], &["127.0.0.1:9"]] {
            assert!(is_accepted("/", hosts), "{hosts:?}");
        }
        for host in ["[::1]", "[2001:db8::1]:8443", "A.Example.", "a-b.cn-hangzhou.fcapp.run"] {
            assert!(is_accepted("/", &[host]), "{host}");
        }
    }

    #[test]
    fn several_hosts_a_list_and_other_texts_are_refused() {
        let pairs = [&["a", "a"][..], &["a", "b"], &["", ""], &["a", ""], &["a", "b", "c"]];
        for hosts in pairs {
            assert!(!is_accepted("/", hosts), "{hosts:?}");
        }
        for host in [
            "a, b", "a,b", "a b", "a;b", "u@a", "a/b", "a?b", "a#b", "a\\b", "http://a", "a:",
            "a:b", "a:+80", "a:65536", "a:80:80", ":80", "[::1", "::1", "[a]", "[::1]a", "[::1]:",
            "é", "%61", "*.a", "\"a\"", "a\tb",
        ] {
            assert!(!is_accepted("/", &[host]), "{host}");
        }
    }

    #[test]
    fn an_absolute_address_names_the_same_host() {
        for (uri, host) in [
            ("http://a.example/", "a.example"),
            ("http://A.example/", "a.Example:80"),
            ("https://a.example:443/", "a.example"),
            ("http://a.example:8080/", "a.example:8080"),
            ("a.example:443", "a.example:443"),
        ] {
            assert!(is_accepted(uri, &[host]) && is_accepted(uri, &[]), "{uri} {host}");
        }
        for (uri, host) in [
            ("http://a.example/", "b.example"),
            ("http://a.example/", ""),
            ("http://a.example:8080/", "a.example"),
            ("http://a.example/", "a.example:443"),
            ("http://u@a.example/", "a.example"),
            ("http://u@a.example/", "u@a.example"),
            ("b.example:443", "a.example"),
        ] {
            assert!(!is_accepted(uri, &[host]), "{uri} {host}");
        }
    }
}
