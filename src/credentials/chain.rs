//! Several providers in the order of Alibaba's own libraries.
//!
//! A provider that is not configured here is skipped. One that is configured and fails ends the search: the
//! next one has another identity. A pod, for example, would sign as its node while its own role is
//! unavailable. The provider that has succeeded is the only one to be called until it fails; then the search
//! starts from the beginning, so that a repaired provider is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::credentials::{
    Credentials, FetchFuture, FetchRequest, Provider, ProviderError, ProviderErrorKind,
};

/// No provider has succeeded yet.
const NONE: usize = usize::MAX;

/// The providers of one process, in order.
#[derive(Debug)]
pub struct ProviderChain {
    providers: Vec<Arc<dyn Provider>>,
    /// Index of the provider that has succeeded last.
    last_used: AtomicUsize,
}

impl ProviderChain {
    /// Fetches nothing yet.
    #[must_use]
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        Self { providers, last_used: AtomicUsize::new(NONE) }
    }

    async fn search(&self, request: FetchRequest<'_>) -> Result<Credentials, ProviderError> {
        // Only a success is remembered, so a failing provider loses its precedence.
        let last_used = self.last_used.swap(NONE, Ordering::Relaxed);
        let others = (0..self.providers.len()).filter(|index| *index != last_used);
        let mut skipped = Vec::new();
        for index in std::iter::once(last_used).chain(others) {
            let Some(provider) = self.providers.get(index) else { continue };
            match provider.fetch(request).await {
                Ok(credentials) => {
                    self.last_used.store(index, Ordering::Relaxed);
                    return Ok(credentials);
                }
                Err(error) if error.kind == ProviderErrorKind::Absent => {
                    skipped.push(format!("{}: {error}", provider.name()));
                }
                Err(error) => {
                    let reason = format!("{}: {error}", provider.name());
                    return Err(ProviderError { reason, ..error });
                }
            }
        }
        Err(ProviderError::absent(skipped.join("; ")))
    }
}

impl Provider for ProviderChain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(self.search(request))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::credentials::test_provider::TestProvider;
    use crate::time::Timestamp;

    fn absent() -> Result<(), ProviderError> {
        Err(ProviderError::absent("not set up"))
    }

    fn down() -> Result<(), ProviderError> {
        Err(ProviderError::temporary("down"))
    }

    async fn fetch(chain: &ProviderChain) -> Result<String, ProviderError> {
        let now = Timestamp::from_unix(1_000).unwrap();
        let request = FetchRequest { platform_keys: None, now, timeout: Duration::from_secs(1) };
        chain.fetch(request).await.map(|credentials| credentials.key_id)
    }

    #[tokio::test]
    async fn a_failing_provider_is_not_replaced_by_another_identity() {
        let (oidc, node) =
            (TestProvider::new("oidc", vec![down()]), TestProvider::new("node", vec![]));
        let chain = ProviderChain::new(vec![oidc.clone(), node.clone()]);
        assert_eq!(fetch(&chain).await.unwrap_err(), ProviderError::temporary("oidc: down"));
        assert_eq!(fetch(&chain).await.unwrap(), "oidc");
        assert_eq!(node.fetches(), 0);
    }

    #[tokio::test]
    async fn a_total_failure_names_every_provider_and_is_not_remembered() {
        let first = TestProvider::new("first", vec![absent()]);
        let last = TestProvider::new("last", vec![absent(), absent(), absent()]);
        let chain = ProviderChain::new(vec![first, last]);
        let failure = fetch(&chain).await.unwrap_err();
        assert_eq!(failure, ProviderError::absent("first: not set up; last: not set up"));
        // The repaired provider is found, although it is not the one that was called last.
        assert_eq!(fetch(&chain).await.unwrap(), "first");
    }

    #[tokio::test]
    async fn the_provider_that_has_succeeded_is_called_alone_until_it_fails() {
        let first = TestProvider::new("first", vec![absent(), Ok(())]);
        let second = TestProvider::new("second", vec![Ok(()), Ok(()), absent()]);
        let chain = ProviderChain::new(vec![first.clone(), second.clone()]);
        assert_eq!(fetch(&chain).await.unwrap(), "second");
        assert_eq!(fetch(&chain).await.unwrap(), "second");
        assert_eq!((first.fetches(), second.fetches()), (1, 2));
        assert_eq!(fetch(&chain).await.unwrap(), "first");
        assert_eq!((first.fetches(), second.fetches()), (2, 3));
    }

    #[tokio::test]
    async fn a_provider_that_has_failed_is_called_again_after_those_before_it() {
        let first = TestProvider::new("first", vec![absent(), absent()]);
        let second = TestProvider::new("second", vec![Ok(()), down()]);
        let chain = ProviderChain::new(vec![first.clone(), second]);
        assert_eq!(fetch(&chain).await.unwrap(), "second");
        assert_eq!(fetch(&chain).await.unwrap_err(), ProviderError::temporary("second: down"));
        assert_eq!(fetch(&chain).await.unwrap(), "second");
        assert_eq!(first.fetches(), 2);
    }
}
