//! Which sources there are, and how they are put together: what the settings say, made real.

use std::sync::Arc;
use std::time::Duration;

use crate::credentials::Means;
use crate::credentials::broker::Broker;
use crate::credentials::environment::EnvironmentKey;
use crate::credentials::own::Own;

/// Which sources may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// All of them, in their order.
    #[default]
    Auto,
    /// Only the keys that come with each request.
    Request,
    /// Only the environment.
    Environment,
}

/// What the settings say of credentials.
#[derive(Debug)]
pub struct Sources {
    /// Which sources may be asked.
    pub source: Source,
    /// The key in the environment, if there is one.
    pub environment_key: Option<EnvironmentKey>,
    /// How long the longest form lasts.
    pub longest: Duration,
}

impl Sources {
    /// Puts the sources together.
    #[must_use]
    pub fn build(self, _means: &Means) -> Broker {
        let own = Own {
            request: matches!(self.source, Source::Auto | Source::Request),
            environment: self.environment_key.filter(|_| self.source != Source::Request),
            discovered: None,
        };
        Broker::new(Arc::new(own), None)
    }
}
