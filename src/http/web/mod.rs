//! The upload page and the client: files of this folder, built into the binary.
//!
//! The page loads nothing from outside and runs no inline script; its policy says so, and lets it
//! post to the routes' upload hosts and nowhere else. The client may be imported by any page: it
//! holds no secret, and the calls that it makes are judged by their origin; `client.d.ts` are its
//! types. `oss-errors.json` says of each refusal of OSS what causes it and what helps; the page
//! fetches it when there is one.
//!
//! For machines there are `openapi.json`, every call with its answers, and `llms.txt`, one page for an
//! assistant that is to write a client. The tests hold both against what the function answers.

use http::{HeaderMap, HeaderValue, header};

use crate::app::App;
use crate::http::Response;
use crate::http::error::ApiError;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const LIMITS: &str = include_str!("page-limits.js");
const QUEUE: &str = include_str!("page-queue.js");
const ROW: &str = include_str!("page-row.js");
const VIEW: &str = include_str!("page-view.js");
const WORDS: &str = include_str!("page-words.js");
const CLIENT: &str = include_str!("client.js");
const CLIENT_TYPES: &str = include_str!("client.d.ts");
const OSS_ERRORS: &str = include_str!("oss-errors.json");
const OPENAPI: &str = include_str!("openapi.json");
const LLMS: &str = include_str!("llms.txt");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// TypeScript has no registered type, and Markdown is not shown; as plain text a browser shows both.
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Each file: its path, its text, its type.
const ASSETS: [(&str, &str, HeaderValue); 13] = [
    ("/", PAGE, HTML),
    ("/page.css", STYLE, CSS),
    ("/page.js", SCRIPT, JAVASCRIPT),
    ("/page-limits.js", LIMITS, JAVASCRIPT),
    ("/page-queue.js", QUEUE, JAVASCRIPT),
    ("/page-row.js", ROW, JAVASCRIPT),
    ("/page-view.js", VIEW, JAVASCRIPT),
    ("/page-words.js", WORDS, JAVASCRIPT),
    ("/client.js", CLIENT, JAVASCRIPT),
    ("/client.d.ts", CLIENT_TYPES, PLAIN),
    ("/oss-errors.json", OSS_ERRORS, JSON),
    ("/openapi.json", OPENAPI, JSON),
    ("/llms.txt", LLMS, PLAIN),
];

/// The files, and what the page may load and call.
#[derive(Debug)]
pub(super) struct Assets {
    policy: HeaderValue,
}

impl Assets {
    pub(super) fn new(app: &App) -> Self {
        Self { policy: content_security_policy(app) }
    }

    pub(super) fn paths() -> impl Iterator<Item = &'static str> {
        ASSETS.into_iter().map(|(path, ..)| path)
    }

    pub(super) fn answer(&self, path: &str) -> Result<Response, ApiError> {
        let found = ASSETS.into_iter().find(|(one, ..)| *one == path);
        let (_, text, content_type) = found.ok_or(ApiError::NotFound)?;
        let mut response = asset(text, content_type);
        if path == "/" {
            let policy = self.policy.clone();
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Ok(response)
    }
}

fn asset(text: &'static str, content_type: HeaderValue) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().extend(HeaderMap::from_iter([
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ]));
    response
}

fn content_security_policy(app: &App) -> HeaderValue {
    let mut hosts: Vec<_> = app.routes().iter().map(|route| route.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {}; \
         img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hosts.join(" ")
    );
    // Hosts are checked to be scheme and host, so the text is a header's; without one, nothing loads.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
