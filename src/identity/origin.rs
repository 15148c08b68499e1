//! Which pages may ask: the origin list, enforced on the server.
//!
//! A browser names the page's origin on every cross-origin call and no script can change it. A
//! foreign page is refused here, not merely denied a CORS header: behind a gateway that adds
//! headers of its own, a missing header protects nothing. Callers that are no browser send no
//! origin and are not stopped by it; that is what `access` is for.

use std::fmt;

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

/// One origin: scheme, host and port, in lower case, as a browser writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Says that a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrigin;

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an origin is scheme and host, perhaps a port, and nothing after it")
    }
}

impl std::error::Error for InvalidOrigin {}

impl Origin {
    /// Reads `https://app.example.com`; a default port is dropped, as browsers drop it.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.to_ascii_lowercase();
        let (scheme, host) = text.split_once("://").ok_or(InvalidOrigin)?;
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(InvalidOrigin),
        };
        let allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        if host.is_empty() || !host.bytes().all(allowed) {
            return Err(InvalidOrigin);
        }
        let host = host.strip_suffix(default_port).unwrap_or(host);
        Ok(Self(format!("{scheme}://{host}")))
    }
}

/// What the origin list says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No browser, or a page of the function's own that did not say so.
    NoOrigin,
    /// A page that may ask, and whose browser has to be told so.
    Allowed,
    /// A page that may not.
    Foreign,
}

impl Origins {
    /// Judges a request by its `Origin` and `Host` headers.
    #[must_use]
    pub fn judge(&self, origin: Option<&str>, host: Option<&str>) -> Verdict {
        let Some(origin) = origin else {
            return Verdict::NoOrigin;
        };
        let listed = match self {
            Self::Any => true,
            Self::Same => false,
            Self::List(list) => list.iter().any(|one| one.0.eq_ignore_ascii_case(origin)),
        };
        if listed || is_same(origin, host) { Verdict::Allowed } else { Verdict::Foreign }
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
        assert_eq!(Origin::parse("HTTPS://App.example:443").unwrap().0, "https://app.example");
        assert_eq!(Origin::parse("http://localhost:5173").unwrap().0, "http://localhost:5173");
        for bad in
            ["", "*", "null", "app.example", "https://", "https://a/b", "ftp://a", "https://a b"]
        {
            assert_eq!(Origin::parse(bad), Err(InvalidOrigin), "{bad}");
        }
    }

    #[test]
    fn foreign_pages_are_told_from_own_and_listed_ones() {
        let list = Origins::List(vec![Origin::parse("https://app.example").unwrap()]);
        let table = [
            (&list, Some("https://app.example"), Verdict::Allowed),
            (&list, Some("http://app.example"), Verdict::Foreign),
            (&list, Some("https://app.example.evil"), Verdict::Foreign),
            (&list, Some("https://evil-app.example"), Verdict::Foreign),
            (&list, Some("https://sign.example"), Verdict::Allowed),
            (&list, Some("null"), Verdict::Foreign),
            (&list, Some(""), Verdict::Foreign),
            (&list, None, Verdict::NoOrigin),
            (&Origins::Same, Some("https://sign.example"), Verdict::Allowed),
            (&Origins::Same, Some("https://sign.example:8443"), Verdict::Foreign),
            (&Origins::Same, Some("https://app.example"), Verdict::Foreign),
            (&Origins::Any, Some("https://anyone.example"), Verdict::Allowed),
            (&Origins::Any, Some("null"), Verdict::Allowed),
        ];
        for (origins, origin, verdict) in table {
            assert_eq!(
                origins.judge(origin, Some("sign.example")),
                verdict,
                "{origins:?} {origin:?}"
            );
        }
        assert_eq!(Origins::Same.judge(Some("https://"), Some("")), Verdict::Foreign);
    }
}
