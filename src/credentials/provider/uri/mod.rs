//! A credentials URI: a sidecar or a local service that hands out a key to whoever asks.
//!
//! The address may be all the protection that the key has, so no failure shows more of it than the
//! host. Redirects are not followed, and a call without TLS never takes a proxy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Uri;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::provider::reply;
use crate::net::HttpClient;
use crate::net::RequestLimits;
use crate::secret::Secret;

/// How long the call may take.
const CALL_TIME: Duration = Duration::from_secs(10);

/// Asks an address for a key.
#[derive(Debug)]
pub struct CredentialsUri {
    uri: Secret,
    http: Arc<dyn HttpClient>,
}

impl CredentialsUri {
    /// Will ask `uri` (`ALIBABA_CLOUD_CREDENTIALS_URI`). Where none is set there is no source.
    #[must_use]
    pub fn new(uri: Secret, http: Arc<dyn HttpClient>) -> Self {
        Self { uri, http }
    }

    async fn ask(&self, errand: Errand<'_>) -> Result<Credentials, Failure> {
        let uri = read(self.uri.expose()).ok_or_else(|| {
            Failure::permanent(
                "the credentials URI is no address: it begins with http:// or https:// and has a \
                 host",
            )
        })?;
        let host = uri.host().unwrap_or_default().to_owned();
        let at_host = |kind: fn(String) -> Failure, what: &str| {
            kind(format!("the credentials URI on {host} failed: {what}"))
        };
        let limits = RequestLimits {
            timeout: CALL_TIME.min(errand.patience),
            max_body: reply::MAX_BODY,
            use_proxy: uri.scheme_str() == Some("https"),
        };
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        let answer = self
            .http
            .send(request, limits)
            .await
            .map_err(|error| at_host(Failure::temporary, &error.to_string()))?;
        let status = answer.status().as_u16();
        match status {
            200 => reply::read(answer.body(), errand.now)
                .map_err(|failure| at_host(Failure::temporary, &failure.reason)),
            300..=399 => Err(at_host(
                Failure::permanent,
                &format!("status {status} sends elsewhere; give the last address itself"),
            )),
            400..=499 if status != 408 && status != 429 => {
                Err(at_host(Failure::permanent, &format!("status {status}")))
            }
            _ => Err(at_host(Failure::temporary, &format!("status {status}"))),
        }
    }
}

impl Provider for CredentialsUri {
    fn name(&self) -> &'static str {
        "uri"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(self.ask(errand))
    }
}

fn read(text: &str) -> Option<Uri> {
    let uri: Uri = text.trim().parse().ok()?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    (has_host && matches!(uri.scheme_str(), Some("http" | "https"))).then_some(uri)
}

#[cfg(test)]
mod tests;
