//! One address of `callbackUrl`.
//!
//! Callback page and the pages of EC 0007-00000004 and 0007-00000008. The pages' examples also have
//! addresses without a scheme, which are taken for http.

use std::net::Ipv4Addr;

use http::Uri;
use http::uri::PathAndQuery;

use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// Names who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether the address says https.
    pub secure: bool,
    /// A name or an IPv4 address.
    pub host: String,
    /// The port, or that of the scheme.
    pub port: u16,
    /// What is asked for; at least `/`.
    pub path_and_query: PathAndQuery,
}

impl Target {
    /// Reads an address.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        // A later `#` would vanish without a word, and what is not ASCII wants to be encoded.
        if !text.is_ascii() || text.contains('#') {
            return Err(malformed(text, "it must be URL-encoded and have no fragment"));
        }
        let (secure, rest) = match text.split_once("://") {
            None => (false, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err(malformed(text, "it must begin with http:// or https://")),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = split_authority(authority, secure)
            .ok_or_else(|| malformed(text, "its host or its port is none"))?;
        if is_private(host) {
            return Err(Kind::CallbackUrlPrivate.because(format!(
                "callbackUrl names {host}, a private address; OSS cannot reach it, and here only \
                 addresses of this machine stand in for public ones"
            )));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let uri = Uri::try_from(path).map_err(|_| malformed(text, "its path cannot be read"))?;
        let path_and_query = uri.path_and_query().cloned();
        Ok(Self {
            secure,
            host: host.to_ascii_lowercase(),
            port,
            path_and_query: path_and_query.unwrap_or(PathAndQuery::from_static("/")),
        })
    }

    /// Writes the address without its query, which may hold a secret.
    pub(super) fn without_query(&self) -> String {
        let Self { host, port, .. } = self;
        let path = self.path_and_query.path();
        match (self.secure, port) {
            (false, 80) => format!("http://{host}{path}"),
            (false, _) => format!("http://{host}:{port}{path}"),
            (true, 443) => format!("https://{host}{path}"),
            (true, _) => format!("https://{host}:{port}{path}"),
        }
    }
}

/// Says whether a text can stand in a `Host` header: a name or an IPv4 address, and no IPv6 one.
pub(super) fn is_host(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=253).contains(&text.len())
        && text.bytes().all(known)
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

fn split_authority(authority: &str, secure: bool) -> Option<(&str, u16)> {
    let (host, port) = match authority.split_once(':') {
        None => (authority, if secure { 443 } else { 80 }),
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, port.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
    };
    // User info has an `@` and IPv6 its brackets, so neither is a host.
    is_host(host).then_some((host, port))
}

/// Says whether this is an address that no network beyond the own one knows; the loopback is not,
/// because on a laptop it plays the public network.
fn is_private(host: &str) -> bool {
    let Ok(address) = host.parse::<Ipv4Addr>() else {
        return false;
    };
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    address.is_private() || address.is_link_local() || first == 0 || first >= 224 || shared
}

/// Refuses an address, and shows it without what may be a secret: user info and query.
fn malformed(text: &str, why: &str) -> Refusal {
    let shown = text.split('?').next().unwrap_or_default();
    let shown = shown.rsplit('@').next().unwrap_or_default();
    Kind::CallbackUrlInvalid.because(format!("callbackUrl has the address {shown:?}, but {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Kind> {
        Target::parse(text).err().map(|refusal| refusal.kind())
    }

    fn parts(text: &str) -> (bool, String, u16, String) {
        let target = Target::parse(text).unwrap();
        (target.secure, target.host, target.port, target.path_and_query.as_str().to_owned())
    }

    #[test]
    fn an_address_has_a_scheme_a_host_a_port_and_a_path_or_what_stands_for_them() {
        let whole = parts("https://Back.End.test:8443/a/b?c=d%20e");
        assert_eq!(whole, (true, "back.end.test".to_owned(), 8443, "/a/b?c=d%20e".to_owned()));
        let bare = parts("203.0.113.8:23456");
        assert_eq!(bare, (false, "203.0.113.8".to_owned(), 23456, "/".to_owned()));
        assert_eq!(parts("HTTP://a.test?x").3, "/?x");
        assert_eq!(parts("http://a.test").2, 80);
        assert_eq!(parts("https://a.test").2, 443);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "http://",
            "ftp://a.test/",
            "http://a.test:0/",
            "http://a.test:65536/",
            "http://a.test:x/",
            "http://a.test:+80/",
            "http://a.test:/",
            "a.test:test",
            "http://[::1]/",
            "http://user@a.test/",
            "http://user:pass@a.test/",
            "http://a b/",
            "http://a.test/中",
            "http://a.test/#f",
            "http://a.test/a b",
            "http:///a",
            "http://-.-/",
        ] {
            assert_eq!(kind(text), Some(Kind::CallbackUrlInvalid), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_refused_but_this_machine_plays_the_public_network() {
        for host in ["10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200"]
        {
            let text = format!("http://{host}/");
            assert_eq!(kind(&text), Some(Kind::CallbackUrlPrivate), "{host}");
        }
        for host in ["127.0.0.1", "localhost", "app.localhost", "203.0.113.8", "a.test"] {
            assert_eq!(kind(&format!("http://{host}/")), None, "{host}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let shown = |text| Target::parse(text).unwrap().without_query();
        assert_eq!(shown("http://a.test:8080/x?secret=1"), "http://a.test:8080/x");
        assert_eq!(shown("https://a.test?secret=1"), "https://a.test/");
    }
}
