//! Reads the CORS headers of a response as a browser does.

use http::{HeaderMap, header};

/// Whether a page may read a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CorsAccess {
    /// The page may read it; `any` means that every page may.
    Allowed { any: bool },
    /// The header is missing.
    Missing,
    /// The header occurs twice, which browsers reject.
    Duplicate,
    /// The header allows only this other origin.
    OtherOrigin(String),
}

impl CorsAccess {
    /// Reads the headers for a page of `origin`.
    pub(super) fn of(headers: &HeaderMap, origin: &str) -> Self {
        let values = headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        let values: Vec<_> = values.iter().map(|value| value.to_str().unwrap_or("?")).collect();
        match values[..] {
            [] => Self::Missing,
            ["*"] => Self::Allowed { any: true },
            [one] if one == origin => Self::Allowed { any: false },
            [one] if !one.contains(',') => Self::OtherOrigin(one.to_owned()),
            _ => Self::Duplicate,
        }
    }

    pub(super) fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Returns whether a list in a header, which may occur several times, contains a name.
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
    fn one_header_allows_reading_and_two_do_not() {
        let page = "https://a.test";
        for (values, access) in [
            (&[][..], CorsAccess::Missing),
            (&["*"], CorsAccess::Allowed { any: true }),
            (&["https://a.test"], CorsAccess::Allowed { any: false }),
            (&["https://b.test"], CorsAccess::OtherOrigin("https://b.test".to_owned())),
            (&["https://a.test", "*"], CorsAccess::Duplicate),
            (&["https://a.test, https://a.test"], CorsAccess::Duplicate),
        ] {
            assert_eq!(CorsAccess::of(&headers(values), page), access, "{values:?}");
        }
    }
}
