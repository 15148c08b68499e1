//! `/conformance/echo`: what of a request arrives here, for `oss-upload conformance --signer`.
//!
//! The path exists only while `UPLOAD_CONFORMANCE` is 1; otherwise it is a path like any other that does not exist. It
//! signs nothing and reads no settings. Of a header it shows the name, and the value only where that cannot be a
//! secret: of the names in [`SHOWN`], of those that the caller makes up for the measurement (`x-conformance-…`), and of
//! [`TEST_ADDRESS`]. The query can choose the status, the size of the headers and the time of the response.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use fc_http::ContextExt;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, SERVER};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use http_body_util::BodyExt;
use serde::Serialize;

use crate::app::App;
use crate::crypto;
use crate::http::UncachedJson;
use crate::http::error::ApiError;

/// Headers whose values are shown. None of them can have a credential.
const SHOWN: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "x-fc-base-path",
    "x-fc-control-path",
    "x-fc-function-timeout",
    "x-fc-region",
    "x-fc-request-id",
    "x-fc-retry-count",
];

/// The beginning of the headers that only the measurement sends.
const OWN_HEADERS: &str = "x-conformance-";

/// The address that the measurement sends as one of a client. It is reserved for documentation (RFC 5737).
const TEST_ADDRESS: &str = "203.0.113.7";

/// The origin in the CORS header of the response. No page has it.
const TEST_ORIGIN: HeaderValue = HeaderValue::from_static("https://conformance.invalid");

/// The longest time that a response waits.
const MAX_WAIT: Duration = Duration::from_secs(6);

/// The largest additional header of a response in bytes.
const MAX_PADDING: usize = 16 * 1024;

/// What has arrived.
#[derive(Serialize)]
struct EchoResponse<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: Vec<EchoHeader<'a>>,
    /// Whether the platform has sent the keys of the role in headers. The runtime removes these.
    role_keys: bool,
    body: EchoBody,
}

/// A header; `value` only if it is safe to show.
#[derive(Serialize)]
struct EchoHeader<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

#[derive(Serialize)]
struct EchoBody {
    bytes: usize,
    /// In hex.
    sha256: String,
}

/// Builds the router of the path, which is merged where the setting is on.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/conformance/echo", any(echo))
        .route("/conformance/echo/{*rest}", any(echo))
}

async fn echo(request: Request) -> Result<Response, ApiError> {
    let role_keys = request.context().is_some_and(|context| context.role_keys.is_some());
    let (parts, body) = request.into_parts();
    let body = body.collect().await;
    let body = body.map_err(|_| ApiError::Internal("a body in memory could not be read"))?;
    let body = body.to_bytes();
    let wait = parameter(&parts.uri, "wait").map_or(Duration::ZERO, Duration::from_millis);
    tokio::time::sleep(wait.min(MAX_WAIT)).await;
    let headers = parts.headers.iter();
    let mut response = UncachedJson(EchoResponse {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: headers.map(|(name, value)| EchoHeader::new(name, value)).collect(),
        role_keys,
        body: EchoBody { bytes: body.len(), sha256: crypto::hex(&crypto::sha256(&body)) },
    })
    .into_response();
    let status = parameter(&parts.uri, "status").and_then(|status| u16::try_from(status).ok());
    if let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, TEST_ORIGIN);
    headers.insert(SERVER, HeaderValue::from_static("conformance"));
    headers.insert("x-fc-conformance", HeaderValue::from_static("1"));
    if let Ok(method) = HeaderValue::from_str(parts.method.as_str()) {
        headers.insert("x-conformance-method", method);
    }
    let padding = parameter(&parts.uri, "headers").unwrap_or_default();
    let padding = usize::try_from(padding).unwrap_or(MAX_PADDING).min(MAX_PADDING);
    if let Some(padding) = HeaderValue::from_str(&"p".repeat(padding)).ok().filter(|_| padding > 0)
    {
        headers.insert("x-conformance-padding", padding);
    }
    Ok(response)
}

impl<'a> EchoHeader<'a> {
    fn new(name: &'a HeaderName, value: &'a HeaderValue) -> Self {
        let name = name.as_str();
        let value = value.to_str().ok().filter(|value| {
            SHOWN.contains(&name) || name.starts_with(OWN_HEADERS) || *value == TEST_ADDRESS
        });
        Self { name, value }
    }
}

/// Returns a number of the query.
fn parameter(uri: &Uri, name: &str) -> Option<u64> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(one, _)| *one == name).and_then(|(_, number)| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::config::Settings;
    use crate::config::environment::Environment;
    use crate::time::Timestamp;

    async fn call(variables: &[(&str, &str)], request: http::Request<&'static str>) -> Response {
        let mut environment = Environment::default();
        let needed =
            [("OSS_BUCKET", "b-b"), ("OSS_REGION", "cn-hangzhou"), ("UPLOAD_AUTH", "origin")];
        for (name, value) in needed.iter().chain(variables) {
            environment.set(name, *value);
        }
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        let settings = Settings::load(&environment, None, now).unwrap();
        let service = crate::http::service(Arc::new(App::new(settings)));
        service.oneshot(request.map(fc_http::Body::from)).await.unwrap()
    }

    async fn body(response: Response) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    const ON: [(&str, &str); 1] = [("UPLOAD_CONFORMANCE", "1")];

    #[tokio::test]
    async fn without_the_setting_the_path_does_not_exist() {
        for path in ["/conformance/echo", "/conformance/echo/a"] {
            let request = http::Request::get(path).body("").unwrap();
            let refused = call(&[], request).await;
            assert_eq!(refused.status(), StatusCode::NOT_FOUND);
            assert_eq!(body(refused).await["error"], "not_found");
        }
    }

    #[tokio::test]
    async fn names_of_headers_are_shown_and_only_safe_values() {
        let mut request =
            http::Request::put("/conformance/echo/a%20b//c?x=1&x=2").body("body").unwrap();
        for (name, value) in [
            ("host", "signer.example"),
            ("x-conformance-a", "1"),
            ("authorization", "marker"),
            ("cookie", "marker"),
            ("proxy-authorization", "marker"),
            ("uppy-auth-token", "marker"),
            ("x-upload-ticket", "marker"),
            ("x-api-key", "marker"),
            ("x-fc-client-ip", "203.0.113.7"),
            ("x-forwarded-for", "198.51.100.1"),
        ] {
            request.headers_mut().append(name, HeaderValue::from_static(value));
        }
        let response = call(&ON, request).await;
        assert_eq!(response.headers()["x-conformance-method"], "PUT");
        let seen = body(response).await;
        assert_eq!(
            seen,
            json!({
                "method": "PUT",
                "path": "/conformance/echo/a%20b//c",
                "query": "x=1&x=2",
                "headers": [
                    {"name": "host", "value": "signer.example"},
                    {"name": "x-conformance-a", "value": "1"},
                    {"name": "authorization"},
                    {"name": "cookie"},
                    {"name": "proxy-authorization"},
                    {"name": "uppy-auth-token"},
                    {"name": "x-upload-ticket"},
                    {"name": "x-api-key"},
                    {"name": "x-fc-client-ip", "value": "203.0.113.7"},
                    {"name": "x-forwarded-for"},
                ],
                "role_keys": false,
                "body": {
                    "bytes": 4,
                    "sha256": "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5",
                },
            })
        );
    }

    #[tokio::test]
    async fn the_query_chooses_the_status_and_the_size_of_the_headers_within_limits() {
        let request = |query: &str| {
            http::Request::get(format!("/conformance/echo?{query}")).body("").unwrap()
        };
        let response = call(&ON, request("status=418&headers=99999999")).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        assert_eq!(response.headers()["x-conformance-padding"].len(), MAX_PADDING);
        for query in ["status=99999&headers=-1&wait=x", "status=1"] {
            let response = call(&ON, request(query)).await;
            assert_eq!(response.status(), StatusCode::OK, "{query}");
            assert!(!response.headers().contains_key("x-conformance-padding"));
        }
    }
}
