//! A role, taken with the credentials of another provider.
//!
//! The base credentials are fetched for each exchange; the base provider may cache them. When STS reports
//! their token as expired, they are fetched once more, since the provider may have newer ones.

use std::sync::Arc;

use crate::credentials::sts::request::StsAuthentication;
use crate::credentials::sts::{ExchangeError, RoleRequest, StsClient};
use crate::credentials::{
    Credentials, FetchDeadline, FetchFuture, FetchRequest, Provider, ProviderError,
    ProviderErrorKind,
};

/// Takes a role with the credentials of another provider.
#[derive(Clone, Debug)]
pub struct AssumeRole {
    base: Arc<dyn Provider>,
    role: RoleRequest,
    sts: StsClient,
}

impl AssumeRole {
    /// Takes `role` with the credentials of `base`.
    #[must_use]
    pub fn new(base: Arc<dyn Provider>, role: RoleRequest, sts: StsClient) -> Self {
        Self { base, role, sts }
    }

    async fn assume(
        &self,
        request: FetchRequest<'_>,
        deadline: &FetchDeadline,
    ) -> Result<Credentials, ProviderError> {
        match self.exchange(request, deadline).await {
            Err(error) if error.is_stale => self.exchange(request, deadline).await,
            done => done,
        }
        .map_err(|error| error.error)
    }

    async fn exchange(
        &self,
        request: FetchRequest<'_>,
        deadline: &FetchDeadline,
    ) -> Result<Credentials, ExchangeError> {
        let key = self.base.fetch(deadline.remaining(request)).await.map_err(|error| {
            let reason = format!("no key to take the role with: {}", error.reason);
            // A configured role is never skipped in favour of the next provider, which may have wider
            // permissions. The next request may succeed.
            match error.kind {
                ProviderErrorKind::Permanent => ProviderError::permanent(reason),
                ProviderErrorKind::Absent | ProviderErrorKind::Temporary => {
                    ProviderError::temporary(reason)
                }
            }
        })?;
        self.sts.exchange(&self.role, StsAuthentication::AccessKey(&key), deadline).await
    }
}

impl Provider for AssumeRole {
    fn name(&self) -> &'static str {
        "assume-role"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(async move {
            let deadline = FetchDeadline::start(request);
            deadline.limit(self.assume(request, &deadline)).await
        })
    }
}
