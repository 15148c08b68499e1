//! The CORS rules of a bucket: checked when they are put, and applied to the requests of pages.
//!
//! The first rule wins that matches the origin, the method and every header. `PutBucketCors` page: at most 10 rules, at
//! most one `*` in an origin and in an allowed header, none in an exposed header.

use http::{HeaderMap, HeaderValue, header};

use crate::oss::bucket_config::document::ConfigElement;
use crate::oss::bucket_config::origin_text;
use crate::oss::error::{OssError, OssErrorKind};

/// The largest number of rules.
const MAX_RULES: usize = 10;

/// The largest `MaxAgeSeconds`.
const MAX_AGE: u32 = 999_999_999;

const METHODS: [&str; 5] = ["GET", "PUT", "DELETE", "POST", "HEAD"];

/// The rules, and the document that they were read from.
#[derive(Debug)]
pub(super) struct CorsRules {
    element: ConfigElement,
    rules: Vec<LocalCorsRule>,
    varies: bool,
}

#[derive(Debug)]
struct LocalCorsRule {
    origins: Vec<String>,
    methods: Vec<String>,
    allowed_headers: Vec<String>,
    exposed_headers: Vec<String>,
    max_age: Option<u32>,
}

impl CorsRules {
    pub(super) fn parse(document: &str) -> Result<Self, OssError> {
        let element = ConfigElement::parse(document)?;
        let malformed = |reason: &str| OssErrorKind::ConfigMalformed.because(reason);
        if element.name != "CORSConfiguration" {
            return Err(malformed("the root is not CORSConfiguration"));
        }
        let rules =
            element.all("CORSRule").map(LocalCorsRule::read).collect::<Result<Vec<_>, _>>()?;
        if rules.is_empty() {
            return Err(OssErrorKind::CorsEmpty.because("there is no CORSRule"));
        }
        if rules.len() > MAX_RULES {
            let reason =
                format!("there are {} CORS rules, and {MAX_RULES} are allowed", rules.len());
            return Err(OssErrorKind::ConfigInvalid.because(reason));
        }
        let varies = match element.text_of("ResponseVary") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed("ResponseVary is neither true nor false")),
        };
        Ok(Self { element, rules, varies })
    }

    pub(super) fn element(&self) -> &ConfigElement {
        &self.element
    }

    /// Returns whether a rule names the origin.
    pub(super) fn names(&self, origin: &str) -> bool {
        self.rules.iter().any(|rule| rule.origins.iter().any(|one| matches(one, origin)))
    }

    /// Returns the headers of a preflight response, without those of [`CorsRules::apply`].
    pub(super) fn preflight(&self, request: &HeaderMap) -> Result<HeaderMap, OssError> {
        let text = |name: header::HeaderName| request.get(name).and_then(|one| one.to_str().ok());
        let method = text(header::ACCESS_CONTROL_REQUEST_METHOD);
        let (Some(origin), Some(method)) = (origin_text(request), method) else {
            return Err(OssErrorKind::CorsIncomplete
                .because("an OPTIONS request needs Origin and Access-Control-Request-Method"));
        };
        let requested = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let names: Vec<&str> =
            requested.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let rule = self.rules.iter().find(|rule| {
            rule.matches(origin, method) && names.iter().all(|name| rule.allows_header(name))
        });
        let rule = rule.ok_or_else(|| {
            OssErrorKind::CorsForbidden.because(format!(
                "no CORS rule of the bucket allows pages of {origin} to send {method} with {requested:?}"
            ))
        })?;
        let mut headers = HeaderMap::new();
        insert(&mut headers, header::ACCESS_CONTROL_ALLOW_METHODS, &rule.methods.join(", "));
        if !names.is_empty() {
            insert(&mut headers, header::ACCESS_CONTROL_ALLOW_HEADERS, requested);
        }
        if let Some(seconds) = rule.max_age {
            insert(&mut headers, header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
        Ok(headers)
    }

    /// Adds the headers that let the page read the response to a method.
    pub(super) fn apply(
        &self,
        origin: Option<&HeaderValue>,
        method: &str,
        headers: &mut HeaderMap,
    ) {
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        let Some((origin, text)) =
            origin.and_then(|origin| origin.to_str().ok().map(|text| (origin, text)))
        else {
            return;
        };
        let Some(rule) = self.rules.iter().find(|rule| rule.matches(text, method)) else { return };
        let any = rule.origins.iter().any(|one| one == "*");
        let allowed = if any { HeaderValue::from_static("*") } else { origin.clone() };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if !rule.exposed_headers.is_empty() {
            let exposed = rule.exposed_headers.join(", ");
            insert(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &exposed);
        }
    }
}

impl LocalCorsRule {
    fn read(element: &ConfigElement) -> Result<Self, OssError> {
        let invalid = |reason: String| Err(OssErrorKind::ConfigInvalid.because(reason));
        let rule = Self {
            origins: element.texts_of("AllowedOrigin"),
            methods: element.texts_of("AllowedMethod"),
            allowed_headers: element.texts_of("AllowedHeader"),
            exposed_headers: element.texts_of("ExposeHeader"),
            max_age: None,
        };
        if rule.origins.is_empty() || rule.methods.is_empty() {
            return invalid("a CORS rule needs AllowedOrigin and AllowedMethod".to_owned());
        }
        if let Some(method) = rule.methods.iter().find(|one| !METHODS.contains(&one.as_str())) {
            return invalid(format!("AllowedMethod {method:?} is not known"));
        }
        let patterns = rule.origins.iter().chain(&rule.allowed_headers);
        if let Some(pattern) = patterns.into_iter().find(|one| one.matches('*').count() > 1) {
            return invalid(format!("{pattern:?} has more than one *"));
        }
        if let Some(name) = rule.exposed_headers.iter().find(|name| name.contains('*')) {
            return invalid(format!("ExposeHeader {name:?} has a *"));
        }
        let max_age = match element.text_of("MaxAgeSeconds") {
            None => None,
            Some(text) => match text.parse().ok().filter(|seconds| *seconds <= MAX_AGE) {
                Some(seconds) => Some(seconds),
                None => return invalid(format!("MaxAgeSeconds {text:?} is not 0 to {MAX_AGE}")),
            },
        };
        Ok(Self { max_age, ..rule })
    }

    fn matches(&self, origin: &str, method: &str) -> bool {
        self.methods.iter().any(|one| one == method)
            && self.origins.iter().any(|one| matches(one, origin))
    }

    fn allows_header(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.allowed_headers.iter().any(|one| matches(&one.to_ascii_lowercase(), &name))
    }
}

/// Matches a text with a pattern in which one `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rules: &str) -> Result<CorsRules, OssErrorKind> {
        CorsRules::parse(&format!("<CORSConfiguration>{rules}</CORSConfiguration>"))
            .map_err(|error| error.kind())
    }

    fn rule(origin: &str, method: &str, more: &str) -> String {
        format!(
            "<CORSRule><AllowedOrigin>{origin}</AllowedOrigin><AllowedMethod>{method}</AllowedMethod>{more}</CORSRule>"
        )
    }

    fn request(origin: &'static str, method: &'static str, names: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static(method));
        if !names.is_empty() {
            headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(names));
        }
        headers
    }

    #[test]
    fn the_first_rule_that_matches_everything_decides() {
        let some = "<AllowedHeader>x-oss-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>";
        let every = "<AllowedHeader>*</AllowedHeader><MaxAgeSeconds>9</MaxAgeSeconds>";
        let rules =
            rules(&(rule("https://a.test", "PUT", some) + &rule("*", "PUT", every))).unwrap();
        let narrow = rules.preflight(&request("https://a.test", "PUT", "X-Oss-Date")).unwrap();
        assert!(!narrow.contains_key("access-control-max-age"));
        let wide = rules.preflight(&request("https://a.test", "PUT", "x-oss-date, range")).unwrap();
        assert_eq!(wide["access-control-max-age"], "9");
        let refused = rules.preflight(&request("https://a.test", "POST", "")).unwrap_err();
        assert_eq!(refused.kind(), OssErrorKind::CorsForbidden);
        let mut headers = HeaderMap::new();
        rules.apply(Some(&HeaderValue::from_static("https://a.test")), "PUT", &mut headers);
        assert_eq!(headers["access-control-allow-origin"], "https://a.test");
        assert_eq!(headers["access-control-expose-headers"], "ETag");
        assert!(!headers.contains_key("vary"));
    }

    #[test]
    fn rules_that_oss_does_not_accept_are_refused() {
        let many = rule("https://a.test", "PUT", "").repeat(11);
        for (text, kind) in [
            ("", OssErrorKind::CorsEmpty),
            ("<CORSRule></CORSRule>", OssErrorKind::ConfigInvalid),
            (&rule("*", "OPTIONS", ""), OssErrorKind::ConfigInvalid),
            (&rule("https://*.*", "PUT", ""), OssErrorKind::ConfigInvalid),
            (&rule("*", "PUT", "<ExposeHeader>*</ExposeHeader>"), OssErrorKind::ConfigInvalid),
            (&rule("*", "PUT", "<MaxAgeSeconds>-1</MaxAgeSeconds>"), OssErrorKind::ConfigInvalid),
            (&many, OssErrorKind::ConfigInvalid),
            ("<CORSRule>", OssErrorKind::ConfigMalformed),
        ] {
            assert_eq!(rules(text).err(), Some(kind), "{text}");
        }
    }
}
