//! The names that a local server answers to.
//!
//! The owner of a web page can let the page's own name lead to this machine (DNS rebinding). The browser then takes
//! the local server for a part of that page, and the page may read every answer. The browser still sends the page's
//! name as `Host`, so a server that answers to its own names only is safe from it.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header};

/// Holds the names that a local server answers to beside those that every one has: `localhost`, names below it,
/// loopback addresses, and the address that a connection came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// Adds these names, without ports.
    #[must_use]
    pub fn named(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Returns the first name in a request that is foreign. `reached` is the address that its connection came to.
    ///
    /// A request without a name is no browser's, and passes.
    pub(crate) fn foreign(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        reached: Option<IpAddr>,
    ) -> Option<String> {
        let of_headers = headers.get_all(header::HOST).iter();
        let names = of_headers.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let names = names.chain(uri.authority().map(|authority| authority.as_str().into()));
        names
            .into_iter()
            .find(|name| !self.is_own(name, reached))
            .map(|name| name.chars().take(SHOWN).collect())
    }

    fn is_own(&self, authority: &str, reached: Option<IpAddr>) -> bool {
        let Some(host) = host_of(authority) else {
            return false;
        };
        let address = host.parse::<IpAddr>().ok();
        self.0.iter().any(|name| host.eq_ignore_ascii_case(name))
            || is_this_machine(host)
            || address.is_some_and(|address| Some(address) == reached)
    }
}

/// How many characters of a foreign name are shown.
const SHOWN: usize = 100;

/// Returns whether a name or an address means this machine, whatever a name server says.
fn is_this_machine(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    host == "localhost" || host.strip_suffix(".localhost").is_some_and(|name| !name.is_empty())
}

/// Takes a port off, and the brackets off an address; nothing where there is more than a host and a port.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address, port.strip_prefix(':').or_else(|| port.is_empty().then_some(""))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    port.bytes().all(|byte| byte.is_ascii_digit()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(hosts: &Hosts, host: &str) -> bool {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        hosts.foreign(&Uri::from_static("/"), &headers, "192.0.2.7".parse().ok()).is_some()
    }

    #[test]
    fn a_server_answers_to_this_machine_its_address_and_the_names_that_it_was_given() {
        let hosts = Hosts::named(["Tunnel.example".to_owned()]);
        for host in [
            "localhost",
            "LocalHost:80",
            "bucket.localhost:9100",
            "a.b.localhost",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
            "192.0.2.7:80",
            "tunnel.EXAMPLE:443",
        ] {
            assert!(!foreign(&hosts, host), "{host}");
        }
    }

    #[test]
    fn every_other_name_is_foreign() {
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "evillocalhost",
            ".localhost",
            "localhost.",
            "127.0.0.1.evil.example",
            "evil.example@localhost",
            "localhost@evil.example",
            "localhost:80@evil.example",
            "0.0.0.0",
            "[::]",
            "192.0.2.8",
            "127.1",
            "2130706433",
            "[::1",
            "[::1]evil",
            "",
            "xn--evil",
        ] {
            assert!(foreign(&Hosts::default(), host), "{host}");
        }
    }

    #[test]
    fn each_of_several_names_counts_and_none_is_no_browser() {
        let hosts = Hosts::default();
        let own = ("host", "localhost");
        let headers = |names: &[(&'static str, &'static str)]| -> HeaderMap {
            let pair = |(name, value): &(&'static str, &'static str)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            };
            names.iter().map(pair).collect()
        };
        let path = Uri::from_static("/");
        assert_eq!(hosts.foreign(&path, &headers(&[]), None), None);
        let two = headers(&[own, ("host", "evil.example")]);
        assert_eq!(hosts.foreign(&path, &two, None).as_deref(), Some("evil.example"));
        let whole = Uri::from_static("http://evil.example/");
        assert_eq!(hosts.foreign(&whole, &headers(&[own]), None).as_deref(), Some("evil.example"));
    }
}
