//! CORS: who may read the answers, and the preflight.
//!
//! CORS pages and the Options page. One rule for the allowed origins, with all that a browser
//! upload needs. The upload itself is never blocked by CORS; an origin that is not allowed merely
//! cannot read the answer.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

const METHODS: [&str; 3] = ["POST", "GET", "HEAD"];

const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("POST, GET, HEAD");

/// The seconds for which a browser may remember a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Answers for one list of origins.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    origins: Vec<String>,
    exposed: Option<HeaderValue>,
    varies: bool,
}

impl Cors {
    pub(super) fn new(origins: Vec<String>) -> Self {
        Self { origins, exposed: None, varies: true }
    }

    /// Names the headers that pages may read.
    pub(super) fn exposing(self, names: &[String]) -> Self {
        let exposed = HeaderValue::try_from(names.join(", ")).ok();
        Self { exposed: exposed.filter(|names| !names.is_empty()), ..self }
    }

    /// Says whether answers name what they depend on.
    pub(super) fn varying(self, varies: bool) -> Self {
        Self { varies, ..self }
    }

    /// Adds to an answer what lets the request's origin read it.
    pub(super) fn stamp(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.origins.is_empty() {
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

    /// Answers a preflight with the headers that go beyond those of [`Cors::stamp`].
    pub(super) fn preflight(&self, request: &HeaderMap) -> Result<HeaderMap, Refusal> {
        let origin = request.get(header::ORIGIN);
        let method = request.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let (Some(origin), Some(method)) = (origin, method) else {
            return Err(Kind::CorsIncomplete
                .because("an OPTIONS request needs Origin and Access-Control-Request-Method"));
        };
        if self.allow(origin).is_none() {
            return Err(self.forbid(origin));
        }
        if !METHODS.iter().any(|known| method == known) {
            return Err(Kind::CorsForbidden.because(
                "a browser asks for another method than POST, GET and HEAD; upload with POST",
            ));
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Some(asked) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        Ok(headers)
    }

    fn allow(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.origins.iter().any(|one| one == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        self.origins.iter().any(|one| origin == one).then(|| origin.clone())
    }

    fn forbid(&self, origin: &HeaderValue) -> Refusal {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let reason = if self.origins.is_empty() {
            format!("a page of {origin} wants to upload, but CORS is switched off")
        } else {
            format!(
                "a page of {origin} wants to upload; CORS allows {} only",
                self.origins.join(", ")
            )
        };
        Kind::CorsForbidden.because(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
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
    fn a_preflight_of_an_allowed_origin_gets_what_it_asked_for() {
        let request = asking(&[
            ("origin", "http://a.test"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "x-one, x-two"),
        ]);
        let answer = cors(&["http://a.test"]).preflight(&request).unwrap();
        assert_eq!(answer.get("access-control-allow-methods").unwrap(), "POST, GET, HEAD");
        assert_eq!(answer.get("access-control-allow-headers").unwrap(), "x-one, x-two");
        assert_eq!(answer.get("access-control-max-age").unwrap(), "600");
    }

    #[test]
    fn other_origins_other_methods_and_no_cors_at_all_are_forbidden() {
        let request =
            asking(&[("origin", "http://b.test"), ("access-control-request-method", "POST")]);
        for origins in [&["http://a.test"][..], &[]] {
            let refusal = cors(origins).preflight(&request).unwrap_err();
            assert_eq!(refusal.kind(), Kind::CorsForbidden);
        }
        let request =
            asking(&[("origin", "http://a.test"), ("access-control-request-method", "PUT")]);
        let refusal = cors(&["*"]).preflight(&request).unwrap_err();
        assert_eq!(refusal.kind(), Kind::CorsForbidden);
    }

    #[test]
    fn a_preflight_without_its_headers_lacks_information() {
        for request in [
            asking(&[("origin", "http://a.test")]),
            asking(&[("access-control-request-method", "POST")]),
        ] {
            let refusal = cors(&["*"]).preflight(&request).unwrap_err();
            assert_eq!(refusal.kind(), Kind::CorsIncomplete);
        }
    }

    #[test]
    fn an_answer_names_the_origin_only_when_it_is_allowed() {
        let named = |origins: &[&str]| {
            let mut headers = HeaderMap::new();
            let origin = HeaderValue::from_static("http://a.test");
            cors(origins).stamp(Some(&origin), &mut headers);
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
