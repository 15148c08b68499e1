//! Addresses that OSS calls, or that the function calls.

use std::net::Ipv4Addr;

use crate::policy::callback::is_authority;

/// Who calls an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// OSS: public addresses only.
    Oss,
    /// A local OSS: also addresses of this machine, without TLS.
    LocalOss,
    /// The function: HTTPS, or this machine.
    Function,
}

const NOT_ASCII: &str =
    "an address is ASCII: write a path with %XX for each byte of UTF-8, a host as xn--…";
const SCHEME: &str = "an address begins with https:// or http://";
const USER: &str = "an address has no user";
const IPV6: &str = "OSS calls no IPv6 address";
const HOST: &str = "after the scheme come a host and perhaps a port from 1 to 65535";
const CHARACTER: &str = "an address has only characters of URLs, without spaces or a fragment";
const SEMICOLON: &str = "';' separates addresses; within one write %3B";
const PRIVATE: &str =
    "OSS calls public addresses only, and this one is private or this machine itself";
const INSECURE: &str = "it begins with https://; plain http only reaches this machine";
const PATH: &str = "an address of this function is scheme and host only";

/// Reads a whole address.
pub(super) fn parse(text: &str, reach: Reach) -> Result<String, &'static str> {
    let (secure, authority, _) = split(text)?;
    let host = authority.split(':').next().unwrap_or(authority);
    let network = network(host)?;
    match (reach, network) {
        (Reach::Oss, HostNetwork::Private | HostNetwork::Loopback)
        | (Reach::LocalOss, HostNetwork::Private) => Err(PRIVATE),
        (Reach::Function, HostNetwork::Private | HostNetwork::Public) if !secure => Err(INSECURE),
        _ => Ok(text.to_owned()),
    }
}

/// Reads the scheme and host at which the function itself is called; a single trailing slash is removed.
pub(super) fn origin(text: &str, reach: Reach) -> Result<String, &'static str> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (secure, _, rest) = split(text)?;
    if !rest.is_empty() {
        return Err(PATH);
    }
    if !secure && reach == Reach::Oss {
        return Err(INSECURE);
    }
    parse(text, reach)
}

/// Splits an address: whether it is HTTPS, its host and port, the rest.
fn split(text: &str) -> Result<(bool, &str, &str), &'static str> {
    if !text.is_ascii() {
        return Err(NOT_ASCII);
    }
    if text.contains(';') {
        return Err(SEMICOLON);
    }
    let of_url = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,=%".contains(&b);
    if !text.bytes().all(of_url) {
        return Err(CHARACTER);
    }
    let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(SCHEME),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    match authority {
        user if user.contains('@') => Err(USER),
        ipv6 if ipv6.contains('[') => Err(IPV6),
        host if !is_authority(host) => Err(HOST),
        _ => Ok((secure, authority, rest)),
    }
}

/// The network of a host.
enum HostNetwork {
    Public,
    Private,
    Loopback,
}

/// Judges a host by its name or number. A name may still resolve to any address, which OSS itself checks.
fn network(host: &str) -> Result<HostNetwork, &'static str> {
    let last = host.rsplit('.').next().unwrap_or(host);
    if last.eq_ignore_ascii_case("localhost") {
        return Ok(HostNetwork::Loopback);
    }
    // A number at the end means an IPv4 address, of which only the usual spelling is taken.
    if !last.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(HostNetwork::Public);
    }
    let address: Ipv4Addr = host.parse().map_err(|_| HOST)?;
    let [first, second, ..] = address.octets();
    Ok(match (first, second) {
        (127, _) => HostNetwork::Loopback,
        // Shared address space, where Alibaba Cloud has services of its own; multicast; reserved addresses.
        (100, 64..=127) | (0 | 224..=255, _) => HostNetwork::Private,
        _ if address.is_private() || address.is_link_local() => HostNetwork::Private,
        _ => HostNetwork::Public,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oss_calls_public_addresses() {
        for good in [
            "https://back.example.com/oss?a=b&c=%E5%9B%BE",
            "http://back.example.com:8080",
            "https://47.96.1.2/x",
            "https://172.32.0.1/",
            "https://a.1and1.example/",
        ] {
            assert_eq!(parse(good, Reach::Oss).as_deref(), Ok(good));
        }
        for (bad, error) in [
            ("https://图.example/", NOT_ASCII),
            ("back.example.com", SCHEME),
            ("ftp://back.example.com", SCHEME),
            ("HTTPS://back.example.com", SCHEME),
            ("https://u:p@back.example.com/", USER),
            ("https://good.example@evil.example/", USER),
            ("https://[::1]/", IPV6),
            ("https:///a", HOST),
            ("https://a:0/", HOST),
            ("https://a:99999/", HOST),
            ("https://a:b/", HOST),
            ("https://a..b/", HOST),
            ("https://0x7f.1/", HOST),
            ("https://2130706433/", HOST),
            ("https://127.1/", HOST),
            ("https://a/b;c", SEMICOLON),
            ("https://a/b c", CHARACTER),
            ("https://a/#b", CHARACTER),
            ("https://a\\b/", CHARACTER),
        ] {
            assert_eq!(parse(bad, Reach::Oss), Err(error), "{bad}");
        }
        for private in [
            "127.0.0.1",
            "localhost",
            "a.localhost",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            let address = format!("https://{private}/");
            assert_eq!(parse(&address, Reach::Oss), Err(PRIVATE), "{private}");
        }
    }

    #[test]
    fn a_local_oss_calls_this_machine_and_the_function_its_own_network() {
        assert!(parse("http://127.0.0.1:8080/x", Reach::LocalOss).is_ok());
        assert!(parse("https://10.0.0.1/", Reach::LocalOss).is_err());
        for good in ["https://10.0.0.1/", "https://a.example/", "http://localhost:3000/hook"] {
            assert!(parse(good, Reach::Function).is_ok(), "{good}");
        }
        for bad in ["http://10.0.0.1/", "http://a.example/"] {
            assert_eq!(parse(bad, Reach::Function), Err(INSECURE), "{bad}");
        }
    }

    #[test]
    fn the_functions_own_address_has_no_path() {
        assert_eq!(
            origin("https://a.example:8443/", Reach::Oss).as_deref(),
            Ok("https://a.example:8443")
        );
        for (bad, error) in [
            ("https://a.example/x", PATH),
            ("https://a.example?x", PATH),
            ("http://a.example", INSECURE),
            ("https://127.0.0.1", PRIVATE),
        ] {
            assert_eq!(origin(bad, Reach::Oss), Err(error), "{bad}");
        }
        assert!(origin("http://127.0.0.1:8080", Reach::LocalOss).is_ok());
    }
}
