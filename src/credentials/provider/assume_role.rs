//! A role, taken with another source's key.
//!
//! The base key is fetched anew for each exchange; whether it is kept is the base's business. When
//! STS finds its token expired, the base is asked once more: it may have a newer one.

use std::sync::Arc;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::FailureKind;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::sts::RoleRequest;
use crate::credentials::sts::Sts;
use crate::credentials::sts::call;
use crate::credentials::sts::call::Declined;
use crate::credentials::sts::message::Proof;
use crate::credentials::sts::watch::Watch;

/// Takes a role with the key of another source.
#[derive(Clone, Debug)]
pub struct AssumeRole {
    base: Arc<dyn Provider>,
    request: RoleRequest,
    sts: Sts,
}

impl AssumeRole {
    /// Will take the role that `request` names, with keys of `base`.
    #[must_use]
    pub fn new(base: Arc<dyn Provider>, request: RoleRequest, sts: Sts) -> Self {
        Self { base, request, sts }
    }

    async fn take(&self, errand: Errand<'_>, watch: &Watch) -> Result<Credentials, Failure> {
        match self.exchange(errand, watch).await {
            Err(declined) if declined.is_stale => self.exchange(errand, watch).await,
            done => done,
        }
        .map_err(|declined| declined.failure)
    }

    async fn exchange(&self, errand: Errand<'_>, watch: &Watch) -> Result<Credentials, Declined> {
        let key = self.base.fetch(watch.pass_on(errand)).await.map_err(|failure| {
            let reason = format!("no key to take the role with: {}", failure.reason);
            // A role that was asked for is never passed over for whatever source comes next: that
            // one may be allowed more. A key can still come, with the next request.
            match failure.kind {
                FailureKind::Permanent => Failure::permanent(reason),
                FailureKind::Absent | FailureKind::Temporary => Failure::temporary(reason),
            }
        })?;
        call::exchange(&self.sts, &self.request, Proof::Key(&key), watch).await
    }
}

impl Provider for AssumeRole {
    fn name(&self) -> &'static str {
        "assume-role"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(async move {
            let watch = Watch::start(errand);
            watch.limit(self.take(errand, &watch)).await
        })
    }
}
