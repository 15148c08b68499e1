//! The metadata service of ECS and ECI: the key of the role that is attached to the instance.
//!
//! A token is fetched first and sent with both requests after it. A service without tokens gets requests without
//! one, unless that is forbidden. The service refuses requests through a proxy, so none is used. Outside the
//! cloud there is no response: after one second that means "not configured here".

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::credentials::providers::raw_credentials;
use crate::credentials::{Credentials, FetchFuture, FetchRequest, Provider, ProviderError};
use crate::net::{HttpClient, RequestLimits, SendError};
use crate::secret::Secret;

/// The address of the service on every instance.
pub const ADDRESS: &str = "http://100.100.100.200";

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
const TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";

/// The longest lifetime of a token that the service allows, in seconds.
const TTL: &str = "21600";

/// Limit of one request: the service is on the same host, or there is none.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// Characters of a role's name.
const MAX_ROLE: usize = 64;

/// The settings of the metadata service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsMetadataOptions {
    /// Scheme and host: [`ADDRESS`], except in tests.
    pub base_url: String,
    /// The name of the role; without it, the service reports the name.
    pub role: Option<String>,
    /// Whether requests without a token are forbidden (`ALIBABA_CLOUD_IMDSV1_DISABLED`).
    pub token_only: bool,
}

/// Fetches keys from the metadata service.
#[derive(Debug)]
pub struct EcsMetadata {
    options: EcsMetadataOptions,
    http: Arc<dyn HttpClient>,
    /// Set by the first good response. From then on a missing response is a failure, and no longer the sign
    /// that this is not an instance.
    is_known: AtomicBool,
}

impl EcsMetadata {
    /// Sends nothing yet.
    #[must_use]
    pub fn new(options: EcsMetadataOptions, http: Arc<dyn HttpClient>) -> Self {
        Self { options, http, is_known: AtomicBool::new(false) }
    }

    async fn fetch_key(&self, request: FetchRequest<'_>) -> Result<Credentials, ProviderError> {
        let timeout = REQUEST_TIMEOUT.min(request.timeout);
        let token = self.fetch_token(timeout).await?;
        let role = match &self.options.role {
            Some(role) => check_role(role).ok_or_else(|| {
                ProviderError::permanent("the role's name holds what no name holds")
            })?,
            None => &self.fetch_role(token.as_ref(), timeout).await?,
        };
        let answer = self.get(&format!("{ROLES_PATH}{role}"), token.as_ref(), timeout).await?;
        match answer.status() {
            StatusCode::OK => raw_credentials::read_response(answer.body(), request.now),
            StatusCode::NOT_FOUND if self.options.role.is_some() => Err(ProviderError::permanent(
                "the instance does not have this role: set ALIBABA_CLOUD_ECS_METADATA to the one \
                 that is attached, or leave it out",
            )),
            status => Err(status_error(status, token.is_some())),
        }
    }

    /// Fetches a token; `None` when the service has no tokens and does not need one.
    async fn fetch_token(&self, timeout: Duration) -> Result<Option<Secret>, ProviderError> {
        let request = Request::builder().method(Method::PUT).header(TTL_HEADER, TTL);
        let answer = self.send(request, TOKEN_PATH, timeout).await?;
        let status = answer.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(status_error(status, false));
        }
        let token = (status == StatusCode::OK).then(|| first_line(answer.body())).flatten();
        match token.filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic())) {
            Some(token) => Ok(Some(Secret::new(token))),
            None if self.options.token_only => Err(ProviderError::permanent(format!(
                "the service gives no token (status {}) and ALIBABA_CLOUD_IMDSV1_DISABLED forbids \
                 requests without one: let PUT requests reach it without a proxy",
                status.as_u16()
            ))),
            None => Ok(None),
        }
    }

    /// Fetches the name of the attached role.
    async fn fetch_role(
        &self,
        token: Option<&Secret>,
        timeout: Duration,
    ) -> Result<String, ProviderError> {
        let absent = || ProviderError::absent("no role is attached to this instance");
        let answer = self.get(ROLES_PATH, token, timeout).await?;
        match answer.status() {
            StatusCode::OK => {
                let role = first_line(answer.body()).ok_or_else(absent)?;
                let role = check_role(role).ok_or_else(|| {
                    ProviderError::temporary("the service's answer is no name of a role")
                })?;
                Ok(role.to_owned())
            }
            StatusCode::NOT_FOUND => Err(absent()),
            status => Err(status_error(status, token.is_some())),
        }
    }

    async fn get(
        &self,
        path: &str,
        token: Option<&Secret>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, ProviderError> {
        let mut request = Request::builder().method(Method::GET);
        if let Some(token) = token {
            request = request.header(TOKEN_HEADER, token.expose());
        }
        self.send(request, path, timeout).await
    }

    async fn send(
        &self,
        request: http::request::Builder,
        path: &str,
        timeout: Duration,
    ) -> Result<Response<Bytes>, ProviderError> {
        let uri = format!("{}{path}", self.options.base_url.trim_end_matches('/'));
        let request = request
            .uri(uri)
            .body(Bytes::new())
            .map_err(|_| ProviderError::permanent("the service's address cannot be used"))?;
        let limits =
            RequestLimits { timeout, max_body: raw_credentials::MAX_BODY, use_proxy: false };
        let answer =
            self.http.send(request, limits).await.map_err(|error| self.no_response(&error))?;
        if answer.status() == StatusCode::OK {
            self.is_known.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// Returns the error for a missing response.
    fn no_response(&self, error: &SendError) -> ProviderError {
        let is_known = self.is_known.load(Ordering::Relaxed);
        match error {
            SendError::Unreachable(_) | SendError::TimedOut if !is_known => {
                ProviderError::absent(format!(
                    "no metadata service here: {error}; ALIBABA_CLOUD_ECS_METADATA_DISABLED=true saves \
                 asking"
                ))
            }
            _ => ProviderError::temporary(format!("the metadata service failed: {error}")),
        }
    }
}

impl Provider for EcsMetadata {
    fn name(&self) -> &'static str {
        "metadata"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(async move {
            let answer = tokio::time::timeout(request.timeout, self.fetch_key(request)).await;
            answer.unwrap_or_else(|_| Err(self.no_response(&SendError::TimedOut)))
        })
    }
}

/// Returns the error for a status other than 200.
fn status_error(status: StatusCode, with_token: bool) -> ProviderError {
    let number = status.as_u16();
    match number {
        403 if with_token => ProviderError::permanent(
            "the service refuses its own token (status 403): something between adds \
             X-Forwarded-For; let the call go out directly",
        ),
        401 | 403 if !with_token => ProviderError::permanent(format!(
            "the instance demands a token (status {number}) and gave none: let PUT requests reach \
             the service without a proxy"
        )),
        _ => {
            ProviderError::temporary(format!("the metadata service answered with status {number}"))
        }
    }
}

/// Returns the first line that is not empty.
fn first_line(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok()?.lines().map(str::trim).find(|line| !line.is_empty())
}

/// Returns the trimmed name of a role; `None` for other texts, because the name becomes part of a URL.
fn check_role(role: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let role = role.trim();
    let is_name = (1..=MAX_ROLE).contains(&role.len()) && role.bytes().all(fits);
    (is_name && !role.bytes().all(|byte| byte == b'.')).then_some(role)
}

#[cfg(test)]
mod tests;
