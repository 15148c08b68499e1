//! The sources in their order: the request's own keys first, since they are the freshest.

use std::sync::Arc;

use crate::credentials::Credentials;
use crate::credentials::RoleKeys;
use crate::credentials::Unavailable;
use crate::credentials::environment::EnvironmentKey;
use crate::credentials::request;
use crate::time::Timestamp;

/// Which sources may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The request's keys, then the environment.
    #[default]
    Auto,
    /// Only the keys that come with each request.
    Request,
    /// Only the environment.
    Environment,
}

/// The sources of one process, in order.
#[derive(Debug)]
pub struct Chain {
    request: bool,
    environment: Option<EnvironmentKey>,
}

impl Chain {
    /// Keeps the sources that `source` admits.
    #[must_use]
    pub fn new(source: Source, environment: Option<EnvironmentKey>) -> Self {
        Self {
            request: source != Source::Environment,
            environment: environment.filter(|_| source != Source::Request),
        }
    }

    /// Gives credentials usable at `now` from the first source that has them.
    #[expect(clippy::unused_async, reason = "sources that call out come next")]
    pub async fn provide(
        &self,
        hint: Option<&RoleKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, Unavailable> {
        if let Some(credentials) = self.request.then(|| request::read(hint, now)).flatten() {
            return Ok(Arc::new(credentials));
        }
        match &self.environment {
            Some(key) => key.read(now),
            None => Err(Unavailable::Missing(String::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::environment::ROLE_KEY_LIFETIME;
    use crate::secret::Secret;

    async fn chosen(
        source: Source,
        hint_id: Option<&str>,
        environment: bool,
    ) -> Result<String, Unavailable> {
        let now = Timestamp::from_unix(1_000).unwrap();
        let environment = environment.then(|| {
            EnvironmentKey::new("from-env".into(), Secret::new("s"), None, now, ROLE_KEY_LIFETIME)
        });
        let hint = hint_id.map(|id| RoleKeys {
            key_id: id.into(),
            secret: Secret::new("s"),
            token: Secret::new("t"),
        });
        Chain::new(source, environment)
            .provide(hint.as_ref(), now)
            .await
            .map(|found| found.key_id.clone())
    }

    #[tokio::test]
    async fn the_order_and_the_pin_decide() {
        let table = [
            (Source::Auto, Some("STS.role"), true, Ok("STS.role")),
            (Source::Auto, Some("garbage"), true, Ok("from-env")),
            (Source::Auto, None, true, Ok("from-env")),
            (Source::Auto, None, false, Err(Unavailable::Missing(String::new()))),
            (Source::Auto, Some("garbage"), false, Err(Unavailable::Missing(String::new()))),
            (Source::Request, Some("STS.role"), true, Ok("STS.role")),
            (Source::Request, None, true, Err(Unavailable::Missing(String::new()))),
            (Source::Environment, Some("STS.role"), true, Ok("from-env")),
            (
                Source::Environment,
                Some("STS.role"),
                false,
                Err(Unavailable::Missing(String::new())),
            ),
        ];
        for (source, hint, environment, expected) in table {
            let found = chosen(source, hint, environment).await;
            assert_eq!(found, expected.map(str::to_owned), "{source:?} {hint:?} {environment}");
        }
    }
}
