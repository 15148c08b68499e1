//! The upload page and the client: files of this folder, embedded in the binary.
//!
//! The page loads nothing from other hosts and runs no inline script. Its content security policy says so, and lets it
//! post to the upload hosts of the routes only. Any page may import the client: it contains no secret, and the origin of
//! its calls is checked; `client.d.ts` has its types. It loads `multipart.js` for a large file, and that loads `crc64.js` for
//! checksums. `oss-errors.json` lists for each error of OSS its cause and remedy;
//! the page fetches it when an upload fails.
//!
//! For machines there are `openapi.json`, every call with its responses, and `llms.txt`, one page for an assistant that
//! writes a client. The tests compare both with what the function answers.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use crate::app::App;
use crate::config::page::PageOptions;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const LIMITS: &str = include_str!("page-limits.js");
const QUEUE: &str = include_str!("page-queue.js");
const ROW: &str = include_str!("page-row.js");
const THEME: &str = include_str!("page-theme.js");
const VIEW: &str = include_str!("page-view.js");
const WORDS: &str = include_str!("page-words.js");
const CLIENT: &str = include_str!("client.js");
const CLIENT_TYPES: &str = include_str!("client.d.ts");
const MULTIPART: &str = include_str!("multipart.js");
const MULTIPART_TYPES: &str = include_str!("multipart.d.ts");
const CRC64: &str = include_str!("crc64.js");
const UNFINISHED: &str = include_str!("page-unfinished.js");
const OSS_ERRORS: &str = include_str!("oss-errors.json");
const OPENAPI: &str = include_str!("openapi.json");
const LLMS: &str = include_str!("llms.txt");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// TypeScript has no registered type, and Markdown is not shown; as plain text a browser shows both.
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The line of the page behind which its settings are written.
const HEAD: &str = "<meta name=\"referrer\" content=\"no-referrer\">";

/// Each file but the page: its path, its text, its type.
const ASSETS: [(&str, &str, HeaderValue); 17] = [
    ("/page.css", STYLE, CSS),
    ("/page.js", SCRIPT, JAVASCRIPT),
    ("/page-limits.js", LIMITS, JAVASCRIPT),
    ("/page-queue.js", QUEUE, JAVASCRIPT),
    ("/page-row.js", ROW, JAVASCRIPT),
    ("/page-theme.js", THEME, JAVASCRIPT),
    ("/page-unfinished.js", UNFINISHED, JAVASCRIPT),
    ("/page-view.js", VIEW, JAVASCRIPT),
    ("/page-words.js", WORDS, JAVASCRIPT),
    ("/client.js", CLIENT, JAVASCRIPT),
    ("/client.d.ts", CLIENT_TYPES, PLAIN),
    ("/multipart.js", MULTIPART, JAVASCRIPT),
    ("/multipart.d.ts", MULTIPART_TYPES, PLAIN),
    ("/crc64.js", CRC64, JAVASCRIPT),
    ("/oss-errors.json", OSS_ERRORS, JSON),
    ("/openapi.json", OPENAPI, JSON),
    ("/llms.txt", LLMS, PLAIN),
];

/// Returns the routes of the page and of all files.
pub(super) fn router(app: &App) -> Router<Arc<App>> {
    let html = Bytes::from(page(&app.page));
    let policy = content_security_policy(app);
    let serve_page = async move || {
        let mut response = asset(html, HTML);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        response
    };
    let router = Router::new().route("/", get(serve_page));
    ASSETS.into_iter().fold(router, |router, (path, text, content_type)| {
        router.route(path, get(async move || asset(text, content_type)))
    })
}

/// Writes the settings of the page into its head, where its script reads them.
fn page(options: &PageOptions) -> String {
    let PageOptions { title, logo, accent } = options;
    let settings = [("application-name", title), ("page-logo", logo), ("theme-color", accent)];
    let mut head = String::from(HEAD);
    for (name, value) in settings {
        let Some(value) = value else { continue };
        let value = escape(value);
        head.extend(["\n  <meta name=\"", name, "\" content=\"", &value, "\">"]);
    }
    PAGE.replacen(HEAD, &head, 1)
}

/// Escapes a text for an attribute in double quotes.
fn escape(text: &str) -> String {
    let entities = [("&", "&amp;"), ("\"", "&quot;"), ("<", "&lt;"), (">", "&gt;")];
    entities.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn asset(body: impl IntoResponse, content_type: HeaderValue) -> Response {
    let mut response = body.into_response();
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
    let logo = app.page.logo.as_deref().map(|logo| format!(" {}", origin_of(logo)));
    let logo = logo.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {}; \
         img-src 'self' blob: data:{logo}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hosts.join(" ")
    );
    // Hosts are checked to be scheme and host, and so is the logo's origin; without a valid header, nothing loads.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Returns scheme and host of an address.
fn origin_of(address: &str) -> &str {
    let authority = address.find("://").map_or(0, |scheme| scheme + "://".len());
    let end = address[authority..].find(['/', '?']).map_or(address.len(), |end| authority + end);
    &address[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_the_page_are_attributes_and_no_markup() {
        assert_eq!(page(&PageOptions::default()), PAGE);
        let options = PageOptions {
            title: Some("\"><script>&amp;".to_owned()),
            logo: Some("https://www.example.com/a.svg?b&c='".to_owned()),
            accent: Some("#0b6b60".to_owned()),
        };
        let html = page(&options);
        let added: Vec<_> = html.lines().filter(|line| !PAGE.contains(line)).collect();
        assert_eq!(
            added,
            [
                "  <meta name=\"application-name\" content=\"&quot;&gt;&lt;script&gt;&amp;amp;\">",
                "  <meta name=\"page-logo\" content=\"https://www.example.com/a.svg?b&amp;c='\">",
                "  <meta name=\"theme-color\" content=\"#0b6b60\">",
            ]
        );
    }

    #[test]
    fn the_policy_names_the_origin_of_a_logo_and_no_path() {
        assert_eq!(origin_of("https://www.example.com/a.svg"), "https://www.example.com");
        assert_eq!(origin_of("https://www.example.com"), "https://www.example.com");
        assert_eq!(origin_of("http://127.0.0.1:8000?a=/"), "http://127.0.0.1:8000");
    }
}
