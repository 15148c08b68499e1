//! Several sources in their order, as Alibaba's own libraries have it.
//!
//! A source that is not set up here is passed over. One that is set up and fails is the end of the
//! walk: to go on would be to sign as somebody else, as a pod whose own role cannot be had for a
//! moment would as its node. The source that gave is asked alone from then on, until it no longer
//! gives; then the walk starts from the top again, so whatever is mended later is found.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::FailureKind;
use crate::credentials::Fetching;
use crate::credentials::Provider;

/// No source has given yet.
const NOBODY: usize = usize::MAX;

/// The sources of one process, in order.
#[derive(Debug)]
pub struct Chain {
    sources: Vec<Arc<dyn Provider>>,
    /// The place of the source that gave last.
    giver: AtomicUsize,
}

impl Chain {
    /// Will ask these sources in this order.
    #[must_use]
    pub fn new(sources: Vec<Arc<dyn Provider>>) -> Self {
        Self { sources, giver: AtomicUsize::new(NOBODY) }
    }

    async fn walk(&self, errand: Errand<'_>) -> Result<Credentials, Failure> {
        // Whoever gave last is out of favour until it has given again.
        let giver = self.giver.swap(NOBODY, Ordering::Relaxed);
        let others = (0..self.sources.len()).filter(|place| *place != giver);
        let mut passed = Vec::new();
        for place in std::iter::once(giver).chain(others) {
            let Some(source) = self.sources.get(place) else { continue };
            match source.fetch(errand).await {
                Ok(credentials) => {
                    self.giver.store(place, Ordering::Relaxed);
                    return Ok(credentials);
                }
                Err(failure) if failure.kind == FailureKind::Absent => {
                    passed.push(format!("{}: {failure}", source.name()));
                }
                Err(failure) => {
                    let reason = format!("{}: {failure}", source.name());
                    return Err(Failure { reason, ..failure });
                }
            }
        }
        Err(Failure::absent(passed.join("; ")))
    }
}

impl Provider for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(self.walk(errand))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::credentials::scripted::Scripted;
    use crate::time::Timestamp;

    fn absent() -> Result<(), Failure> {
        Err(Failure::absent("not set up"))
    }

    fn down() -> Result<(), Failure> {
        Err(Failure::temporary("down"))
    }

    async fn ask(chain: &Chain) -> Result<String, Failure> {
        let now = Timestamp::from_unix(1_000).unwrap();
        let errand = Errand { hint: None, now, patience: Duration::from_secs(1) };
        chain.fetch(errand).await.map(|credentials| credentials.key_id)
    }

    #[tokio::test]
    async fn a_source_that_is_set_up_and_fails_is_not_replaced_by_another_identity() {
        let (oidc, node) = (Scripted::new("oidc", vec![down()]), Scripted::new("node", vec![]));
        let chain = Chain::new(vec![oidc.clone(), node.clone()]);
        assert_eq!(ask(&chain).await.unwrap_err(), Failure::temporary("oidc: down"));
        assert_eq!(ask(&chain).await.unwrap(), "oidc");
        assert_eq!(node.fetches(), 0);
    }

    #[tokio::test]
    async fn a_total_failure_names_every_source_and_does_not_stick() {
        let first = Scripted::new("first", vec![absent()]);
        let last = Scripted::new("last", vec![absent(), absent(), absent()]);
        let chain = Chain::new(vec![first, last]);
        let failure = ask(&chain).await.unwrap_err();
        assert_eq!(failure, Failure::absent("first: not set up; last: not set up"));
        // What was mended is found, although it is not the source that was asked last.
        assert_eq!(ask(&chain).await.unwrap(), "first");
    }

    #[tokio::test]
    async fn the_giver_is_asked_alone_until_it_no_longer_gives() {
        let first = Scripted::new("first", vec![absent(), Ok(())]);
        let second = Scripted::new("second", vec![Ok(()), Ok(()), absent()]);
        let chain = Chain::new(vec![first.clone(), second.clone()]);
        assert_eq!(ask(&chain).await.unwrap(), "second");
        assert_eq!(ask(&chain).await.unwrap(), "second");
        assert_eq!((first.fetches(), second.fetches()), (1, 2));
        assert_eq!(ask(&chain).await.unwrap(), "first");
        assert_eq!((first.fetches(), second.fetches()), (2, 3));
    }

    #[tokio::test]
    async fn a_giver_that_fails_is_asked_again_after_those_before_it() {
        let first = Scripted::new("first", vec![absent(), absent()]);
        let second = Scripted::new("second", vec![Ok(()), down()]);
        let chain = Chain::new(vec![first.clone(), second]);
        assert_eq!(ask(&chain).await.unwrap(), "second");
        assert_eq!(ask(&chain).await.unwrap_err(), Failure::temporary("second: down"));
        assert_eq!(ask(&chain).await.unwrap(), "second");
        assert_eq!(first.fetches(), 2);
    }
}
