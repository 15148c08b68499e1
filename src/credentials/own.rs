//! The function's own identity: the request's keys, else the environment's, else what is found.
//!
//! The first two cost nothing and are looked at for every request, since they are the freshest;
//! what has to be fetched is kept by a cache.

use std::sync::Arc;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::RoleKeys;
use crate::credentials::Unavailable;
use crate::credentials::cache::Cache;
use crate::credentials::cache::Empty;
use crate::credentials::provider::environment::EnvironmentKey;
use crate::credentials::provider::request;
use crate::time::Timestamp;

/// Who this process is.
#[derive(Debug, Default)]
pub struct Own {
    /// Whether the keys of requests are taken.
    pub request: bool,
    /// Whether the environment may be asked.
    pub reads_environment: bool,
    /// The key in the environment, if it may be asked and has one.
    pub environment: Option<EnvironmentKey>,
    /// The sources that have to be asked.
    pub discovered: Option<Cache>,
}

impl Own {
    /// Gives credentials that are usable at `now`.
    pub async fn provide(
        &self,
        hint: Option<&RoleKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, Unavailable> {
        if let Some(credentials) = self.request.then(|| request::read(hint, now)).flatten() {
            return Ok(Arc::new(credentials));
        }
        if let Some(key) = &self.environment {
            return key.read(now);
        }
        match &self.discovered {
            Some(cache) => cache.provide(hint, now).await.map_err(|empty| self.explain(empty)),
            None => Err(Unavailable::Missing(self.passed(None))),
        }
    }

    /// Adds to `reason` why each source that was looked at before had nothing.
    fn passed(&self, reason: Option<String>) -> String {
        let request = "request: it carries no keys of a role";
        let environment = "environment: ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set";
        let before = [(self.request, request), (self.reads_environment, environment)];
        let before = before.into_iter().filter(|(asked, _)| *asked).map(|(_, why)| why.to_owned());
        before.chain(reason).collect::<Vec<_>>().join("; ")
    }

    fn explain(&self, empty: Empty) -> Unavailable {
        match Unavailable::from(empty) {
            Unavailable::Missing(reason) => Unavailable::Missing(self.passed(Some(reason))),
            failing => failing,
        }
    }
}

impl Provider for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(async move {
            let provided = self.provide(errand.hint, errand.now).await;
            provided.map(|credentials| Credentials::clone(&credentials)).map_err(Failure::from)
        })
    }
}
