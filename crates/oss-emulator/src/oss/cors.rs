//! CORS: preflight responses, and the headers that let a page read a response.
//!
//! CORS pages and the Options page. There is one rule for the allowed origins, which allows
//! everything that a browser upload needs. CORS never blocks the upload itself; a page whose origin
//! is not allowed cannot read the response.
//!
//! A signature alone does not protect a developer's machine, because a page of any site can post to
//! it. Therefore requests of pages of other sites can be rejected altogether.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::hosts;
use crate::oss::error::{OssError, OssErrorKind};

const METHODS: [&str; 5] = ["POST", "GET", "HEAD", "PUT", "DELETE"];

const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("POST, GET, HEAD, PUT, DELETE");

/// The headers of Private Network Access, by which a browser asks whether a page of a public site
/// may reach a server in a private network.
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// The number of seconds for which a browser may cache a preflight response.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The CORS rule of all buckets.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    origins: Vec<String>,
    local_pages: bool,
    others_refused: bool,
    exposed: Option<HeaderValue>,
    varies: bool,
}

impl Cors {
    pub(super) fn new(origins: Vec<String>) -> Self {
        Self { origins, local_pages: false, others_refused: false, exposed: None, varies: true }
    }

    /// Sets whether pages of this machine are allowed too.
    pub(super) fn with_local_pages(self, local_pages: bool) -> Self {
        Self { local_pages, ..self }
    }

    /// Sets whether requests of pages are rejected that are neither local nor listed.
    pub(super) fn with_others_refused(self, others_refused: bool) -> Self {
        Self { others_refused, ..self }
    }

    /// Sets the response headers that pages may read.
    pub(super) fn with_exposed(self, names: &[String]) -> Self {
        let exposed = HeaderValue::try_from(names.join(", ")).ok();
        Self { exposed: exposed.filter(|names| !names.is_empty()), ..self }
    }

    /// Sets whether responses carry `Vary: Origin`.
    pub(super) fn with_vary(self, varies: bool) -> Self {
        Self { varies, ..self }
    }

    /// Adds the headers that let the request's origin read the response.
    pub(super) fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.is_off() {
            return;
        }
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(allowed) = origin.and_then(|origin| self.allow(origin)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            let exposed = self.exposed.clone();
            headers.extend(exposed.map(|names| (header::ACCESS_CONTROL_EXPOSE_HEADERS, names)));
        }
    }

    /// Returns the headers of a preflight response, without those of [`Cors::apply`].
    pub(super) fn preflight(&self, request: &HeaderMap) -> Result<HeaderMap, OssError> {
        let origin = request.get(header::ORIGIN);
        let method = request.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let (Some(origin), Some(method)) = (origin, method) else {
            return Err(OssErrorKind::CorsIncomplete
                .because("an OPTIONS request needs Origin and Access-Control-Request-Method"));
        };
        if self.allow(origin).is_none() {
            return Err(self.forbid(origin));
        }
        if !METHODS.iter().any(|known| method == known) {
            return Err(OssErrorKind::CorsForbidden.because(
                "the preflight requests another method than POST, GET, HEAD, PUT and DELETE",
            ));
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Some(requested) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
        }
        if request.contains_key(REQUEST_PRIVATE_NETWORK) {
            headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
        Ok(headers)
    }

    /// Rejects the request of a page of another site if such requests are refused. A request of a
    /// program names no page and is accepted.
    pub(super) fn check_page(&self, request: &HeaderMap) -> Result<(), OssError> {
        if !self.others_refused {
            return Ok(());
        }
        let page = match request.get(header::ORIGIN) {
            Some(origin) => String::from_utf8_lossy(origin.as_bytes()).into_owned(),
            None if is_embedded_elsewhere(request) => {
                let referer = request.get(header::REFERER).and_then(|value| value.to_str().ok());
                referer.and_then(origin_of).unwrap_or_else(|| "a site without a name".to_owned())
            }
            None => return Ok(()),
        };
        if is_local_page(&page) || self.is_listed(&page) {
            return Ok(());
        }
        let shown: String = page.chars().take(100).collect();
        Err(OssErrorKind::ForeignPage.because(format!(
            "a page of {shown} makes the request, and only pages of this machine may, and those \
             that origins or --cors-origin names"
        )))
    }

    fn is_off(&self) -> bool {
        self.origins.is_empty() && !self.local_pages
    }

    fn allow(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.origins.iter().any(|one| one == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        let text = origin.to_str().ok()?;
        let is_local = self.local_pages && is_local_page(text);
        (is_local || self.is_listed(text)).then(|| origin.clone())
    }

    fn is_listed(&self, origin: &str) -> bool {
        self.origins.iter().any(|one| matches(one, origin))
    }

    fn forbid(&self, origin: &HeaderValue) -> OssError {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let reason = if self.is_off() {
            format!("a page of {origin} wants to upload, but CORS is disabled")
        } else {
            let local = self.local_pages.then_some("pages of this machine");
            let allowed: Vec<&str> = self.origins.iter().map(String::as_str).chain(local).collect();
            format!("a page of {origin} wants to upload; CORS allows {} only", allowed.join(", "))
        };
        OssErrorKind::CorsForbidden.because(reason)
    }
}

/// Matches an origin with a rule, in which one `*` stands for labels of a name.
fn matches(rule: &str, origin: &str) -> bool {
    let Some((beginning, end)) = rule.split_once('*') else {
        return rule == origin;
    };
    if rule == "*" {
        return true;
    }
    let label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let middle = origin.strip_prefix(beginning).and_then(|rest| rest.strip_suffix(end));
    middle.is_some_and(|middle| !middle.is_empty() && middle.bytes().all(label))
}

/// Returns whether an origin is that of a page on this machine.
fn is_local_page(origin: &str) -> bool {
    let Some(("http" | "https", authority)) = origin.split_once("://") else {
        return false;
    };
    hosts::host_of(authority).is_some_and(hosts::is_this_machine)
}

/// Returns whether a page of another site embeds the requested resource, such as an image, a script
/// or a frame. Following a link is not embedding, and neither is a request without these headers.
fn is_embedded_elsewhere(request: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| request.get(name).is_some_and(|one| one == value);
    let is_followed = is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    is("sec-fetch-site", "cross-site") && !is_followed
}

/// Returns the origin of an address.
fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect()
    }

    fn cors(origins: &[&str]) -> Cors {
        Cors::new(origins.iter().map(|one| (*one).to_owned()).collect())
    }

    #[test]
    fn a_preflight_of_an_allowed_origin_gets_the_requested_headers() {
        let request = headers(&[
            ("origin", "http://a.test"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "x-one, x-two"),
        ]);
        let response = cors(&["http://a.test"]).preflight(&request).unwrap();
        assert_eq!(
            response.get("access-control-allow-methods").unwrap(),
            "POST, GET, HEAD, PUT, DELETE"
        );
        assert_eq!(response.get("access-control-allow-headers").unwrap(), "x-one, x-two");
        assert_eq!(response.get("access-control-max-age").unwrap(), "600");
    }

    #[test]
    fn other_origins_other_methods_and_no_cors_at_all_are_forbidden() {
        let request =
            headers(&[("origin", "http://b.test"), ("access-control-request-method", "POST")]);
        for origins in [&["http://a.test"][..], &[]] {
            let error = cors(origins).preflight(&request).unwrap_err();
            assert_eq!(error.kind(), OssErrorKind::CorsForbidden);
        }
        let request =
            headers(&[("origin", "http://a.test"), ("access-control-request-method", "PATCH")]);
        let error = cors(&["*"]).preflight(&request).unwrap_err();
        assert_eq!(error.kind(), OssErrorKind::CorsForbidden);
    }

    #[test]
    fn a_preflight_without_its_headers_is_incomplete() {
        for request in [
            headers(&[("origin", "http://a.test")]),
            headers(&[("access-control-request-method", "POST")]),
        ] {
            let error = cors(&["*"]).preflight(&request).unwrap_err();
            assert_eq!(error.kind(), OssErrorKind::CorsIncomplete);
        }
    }

    #[test]
    fn local_pages_can_be_allowed_without_a_list() {
        let cors = cors(&["https://*.example.com"]).with_local_pages(true);
        let allowed =
            |origin: &'static str| cors.allow(&HeaderValue::from_static(origin)).is_some();
        for origin in [
            "http://localhost",
            "http://localhost:5173",
            "https://localhost:5173",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "http://app.localhost:3000",
            "https://a.example.com",
            "https://a.b.example.com",
        ] {
            assert!(allowed(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "file://",
            "http://evil.example",
            "http://localhost.evil.example",
            "http://evil.example:80@localhost",
            "http://0.0.0.0:8080",
            "http://192.168.1.5:8080",
            "https://example.com",
            "https://.example.com.evil",
            "https://evil.org/.example.com",
            "http://a.example.com",
            "chrome-extension://localhost",
        ] {
            assert!(!allowed(origin), "{origin}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_refused_and_a_program_is_not() {
        let strict = cors(&["http://a.test"]).with_others_refused(true);
        let embedded = ("sec-fetch-site", "cross-site");
        let dest = ("sec-fetch-dest", "image");
        for request in [
            &[][..],
            &[("origin", "http://a.test")],
            &[("origin", "http://localhost:1")],
            &[embedded, dest, ("referer", "http://localhost:5173/a?b")],
            &[embedded, dest, ("referer", "http://a.test/")],
            &[embedded, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
            &[("sec-fetch-site", "same-site"), dest],
            &[("sec-fetch-site", "none"), dest],
            &[("referer", "http://evil.example/")],
        ] {
            assert!(strict.check_page(&headers(request)).is_ok(), "{request:?}");
        }
        for request in [
            &[("origin", "http://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://a.test:81")],
            &[embedded, dest],
            &[embedded, dest, ("referer", "http://evil.example/")],
            &[embedded, dest, ("referer", "http://evil.example/http://a.test/")],
            &[embedded, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        ] {
            let error = strict.check_page(&headers(request)).unwrap_err();
            assert_eq!(error.kind(), OssErrorKind::ForeignPage, "{request:?}");
            assert!(cors(&[]).check_page(&headers(request)).is_ok(), "the real one: {request:?}");
        }
        let every = cors(&["*"]).with_others_refused(true);
        assert!(every.check_page(&headers(&[("origin", "http://evil.example")])).is_ok());
    }

    #[test]
    fn private_network_access_is_granted_to_allowed_pages_only() {
        let request = |origin: &'static str| {
            headers(&[
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-private-network", "true"),
            ])
        };
        let cors = cors(&["https://a.test"]);
        let response = cors.preflight(&request("https://a.test")).unwrap();
        assert_eq!(response.get("access-control-allow-private-network").unwrap(), "true");
        assert!(cors.preflight(&request("https://evil.example")).is_err());
    }

    #[test]
    fn a_response_names_the_origin_only_if_it_is_allowed() {
        let named = |origins: &[&str]| {
            let mut headers = HeaderMap::new();
            let origin = HeaderValue::from_static("http://a.test");
            cors(origins).apply(Some(&origin), &mut headers);
            let name = headers.get("access-control-allow-origin").cloned();
            (name, headers.contains_key("vary"))
        };
        assert_eq!(named(&["*"]), (Some(HeaderValue::from_static("*")), true));
        let own = HeaderValue::from_static("http://a.test");
        assert_eq!(named(&["http://a.test"]), (Some(own), true));
        assert_eq!(named(&["http://b.test"]), (None, true));
        assert_eq!(named(&[]), (None, false));
    }
}
