//! Which pages may ask: the origin list, enforced on the server.
//!
//! A browser names the page's origin on every cross-origin call and no script can change it. A
//! foreign page is refused here, not merely denied a CORS header: behind a gateway that adds
//! headers of its own, a missing header protects nothing. Callers that are no browser send no
//! origin and are not stopped by it; that is what `access` is for.

use std::fmt;
use std::net::Ipv4Addr;

/// The origins whose pages may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// Only pages that the function itself serves.
    #[default]
    Same,
    /// These, and the function's own.
    List(Vec<Origin>),
    /// Every page there is.
    Any,
}

/// One origin, or all that lie below a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Scheme, host and port, in lower case, as a browser writes it.
    Exact(String),
    /// Every host with one label or more in front of a name; never the name itself.
    Subdomains {
        /// `https://`, and nothing else of the origin.
        scheme: String,
        /// What a host ends with, such as `.example.com`, its port included.
        suffix: String,
    },
    /// Every page that this machine serves, at any port: of `localhost`, a name below it, or a loopback
    /// address. `oss-upload dev` adds it for a developer's own page; no setting names it.
    Loopback,
}

/// Says that a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrigin;

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "an origin is scheme and host, perhaps a port, and nothing after it; \
             'https://*.example.com' is every host below example.com",
        )
    }
}

impl std::error::Error for InvalidOrigin {}

impl Origin {
    /// Reads `https://app.example.com` or `https://*.example.com`; a default port is dropped, as
    /// browsers drop it.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.to_ascii_lowercase();
        let (scheme, host) = text.split_once("://").ok_or(InvalidOrigin)?;
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(InvalidOrigin),
        };
        let host = host.strip_suffix(default_port).unwrap_or(host);
        let allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        let suffix = host.strip_prefix('*');
        let name = suffix.unwrap_or(host);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(InvalidOrigin);
        }
        let scheme = format!("{scheme}://");
        match suffix {
            None => Ok(Self::Exact(scheme + host)),
            Some(suffix) if is_wide_name(suffix) => {
                Ok(Self::Subdomains { scheme, suffix: suffix.to_owned() })
            }
            Some(_) => Err(InvalidOrigin),
        }
    }

    fn is(&self, origin: &str) -> bool {
        match self {
            Self::Exact(one) => one.eq_ignore_ascii_case(origin),
            Self::Subdomains { scheme, suffix } => {
                let origin = origin.to_ascii_lowercase();
                let host = origin.strip_prefix(scheme.as_str());
                host.and_then(|host| host.strip_suffix(suffix.as_str())).is_some_and(are_labels)
            }
            Self::Loopback => is_loopback(&origin.to_ascii_lowercase()),
        }
    }
}

/// Returns whether an origin, in lower case, is a page of this machine.
fn is_loopback(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let Some(authority) = authority else { return false };
    if let Some(rest) = authority.strip_prefix("[::1]") {
        return rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_name = host == "localhost" || host.strip_suffix(".localhost").is_some_and(are_labels);
    let is_address = || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    port.is_none_or(is_port) && (is_name || is_address())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether `.example.com` may stand behind an asterisk: below a whole top-level domain is
/// nobody's own; below `localhost` is this machine.
fn is_wide_name(suffix: &str) -> bool {
    let (name, port) = match suffix.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (suffix, None),
    };
    let Some(name) = name.strip_prefix('.') else {
        return false;
    };
    let is_wide = name == "localhost" || name.contains('.');
    let is_address = name.rsplit('.').next().is_some_and(is_port);
    are_labels(name) && is_wide && !is_address && port.is_none_or(is_port)
}

/// Tells whether a text is labels of a host's name. A colon or an `@` would be the end of the name.
fn are_labels(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(allowed))
}

/// What the origin list says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginStatus {
    /// No browser, or a page of the function's own that did not say so.
    Absent,
    /// A page that may ask, and whose browser has to be told so.
    Allowed,
    /// A page that may not.
    NotAllowed,
}

impl Origins {
    /// Adds the pages of this machine, for a function that runs on a developer's machine.
    #[must_use]
    pub fn with_loopback(self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Same => Self::List(vec![Origin::Loopback]),
            Self::List(mut list) => {
                list.push(Origin::Loopback);
                Self::List(list)
            }
        }
    }

    /// Judges a request by its `Origin` and `Host` headers.
    #[must_use]
    pub fn check(&self, origin: Option<&str>, host: Option<&str>) -> OriginStatus {
        let Some(origin) = origin else {
            return OriginStatus::Absent;
        };
        let listed = match self {
            Self::Any => true,
            Self::Same => false,
            Self::List(list) => list.iter().any(|one| one.is(origin)),
        };
        if listed || is_same(origin, host) {
            OriginStatus::Allowed
        } else {
            OriginStatus::NotAllowed
        }
    }
}

/// Compares an origin with the host that was called. The scheme is not compared: the gateway ends
/// TLS, so the function cannot know it.
fn is_same(origin: &str, host: Option<&str>) -> bool {
    let Some((scheme, called)) = origin.split_once("://").zip(host).map(|((s, o), h)| (s, (o, h)))
    else {
        return false;
    };
    let (of_origin, of_host) = called;
    matches!(scheme, "http" | "https")
        && !of_host.is_empty()
        && of_origin.eq_ignore_ascii_case(of_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let one = |text: &str| Ok(Origin::Exact(text.to_owned()));
        assert_eq!(Origin::parse("HTTPS://App.example:443"), one("https://app.example"));
        assert_eq!(Origin::parse("http://localhost:5173"), one("http://localhost:5173"));
        for bad in
            ["", "*", "null", "app.example", "https://", "https://a/b", "ftp://a", "https://a b"]
        {
            assert_eq!(Origin::parse(bad), Err(InvalidOrigin), "{bad}");
        }
    }

    #[test]
    fn loopback_is_any_port_of_this_machine_and_nothing_that_looks_like_it() {
        for good in [
            "http://localhost",
            "http://localhost:5173",
            "HTTP://App.Localhost:3000",
            "https://127.0.0.1:8443",
            "http://127.1.2.3",
            "http://[::1]:5173",
            "http://[::1]",
        ] {
            assert!(Origin::Loopback.is(good), "{good}");
        }
        for bad in [
            "null",
            "",
            "localhost",
            "file://localhost",
            "http://localhost.evil.example",
            "http://evil.example:127",
            "http://127.0.0.1.evil.example",
            "http://localhost:5173.evil.example",
            "http://evil.example/.localhost",
            "http://evil@127.0.0.1",
            "http://[::1].evil.example",
            "http://[::2]",
            "http://10.0.0.1",
            "http://.localhost",
        ] {
            assert!(!Origin::Loopback.is(bad), "{bad}");
        }
        let added = Origins::Same.with_loopback();
        assert_eq!(
            added.check(Some("http://localhost:1"), Some("127.0.0.1:8080")),
            OriginStatus::Allowed
        );
        assert_eq!(
            added.check(Some("https://evil.example"), Some("127.0.0.1:8080")),
            OriginStatus::NotAllowed
        );
    }

    #[test]
    fn an_asterisk_is_one_label_or_more_and_never_none() {
        let below = Origin::parse("https://*.example.com").unwrap();
        for good in ["https://a.example.com", "https://A.B.Example.com", "https://a_1.example.com"]
        {
            assert!(below.is(good), "{good}");
        }
        for bad in [
            "https://example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://evilexample.com",
            "https://evil-example.com",
            "https://a.example.com.evil.com",
            "https://a.example.com:8443",
            "https://evil.com:1.example.com",
            "https://evil.com/.example.com",
            "https://evil@a.example.com",
            "https://evil.com#.example.com",
            "http://a.example.com",
            "https://*.example.com",
            "null",
            "",
        ] {
            assert!(!below.is(bad), "{bad}");
        }
        let port = Origin::parse("http://*.localhost:5173").unwrap();
        assert!(port.is("http://a.localhost:5173"));
        assert!(!port.is("http://a.localhost") && !port.is("http://a.localhost:51735"));
        assert_eq!(Origin::parse("https://*.example.com:443"), Ok(below));
    }

    #[test]
    fn an_asterisk_that_is_too_wide_or_in_the_wrong_place_is_refused() {
        for bad in [
            "https://*",
            "https://*.",
            "https://*.com",
            "https://*example.com",
            "https://a.*.com",
            "https://*.*.example.com",
            "https://*.example..com",
            "https://*.1.2.3.4",
            "https://*.example.com:",
            "https://*.example.com:x",
            "https://*.[::1]",
            "*://a.example.com",
        ] {
            assert_eq!(Origin::parse(bad), Err(InvalidOrigin), "{bad}");
        }
    }

    #[test]
    fn foreign_pages_are_told_from_own_and_listed_ones() {
        let list = Origins::List(vec![Origin::parse("https://app.example").unwrap()]);
        let table = [
            (&list, Some("https://app.example"), OriginStatus::Allowed),
            (&list, Some("http://app.example"), OriginStatus::NotAllowed),
            (&list, Some("https://app.example.evil"), OriginStatus::NotAllowed),
            (&list, Some("https://evil-app.example"), OriginStatus::NotAllowed),
            (&list, Some("https://sign.example"), OriginStatus::Allowed),
            (&list, Some("null"), OriginStatus::NotAllowed),
            (&list, Some(""), OriginStatus::NotAllowed),
            (&list, None, OriginStatus::Absent),
            (&Origins::Same, Some("https://sign.example"), OriginStatus::Allowed),
            (&Origins::Same, Some("https://sign.example:8443"), OriginStatus::NotAllowed),
            (&Origins::Same, Some("https://app.example"), OriginStatus::NotAllowed),
            (&Origins::Any, Some("https://anyone.example"), OriginStatus::Allowed),
            (&Origins::Any, Some("null"), OriginStatus::Allowed),
        ];
        for (origins, origin, verdict) in table {
            assert_eq!(
                origins.check(origin, Some("sign.example")),
                verdict,
                "{origins:?} {origin:?}"
            );
        }
        assert_eq!(Origins::Same.check(Some("https://"), Some("")), OriginStatus::NotAllowed);
    }
}
