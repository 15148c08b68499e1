//! What a browser makes of an answer's CORS headers.

use http::{HeaderMap, header};

/// Whether a page may read an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readable {
    /// It may; `any` means that every page may.
    Yes { any: bool },
    /// Nothing says so.
    Absent,
    /// Two say so, which browsers take for nobody.
    Twice,
    /// Only this other page may.
    Other(String),
}

impl Readable {
    /// Reads the headers as a browser does for a page of `origin`.
    pub(super) fn of(headers: &HeaderMap, origin: &str) -> Self {
        let values = headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        let values: Vec<_> = values.iter().map(|value| value.to_str().unwrap_or("?")).collect();
        match values[..] {
            [] => Self::Absent,
            ["*"] => Self::Yes { any: true },
            [one] if one == origin => Self::Yes { any: false },
            [one] if !one.contains(',') => Self::Other(one.to_owned()),
            _ => Self::Twice,
        }
    }

    pub(super) fn is_yes(&self) -> bool {
        matches!(self, Self::Yes { .. })
    }
}

/// Whether a list in a header, perhaps spread over several lines, names this.
pub(super) fn lists(headers: &HeaderMap, header: header::HeaderName, name: &str) -> bool {
    let values = headers.get_all(header);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| one.trim().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("access-control-allow-origin", value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn one_header_lets_read_and_two_do_not() {
        let page = "https://a.test";
        for (values, readable) in [
            (&[][..], Readable::Absent),
            (&["*"], Readable::Yes { any: true }),
            (&["https://a.test"], Readable::Yes { any: false }),
            (&["https://b.test"], Readable::Other("https://b.test".to_owned())),
            (&["https://a.test", "*"], Readable::Twice),
            (&["https://a.test, https://a.test"], Readable::Twice),
        ] {
            assert_eq!(Readable::of(&headers(values), page), readable, "{values:?}");
        }
    }
}
