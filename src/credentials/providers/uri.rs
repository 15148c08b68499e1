//! A credentials URI: a sidecar or a local service that returns a key without authentication.
//!
//! The URL may be the only protection of the key, so errors show its host only. Redirects are not followed, and
//! a request without TLS never uses a proxy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};

use crate::credentials::providers::raw_credentials;
use crate::credentials::{Credentials, FetchFuture, FetchRequest, Provider, ProviderError};
use crate::net::{HttpClient, RequestLimits};
use crate::secret::Secret;

/// Limit of the request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Fetches keys from a URL.
#[derive(Debug)]
pub struct CredentialsUri {
    uri: Secret,
    http: Arc<dyn HttpClient>,
}

impl CredentialsUri {
    /// Fetches from `uri` (`ALIBABA_CLOUD_CREDENTIALS_URI`). Sends nothing yet.
    #[must_use]
    pub fn new(uri: Secret, http: Arc<dyn HttpClient>) -> Self {
        Self { uri, http }
    }

    async fn fetch_key(&self, fetch: FetchRequest<'_>) -> Result<Credentials, ProviderError> {
        let uri = read(self.uri.expose()).ok_or_else(|| {
            ProviderError::permanent(
                "the credentials URI is no address: it begins with http:// or https:// and has a \
                 host",
            )
        })?;
        let host = uri.host().unwrap_or_default().to_owned();
        let at_host = |kind: fn(String) -> ProviderError, what: &str| {
            kind(format!("the credentials URI on {host} failed: {what}"))
        };
        let limits = RequestLimits {
            timeout: REQUEST_TIMEOUT.min(fetch.timeout),
            max_body: raw_credentials::MAX_BODY,
            use_proxy: uri.scheme_str() == Some("https"),
        };
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        let answer = self
            .http
            .send(request, limits)
            .await
            .map_err(|error| at_host(ProviderError::temporary, &error.to_string()))?;
        let status = answer.status().as_u16();
        match status {
            200 => raw_credentials::read_response(answer.body(), fetch.now)
                .map_err(|failure| at_host(ProviderError::temporary, &failure.reason)),
            300..=399 => Err(at_host(
                ProviderError::permanent,
                &format!("status {status} sends elsewhere; give the last address itself"),
            )),
            400..=499 if status != 408 && status != 429 => {
                Err(at_host(ProviderError::permanent, &format!("status {status}")))
            }
            _ => Err(at_host(ProviderError::temporary, &format!("status {status}"))),
        }
    }
}

impl Provider for CredentialsUri {
    fn name(&self) -> &'static str {
        "uri"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(self.fetch_key(request))
    }
}

fn read(text: &str) -> Option<Uri> {
    let uri: Uri = text.trim().parse().ok()?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    (has_host && matches!(uri.scheme_str(), Some("http" | "https"))).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::ProviderErrorKind;
    use crate::credentials::providers::test_http;
    use crate::credentials::providers::test_http::{Outcome, ScriptedHttp, answer};
    use crate::net::SendError;

    const URI: &str = "http://marker-user:marker-password@creds.internal:8080/marker-path?x=marker";

    fn source(uri: &str, script: &Arc<ScriptedHttp>) -> CredentialsUri {
        CredentialsUri::new(Secret::new(uri), Arc::clone(script) as Arc<dyn HttpClient>)
    }

    async fn failure(uri: &str, outcome: Option<Outcome>) -> (ProviderErrorKind, String) {
        let script = ScriptedHttp::new(outcome);
        let failure = source(uri, &script).fetch(test_http::request()).await.unwrap_err();
        (failure.kind, failure.reason)
    }

    #[tokio::test]
    async fn the_request_is_that_of_the_vector() {
        let vector = test_http::vector("credentials-uri-get");
        let script = ScriptedHttp::new([answer(200, &vector["response_body_served"].to_string())]);
        let wire = &vector["wire"];
        let text = |name: &str| wire[name].as_str().unwrap();
        let uri = format!("http://{}{}?{}", text("host"), text("path"), text("raw_query"));
        let given = source(&uri, &script).fetch(test_http::request()).await.unwrap();
        assert_eq!(given.key_id, "STS.imdsAK");
        assert_eq!(given.secret.expose(), "imdsSecret");
        assert_eq!(given.token.unwrap().expose(), "CAISimds");
        assert_eq!(given.usable_until.unwrap().rfc3339(), "2030-01-02T09:04:05Z");

        let calls = script.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].method, text("method"));
        assert_eq!(calls[0].url, uri);
        assert_eq!(calls[0].body, text("raw_body"));
        assert!(calls[0].headers.is_empty(), "no authentication and nothing else");
    }

    #[tokio::test]
    async fn only_a_request_with_tls_may_use_a_proxy() {
        for (uri, proxy) in [("http://localhost:1/k", false), ("https://keys.example/k", true)] {
            let script = ScriptedHttp::new([answer(500, "")]);
            source(uri, &script).fetch(test_http::request()).await.unwrap_err();
            let limits = script.calls()[0].limits;
            assert_eq!((limits.use_proxy, limits.timeout), (proxy, Duration::from_secs(10)));
        }
    }

    #[tokio::test]
    async fn the_text_undefined_is_not_a_url_and_nothing_is_sent() {
        for uri in ["undefined", "null", "", "localhost:8080", "file:///etc/keys", "http://"] {
            let (kind, _) = failure(uri, None).await;
            assert_eq!(kind, ProviderErrorKind::Permanent, "{uri}");
        }
    }

    #[tokio::test]
    async fn an_error_names_the_host_and_nothing_else_of_the_url() {
        let outcomes = [
            answer(404, "marker-body"),
            answer(302, ""),
            answer(503, "marker-body"),
            answer(200, "marker-body"),
            answer(200, r#"{"Code":"marker body"}"#),
            Err(SendError::TimedOut),
        ];
        for outcome in outcomes {
            let (_, reason) = failure(URI, Some(outcome)).await;
            assert!(
                reason.starts_with("the credentials URI on creds.internal failed: "),
                "{reason}"
            );
            assert!(!reason.contains("marker"), "{reason}");
        }
        let shown = format!("{:?}", source(URI, &ScriptedHttp::new([])));
        assert!(!shown.contains("marker"), "{shown}");
    }

    #[tokio::test]
    async fn each_status_is_a_temporary_or_a_permanent_error() {
        use ProviderErrorKind::{Permanent, Temporary};
        for (status, expected) in [
            (204, Temporary),
            (302, Permanent),
            (307, Permanent),
            (401, Permanent),
            (404, Permanent),
            (408, Temporary),
            (429, Temporary),
            (500, Temporary),
        ] {
            assert_eq!(failure(URI, Some(answer(status, ""))).await.0, expected, "{status}");
        }
    }

    #[tokio::test]
    async fn a_code_other_than_success_is_an_error_and_a_missing_one_is_not() {
        let body = test_http::vector("credentials-uri-get")["response_body_served"].to_string();
        let (kind, reason) =
            failure(URI, Some(answer(200, &body.replace("Success", "NotReady")))).await;
        assert_eq!(kind, ProviderErrorKind::Temporary);
        insta::assert_snapshot!(reason, @"the credentials URI on creds.internal failed: the answer's Code is NotReady and not Success");

        let script = ScriptedHttp::new([answer(
            200,
            &body.replace("\"Code\":\"Success\"", "\"Code\":null"),
        )]);
        assert!(source(URI, &script).fetch(test_http::request()).await.is_ok());
    }
}
