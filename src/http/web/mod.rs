//! The upload page and the client: files of this folder, embedded in the binary.
//!
//! The page loads nothing from other hosts and runs no inline script. Its content security policy says so, and lets it
//! post to the upload hosts of the routes only. Any page may import the client: it contains no secret, and the origin of
//! its calls is checked; `client.d.ts` has its types. `oss-errors.json` lists for each error of OSS its cause and remedy;
//! the page fetches it when an upload fails.
//!
//! For machines there are `openapi.json`, every call with its responses, and `llms.txt`, one page for an assistant that
//! writes a client. The tests compare both with what the function answers.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, header};

use crate::app::App;

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

/// Returns the routes of all files.
pub(super) fn router(app: &App) -> Router<Arc<App>> {
    let policy = content_security_policy(app);
    ASSETS.into_iter().fold(Router::new(), |router, (path, text, content_type)| {
        let policy = (path == "/").then(|| policy.clone());
        let serve = async move || {
            let mut response = asset(text, content_type);
            let policy = policy.map(|policy| (header::CONTENT_SECURITY_POLICY, policy));
            response.headers_mut().extend(policy);
            response
        };
        router.route(path, get(serve))
    })
}

fn asset(text: &'static str, content_type: HeaderValue) -> Response {
    let mut response = text.into_response();
    response.headers_mut().extend(HeaderMap::from_iter([
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ]));
    response
}

fn content_security_policy(app: &App) -> HeaderValue {
    let mut hosts: Vec<_> = app.routes.iter().map(|route| route.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {}; \
         img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hosts.join(" ")
    );
    // Hosts are checked to be scheme and host, so this is a valid header value; without one, nothing loads.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
