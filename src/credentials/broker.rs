//! Whom a request is signed as: the function itself, or a role that it takes.

use std::sync::Arc;

use crate::credentials::Credentials;
use crate::credentials::RoleKeys;
use crate::credentials::Unavailable;
use crate::credentials::cache::Cache;
use crate::credentials::own::Own;
use crate::credentials::sessions::Session;
use crate::credentials::sessions::Sessions;
use crate::time::Timestamp;

/// Gives credentials to whoever signs.
#[derive(Debug)]
pub struct Broker {
    own: Arc<Own>,
    role: Option<Role>,
}

/// A role that is taken: one session for all, and one for each caller whose route asks for it.
#[derive(Debug)]
pub struct Role {
    /// The session that all routes share.
    pub shared: Cache,
    /// The sessions of single callers.
    pub sessions: Sessions,
}

impl Broker {
    /// Signs as the function itself, or as `role`.
    #[must_use]
    pub fn new(own: Arc<Own>, role: Option<Role>) -> Self {
        Self { own, role }
    }

    /// Gives credentials that are usable at `now`; those of `session` where one is asked for.
    pub async fn provide(
        &self,
        session: Option<&Session>,
        hint: Option<&RoleKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, Unavailable> {
        let provided = match (&self.role, session) {
            (None, None) => return self.own.provide(hint, now).await,
            // To fall back to the function's own key would widen what the caller may do.
            (None, Some(_)) => {
                let reason = "a session for each caller needs role_arn, the role to take";
                return Err(Unavailable::Missing(reason.to_owned()));
            }
            (Some(role), None) => role.shared.provide(hint, now).await,
            (Some(role), Some(session)) => role.sessions.provide(session, hint, now).await,
        };
        provided.map_err(Unavailable::from)
    }
}
