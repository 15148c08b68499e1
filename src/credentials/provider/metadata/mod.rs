//! The metadata service of ECS and ECI: the key of the role that is attached to the instance.
//!
//! A token is fetched first and shown with both questions after it. A service that knows no tokens
//! is asked without one, unless that is forbidden. The service refuses what comes through a proxy,
//! so none is used. Off the cloud nobody answers: that is "not set up here", after one second.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::provider::reply;
use crate::net::HttpClient;
use crate::net::RequestLimits;
use crate::net::SendError;
use crate::secret::Secret;

/// Where the service is, on every instance.
pub const ADDRESS: &str = "http://100.100.100.200";

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
const TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";

/// The longest life of a token that the service grants.
const TTL: &str = "21600";

/// How long one call may take: the service is next door, or it is not there.
const CALL_TIME: Duration = Duration::from_secs(1);

/// The longest name of a role.
const MAX_ROLE: usize = 64;

/// How the service is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataOptions {
    /// Scheme and host: [`ADDRESS`], but for tests.
    pub base_url: String,
    /// The role's name; without one the service is asked for it.
    pub role: Option<String>,
    /// Whether asking without a token is forbidden (`ALIBABA_CLOUD_IMDSV1_DISABLED`).
    pub token_only: bool,
}

/// Asks the metadata service.
#[derive(Debug)]
pub struct Metadata {
    options: MetadataOptions,
    http: Arc<dyn HttpClient>,
    /// Set by the first good answer: from then on silence is a fault, and no longer a sign that
    /// this is no instance.
    known: AtomicBool,
}

impl Metadata {
    /// Will ask the service that `options` describe.
    #[must_use]
    pub fn new(options: MetadataOptions, http: Arc<dyn HttpClient>) -> Self {
        Self { options, http, known: AtomicBool::new(false) }
    }

    async fn ask(&self, errand: Errand<'_>) -> Result<Credentials, Failure> {
        let time = CALL_TIME.min(errand.patience);
        let token = self.fetch_token(time).await?;
        let role = match &self.options.role {
            Some(role) => check_role(role)
                .ok_or_else(|| Failure::permanent("the role's name holds what no name holds"))?,
            None => &self.discover(token.as_ref(), time).await?,
        };
        let answer = self.get(&format!("{ROLES_PATH}{role}"), token.as_ref(), time).await?;
        match answer.status() {
            StatusCode::OK => reply::read(answer.body(), errand.now),
            StatusCode::NOT_FOUND if self.options.role.is_some() => Err(Failure::permanent(
                "the instance does not have this role: set ALIBABA_CLOUD_ECS_METADATA to the one \
                 that is attached, or leave it out",
            )),
            status => Err(refusal(status, token.is_some())),
        }
    }

    /// Fetches a token; none when the service knows no tokens and may be asked without one.
    async fn fetch_token(&self, time: Duration) -> Result<Option<Secret>, Failure> {
        let request = Request::builder().method(Method::PUT).header(TTL_HEADER, TTL);
        let answer = self.send(request, TOKEN_PATH, time).await?;
        let status = answer.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(refusal(status, false));
        }
        let token = (status == StatusCode::OK).then(|| first_line(answer.body())).flatten();
        match token.filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic())) {
            Some(token) => Ok(Some(Secret::new(token))),
            None if self.options.token_only => Err(Failure::permanent(format!(
                "the service gives no token (status {}) and ALIBABA_CLOUD_IMDSV1_DISABLED forbids \
                 to ask without one: let PUT requests reach it without a proxy",
                status.as_u16()
            ))),
            None => Ok(None),
        }
    }

    /// Asks for the name of the attached role.
    async fn discover(&self, token: Option<&Secret>, time: Duration) -> Result<String, Failure> {
        let absent = || Failure::absent("no role is attached to this instance");
        let answer = self.get(ROLES_PATH, token, time).await?;
        match answer.status() {
            StatusCode::OK => {
                let role = first_line(answer.body()).ok_or_else(absent)?;
                let role = check_role(role).ok_or_else(|| {
                    Failure::temporary("the service's answer is no name of a role")
                })?;
                Ok(role.to_owned())
            }
            StatusCode::NOT_FOUND => Err(absent()),
            status => Err(refusal(status, token.is_some())),
        }
    }

    async fn get(
        &self,
        path: &str,
        token: Option<&Secret>,
        time: Duration,
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::builder().method(Method::GET);
        if let Some(token) = token {
            request = request.header(TOKEN_HEADER, token.expose());
        }
        self.send(request, path, time).await
    }

    async fn send(
        &self,
        request: http::request::Builder,
        path: &str,
        time: Duration,
    ) -> Result<Response<Bytes>, Failure> {
        let uri = format!("{}{path}", self.options.base_url.trim_end_matches('/'));
        let request = request
            .uri(uri)
            .body(Bytes::new())
            .map_err(|_| Failure::permanent("the service's address cannot be used"))?;
        let limits = RequestLimits { timeout: time, max_body: reply::MAX_BODY, use_proxy: false };
        let answer = self.http.send(request, limits).await.map_err(|error| self.silence(&error))?;
        if answer.status() == StatusCode::OK {
            self.known.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// Judges that there was no answer.
    fn silence(&self, error: &SendError) -> Failure {
        let known = self.known.load(Ordering::Relaxed);
        match error {
            SendError::Unreachable(_) | SendError::TimedOut if !known => Failure::absent(format!(
                "no metadata service here: {error}; ALIBABA_CLOUD_ECS_METADATA_DISABLED=true saves \
                 asking"
            )),
            _ => Failure::temporary(format!("the metadata service failed: {error}")),
        }
    }
}

impl Provider for Metadata {
    fn name(&self) -> &'static str {
        "metadata"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(async move {
            let answer = tokio::time::timeout(errand.patience, self.ask(errand)).await;
            answer.unwrap_or_else(|_| Err(self.silence(&SendError::TimedOut)))
        })
    }
}

/// Judges a status that brings no answer.
fn refusal(status: StatusCode, with_token: bool) -> Failure {
    let number = status.as_u16();
    match number {
        403 if with_token => Failure::permanent(
            "the service refuses its own token (status 403): something between adds \
             X-Forwarded-For; let the call go out directly",
        ),
        401 | 403 if !with_token => Failure::permanent(format!(
            "the instance demands a token (status {number}) and gave none: let PUT requests reach \
             the service without a proxy"
        )),
        _ => Failure::temporary(format!("the metadata service answered with status {number}")),
    }
}

/// Gives the first line with something on it.
fn first_line(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok()?.lines().map(str::trim).find(|line| !line.is_empty())
}

/// Lets through what can be a role's name: it becomes part of an address.
fn check_role(role: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let role = role.trim();
    let is_name = (1..=MAX_ROLE).contains(&role.len()) && role.bytes().all(fits);
    (is_name && !role.bytes().all(|byte| byte == b'.')).then_some(role)
}

#[cfg(test)]
mod tests;
