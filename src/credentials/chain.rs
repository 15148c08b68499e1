//! The sources in their order: the request's own keys first, since they are the freshest.

use std::sync::Arc;

use crate::credentials::Credentials;
use crate::credentials::Provider;
use crate::credentials::RoleKeys;
use crate::credentials::Unavailable;
use crate::credentials::environment::EnvironmentKey;
use crate::credentials::request::RequestKeys;
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
    request: Option<RequestKeys>,
    environment: Option<EnvironmentKey>,
}

impl Chain {
    /// Keeps the sources that `source` admits.
    #[must_use]
    pub fn new(source: Source, environment: Option<EnvironmentKey>) -> Self {
        Self {
            request: (source != Source::Environment).then_some(RequestKeys),
            environment: environment.filter(|_| source != Source::Request),
        }
    }

    /// Gives credentials usable at `now` from the first source that has them.
    pub fn provide(
        &self,
        hint: Option<&RoleKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, Unavailable> {
        let sources: [Option<&dyn Provider>; 2] =
            [self.request.as_ref().map(|s| s as _), self.environment.as_ref().map(|s| s as _)];
        for source in sources.into_iter().flatten() {
            if let Some(credentials) = source.provide(hint, now)? {
                return Ok(credentials);
            }
        }
        Err(Unavailable::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::environment::ROLE_KEY_LIFETIME;
    use crate::secret::Secret;

    fn chosen(
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
            .map(|found| found.key_id.clone())
    }

    #[test]
    fn the_order_and_the_pin_decide() {
        let table = [
            (Source::Auto, Some("STS.role"), true, Ok("STS.role")),
            (Source::Auto, Some("garbage"), true, Ok("from-env")),
            (Source::Auto, None, true, Ok("from-env")),
            (Source::Auto, None, false, Err(Unavailable::Missing)),
            (Source::Auto, Some("garbage"), false, Err(Unavailable::Missing)),
            (Source::Request, Some("STS.role"), true, Ok("STS.role")),
            (Source::Request, None, true, Err(Unavailable::Missing)),
            (Source::Environment, Some("STS.role"), true, Ok("from-env")),
            (Source::Environment, Some("STS.role"), false, Err(Unavailable::Missing)),
        ];
        for (source, hint, environment, expected) in table {
            let found = chosen(source, hint, environment);
            assert_eq!(found, expected.map(str::to_owned), "{source:?} {hint:?} {environment}");
        }
    }
}
