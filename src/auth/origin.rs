//! The origin list: which pages may call the function. The server enforces it.
//!
//! A browser sends the page's origin with every cross-origin request, and no script can change it. A page that is
//! not on the list gets an error and not only a missing CORS header: a gateway that adds headers of its own would
//! make a missing header useless. Callers that are no browsers send no origin and are not stopped here; that is the
//! purpose of `rule`.

use std::fmt;
use std::net::Ipv4Addr;

/// The allowed origins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// The origin of the function itself.
    #[default]
    Same,
    /// These origins, and that of the function itself.
    List(Vec<Origin>),
    /// Every origin.
    Any,
}

/// One allowed origin, or all subdomains of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Scheme, host and port, in lower case, as a browser writes them.
    Exact(String),
    /// Every host with at least one label before a name, but not the name itself.
    Subdomains {
        /// `https://` or `http://`.
        scheme: String,
        /// The end of the host, such as `.example.com`, including the port.
        suffix: String,
    },
    /// Every page of this machine, at any port: `localhost`, its subdomains, and loopback addresses. `oss-upload dev`
    /// adds it for a developer's own page; no setting can.
    Loopback,
}

/// The text is not an origin.
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
    /// Parses `https://app.example.com` or `https://*.example.com`. A default port is removed, as browsers do.
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

    fn matches(&self, origin: &str) -> bool {
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

/// Returns whether `.example.com` may follow an asterisk. The subdomains of a top-level domain belong to different
/// owners, so one label is not enough; those of `localhost` are this machine.
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

/// Returns whether a text consists of labels of a host name. A colon or an `@` would end the name.
fn are_labels(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(allowed))
}

/// The result of the check of a request's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginStatus {
    /// The request has no origin: it is not from a browser, or from a page of the function itself.
    Absent,
    /// The page may call the function, and its browser needs CORS headers.
    Allowed,
    /// The page may not call the function.
    NotAllowed,
}

impl Origins {
    /// Adds the pages of this machine, for a function on a developer's machine.
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

    /// Checks the `Origin` and `Host` headers of a request.
    #[must_use]
    pub fn check(&self, origin: Option<&str>, host: Option<&str>) -> OriginStatus {
        let Some(origin) = origin else {
            return OriginStatus::Absent;
        };
        let listed = match self {
            Self::Any => true,
            Self::Same => false,
            Self::List(list) => list.iter().any(|one| one.matches(origin)),
        };
        if listed || is_same_host(origin, host) {
            OriginStatus::Allowed
        } else {
            OriginStatus::NotAllowed
        }
    }
}

/// Compares an origin with the host of the request. The scheme is not compared: the gateway terminates TLS, so the
/// function does not know it.
fn is_same_host(origin: &str, host: Option<&str>) -> bool {
    let Some((scheme, hosts)) = origin.split_once("://").zip(host).map(|((s, o), h)| (s, (o, h)))
    else {
        return false;
    };
    let (of_origin, of_host) = hosts;
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
    fn loopback_origins_are_those_of_this_machine_at_any_port() {
        for good in [
            "http://localhost",
            "http://localhost:5173",
            "HTTP://App.Localhost:3000",
            "https://127.0.0.1:8443",
            "http://127.1.2.3",
            "http://[::1]:5173",
            "http://[::1]",
        ] {
            assert!(Origin::Loopback.matches(good), "{good}");
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
            assert!(!Origin::Loopback.matches(bad), "{bad}");
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
    fn an_asterisk_matches_one_label_or_more() {
        let below = Origin::parse("https://*.example.com").unwrap();
        for good in ["https://a.example.com", "https://A.B.Example.com", "https://a_1.example.com"]
        {
            assert!(below.matches(good), "{good}");
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
            assert!(!below.matches(bad), "{bad}");
        }
        let port = Origin::parse("http://*.localhost:5173").unwrap();
        assert!(port.matches("http://a.localhost:5173"));
        assert!(!port.matches("http://a.localhost") && !port.matches("http://a.localhost:51735"));
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
    fn only_own_and_listed_origins_are_allowed() {
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
