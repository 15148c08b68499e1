//! STS: the temporary key of a role, in exchange for another key or for the identity token of a pod.
//!
//! This file sends the requests and repeats them. The other files are pure: the request as text and its
//! signature, the response and what an error means, the role, the endpoint. [`AssumeRole`] and
//! [`OidcProvider`] choose the key or the token.
//!
//! [`AssumeRole`]: crate::credentials::assume_role::AssumeRole
//! [`OidcProvider`]: crate::credentials::providers::oidc::OidcProvider

pub mod endpoint;
pub mod request;
pub mod response;
mod role;

pub use role::{RoleError, RoleRequest};

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::credentials::sts::request::{StsAuthentication, StsRequest};
use crate::credentials::sts::response::RetryAdvice;
use crate::credentials::{Credentials, FetchDeadline, ProviderContext, ProviderError};
use crate::crypto::hex;
use crate::net::{RequestLimits, SendError};
use crate::time::Timestamp;

/// The longest pauses before the second and the third attempt; there is no fourth.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// Limit of one attempt. A request takes some tens of milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a response. A usual one has about two thousand, most of them the token.
const MAX_RESPONSE: usize = 64 * 1024;

/// Sends requests to STS.
#[derive(Clone, Debug)]
pub struct StsClient {
    /// Scheme and host, such as `https://sts.cn-hangzhou.aliyuncs.com`; see [`endpoint::choose`].
    pub endpoint: String,
    /// The network and the randomness.
    pub context: ProviderContext,
}

/// The reason why STS has given no key.
#[derive(Debug)]
pub(in crate::credentials) struct ExchangeError {
    pub(in crate::credentials) error: ProviderError,
    /// Whether a newer key or token may help.
    pub(in crate::credentials) is_stale: bool,
}

impl From<ProviderError> for ExchangeError {
    fn from(error: ProviderError) -> Self {
        Self { error, is_stale: false }
    }
}

/// What follows a failed attempt.
enum AttemptError {
    /// No further attempt.
    Final(ExchangeError),
    /// Another attempt after a pause, at least as long as the server demands.
    Retry(ProviderError, Option<Duration>),
    /// Another attempt with the server's time.
    WrongClock(ProviderError, Timestamp),
}

impl StsClient {
    /// Exchanges a key or a token for a role's key. Repeated requests do no harm, since STS has no state for
    /// them; each has a new nonce and the time of its attempt.
    pub(in crate::credentials) async fn exchange(
        &self,
        role: &RoleRequest,
        authentication: StsAuthentication<'_>,
        deadline: &FetchDeadline,
    ) -> Result<Credentials, ExchangeError> {
        let mut clock = ServerClock::default();
        let mut pauses = PAUSES.iter();
        loop {
            let nonce = hex(&self.random()?);
            let now = clock.correct(deadline.now());
            let request = StsRequest::new(role, authentication, &nonce, now);
            let response = self.send(&request, deadline).await;
            let error =
                match response.and_then(|response| read(&response, &request, deadline.now())) {
                    Ok(credentials) => return Ok(credentials),
                    Err(error) => error,
                };
            match (error, pauses.next()) {
                (AttemptError::Final(error), _) => return Err(error),
                (AttemptError::WrongClock(_, server_time), Some(_))
                    if clock.set(deadline.now(), server_time) => {}
                (AttemptError::Retry(error, minimum), Some(longest)) => {
                    let pause = self.jitter(*longest)?.max(minimum.unwrap_or_default());
                    if pause >= deadline.left() {
                        return Err(error.into());
                    }
                    tokio::time::sleep(pause).await;
                }
                (AttemptError::WrongClock(error, _) | AttemptError::Retry(error, _), _) => {
                    return Err(error.into());
                }
            }
        }
    }

    async fn send(
        &self,
        request: &StsRequest,
        deadline: &FetchDeadline,
    ) -> Result<Response<Bytes>, AttemptError> {
        let request = request.to_http(&self.endpoint).map_err(|_| {
            let error = ProviderError::permanent("the address of STS cannot be used");
            AttemptError::Final(error.into())
        })?;
        let timeout = deadline.left().min(ATTEMPT_TIMEOUT);
        let limits = RequestLimits { timeout, max_body: MAX_RESPONSE, use_proxy: true };
        self.context.http.send(request, limits).await.map_err(|cause| {
            let error = ProviderError::temporary(format!("STS could not be reached: {cause}"));
            match cause {
                SendError::TooLong => AttemptError::Final(error.into()),
                _ => AttemptError::Retry(error, None),
            }
        })
    }

    fn random(&self) -> Result<[u8; 16], ProviderError> {
        (self.context.random)().map_err(|_| {
            ProviderError::temporary("the system has no randomness to give; try again")
        })
    }

    /// Returns a random pause up to `longest`, so that many instances do not repeat at the same time.
    fn jitter(&self, longest: Duration) -> Result<Duration, ProviderError> {
        let [first, second, ..] = self.random()?;
        Ok(longest * u32::from(u16::from_be_bytes([first, second])) / u32::from(u16::MAX))
    }
}

fn read(
    response: &Response<Bytes>,
    request: &StsRequest,
    now: Timestamp,
) -> Result<Credentials, AttemptError> {
    response::read(response, now).map_err(|sts_error| {
        let error = sts_error.explain(request);
        match (sts_error.advice(), response::date(response.headers())) {
            (RetryAdvice::Retry, _) => {
                AttemptError::Retry(error, response::retry_after(response.headers()))
            }
            (RetryAdvice::ServerClock, Some(time)) => AttemptError::WrongClock(error, time),
            (RetryAdvice::NewCredentials, _) => {
                AttemptError::Final(ExchangeError { error, is_stale: true })
            }
            (RetryAdvice::ServerClock | RetryAdvice::Later | RetryAdvice::Never, _) => {
                AttemptError::Final(error.into())
            }
        }
    })
}

/// Seconds by which the local clock is behind the server's, once the server has rejected it. Set once: a
/// server that rejects its own time will not accept another one.
#[derive(Default)]
struct ServerClock(Option<i64>);

impl ServerClock {
    fn set(&mut self, local: Timestamp, server: Timestamp) -> bool {
        let is_first = self.0.is_none();
        self.0 = Some(server.unix() - local.unix());
        is_first
    }

    fn correct(&self, local: Timestamp) -> Timestamp {
        Timestamp::from_unix(local.unix() + self.0.unwrap_or_default()).unwrap_or(local)
    }
}
