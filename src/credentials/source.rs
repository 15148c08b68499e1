//! The credentials of a request: the function's own, or those of a role that it takes.
//!
//! The function's own are the request's keys, then the environment's, then those of the provider chain. The
//! first two cost nothing and are read for every request, because they are the freshest; the chain is behind
//! a cache.

use std::sync::Arc;

use crate::credentials::cache::{BACKOFF, CredentialCache, RefreshError};
use crate::credentials::providers::environment::EnvironmentCredentials;
use crate::credentials::providers::function_compute;
use crate::credentials::session::{RoleSession, SessionPool};
use crate::credentials::{
    Credentials, CredentialsError, FetchFuture, FetchRequest, PlatformKeys, Provider, ProviderError,
};
use crate::store::SharedStore;
use crate::time::Timestamp;

/// Provides the credentials to sign with.
#[derive(Debug)]
pub struct CredentialSource {
    base: Arc<BaseCredentials>,
    role: Option<AssumedRole>,
}

/// A role that the function takes.
#[derive(Debug)]
pub struct AssumedRole {
    /// The session that all routes share.
    pub shared: CredentialCache,
    /// The sessions of single callers.
    pub sessions: SessionPool,
}

impl CredentialSource {
    /// Without a `role`, requests are signed with the `base` credentials.
    #[must_use]
    pub fn new(base: Arc<BaseCredentials>, role: Option<AssumedRole>) -> Self {
        Self { base, role }
    }

    /// Counts the sessions of single callers in a store, together with those of all other instances.
    #[must_use]
    pub fn with_store(mut self, store: Arc<SharedStore>) -> Self {
        self.role =
            self.role.map(|role| AssumedRole { sessions: role.sessions.with_store(store), ..role });
        self
    }

    /// Returns credentials that are usable at `now`: those of `session`, if there is one.
    pub async fn provide(
        &self,
        session: Option<&RoleSession>,
        platform_keys: Option<&PlatformKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, CredentialsError> {
        let provided = match (&self.role, session) {
            (None, None) => return self.base.provide(platform_keys, now).await,
            // The function's own key instead would widen what the caller may do.
            (None, Some(_)) => {
                let reason = "a session for each caller needs role_arn, the role to take";
                return Err(CredentialsError::Missing(reason.to_owned()));
            }
            (Some(role), None) => role.shared.provide(platform_keys, now).await,
            (Some(role), Some(session)) => role.sessions.provide(session, platform_keys, now).await,
        };
        provided.map_err(CredentialsError::from)
    }
}

impl CredentialSource {
    /// Opens a session whose credentials leave the function. Only the role can open one: the function's own credentials
    /// never leave it.
    pub async fn open_session(
        &self,
        session: &RoleSession,
        platform_keys: Option<&PlatformKeys>,
        now: Timestamp,
    ) -> Result<Credentials, CredentialsError> {
        let Some(role) = &self.role else {
            let reason = "session keys need role_arn, the role to take";
            return Err(CredentialsError::Missing(reason.to_owned()));
        };
        let opened = role.sessions.open_once(session, platform_keys, now).await;
        opened.map_err(|error| RefreshError { error, retry_after: BACKOFF }.into())
    }
}

/// The function's own credentials.
#[derive(Debug, Default)]
pub struct BaseCredentials {
    /// Whether the keys in the headers of requests are used.
    pub uses_platform_keys: bool,
    /// Whether the key in the environment is used.
    pub uses_environment: bool,
    /// The key in the environment, if it is used and set.
    pub environment: Option<EnvironmentCredentials>,
    /// The provider chain.
    pub chain: Option<CredentialCache>,
}

impl BaseCredentials {
    /// Returns credentials that are usable at `now`.
    pub async fn provide(
        &self,
        platform_keys: Option<&PlatformKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, CredentialsError> {
        let platform_keys = platform_keys.filter(|_| self.uses_platform_keys);
        if let Some(credentials) = function_compute::read(platform_keys, now) {
            return Ok(Arc::new(credentials));
        }
        if let Some(credentials) = &self.environment {
            return credentials.read(now);
        }
        match &self.chain {
            Some(cache) => {
                cache.provide(platform_keys, now).await.map_err(|error| self.explain(error))
            }
            None => Err(CredentialsError::Missing(self.missing(None))),
        }
    }

    /// Puts the sources before the chain in front of the chain's `reason`.
    fn missing(&self, reason: Option<String>) -> String {
        let request = "request: it carries no keys of a role";
        let environment = "environment: ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set";
        let before = [(self.uses_platform_keys, request), (self.uses_environment, environment)];
        let before = before.into_iter().filter(|(used, _)| *used).map(|(_, why)| why.to_owned());
        before.chain(reason).collect::<Vec<_>>().join("; ")
    }

    fn explain(&self, error: RefreshError) -> CredentialsError {
        match CredentialsError::from(error) {
            CredentialsError::Missing(reason) => {
                CredentialsError::Missing(self.missing(Some(reason)))
            }
            failing => failing,
        }
    }
}

impl Provider for BaseCredentials {
    fn name(&self) -> &'static str {
        "own"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(async move {
            let provided = self.provide(request.platform_keys, request.now).await;
            provided
                .map(|credentials| Credentials::clone(&credentials))
                .map_err(ProviderError::from)
        })
    }
}
