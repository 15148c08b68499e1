//! Whether a request names one host.
//!
//! Addresses are built from the host, and pages of the same host count as the function's own, so it
//! must not depend on which of two names somebody reads. RFC 9112 (3.2) wants a 400 for several
//! `Host` fields and for one that is no host. A request without one is let through: simple health
//! checks send none, and nothing is built from a host that is not there.

use std::net::Ipv6Addr;

use http::Request;
use http::header::HOST;

use crate::fault::Fault;

/// Refuses a request with several hosts, with something else in place of a host, or with an absolute
/// address that names another one.
pub(super) fn check<I>(request: &Request<I>) -> Result<(), Fault> {
    let mut fields = request.headers().get_all(HOST).iter();
    let host = match (fields.next(), fields.next()) {
        (None, _) => None,
        (Some(field), None) => Some(field.to_str().map_err(|_| Fault::HostInvalid)?),
        (Some(_), Some(_)) => return Err(Fault::HostInvalid),
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
    if is_odd || contradicts { Err(Fault::HostInvalid) } else { Ok(()) }
}

/// Returns whether this is a name or an address, perhaps with a port. Names with an underscore are
/// none, but container networks use them.
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
    use http::HeaderValue;

    use super::*;

    fn is_taken(uri: &str, hosts: &[&str]) -> bool {
        let mut request = Request::new(());
        *request.uri_mut() = uri.parse().unwrap();
        for host in hosts {
            let value = HeaderValue::from_bytes(host.as_bytes()).unwrap();
            request.headers_mut().append(HOST, value);
        }
        match check(&request) {
            Ok(()) => true,
            Err(fault) => {
                assert!(matches!(fault, Fault::HostInvalid));
                false
            }
        }
    }

    #[test]
    fn one_host_or_none_is_taken() {
        for hosts in [&[][..], &[""], &["a"], &["a.example:8443"], &["a_b:1"], &["127.0.0.1:9"]] {
            assert!(is_taken("/", hosts), "{hosts:?}");
        }
        for host in ["[::1]", "[2001:db8::1]:8443", "A.Example.", "a-b.cn-hangzhou.fcapp.run"] {
            assert!(is_taken("/", &[host]), "{host}");
        }
    }

    #[test]
    fn several_hosts_a_list_and_what_is_no_host_are_refused() {
        let pairs = [&["a", "a"][..], &["a", "b"], &["", ""], &["a", ""], &["a", "b", "c"]];
        for hosts in pairs {
            assert!(!is_taken("/", hosts), "{hosts:?}");
        }
        for host in [
            "a, b", "a,b", "a b", "a;b", "u@a", "a/b", "a?b", "a#b", "a\\b", "http://a", "a:",
            "a:b", "a:+80", "a:65536", "a:80:80", ":80", "[::1", "::1", "[a]", "[::1]a", "[::1]:",
            "é", "%61", "*.a", "\"a\"", "a\tb",
        ] {
            assert!(!is_taken("/", &[host]), "{host}");
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
            assert!(is_taken(uri, &[host]) && is_taken(uri, &[]), "{uri} {host}");
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
            assert!(!is_taken(uri, &[host]), "{uri} {host}");
        }
    }
}
