//! From a wish to a grant: the steps that every signing call shares, in whichever dialect.

use std::sync::Arc;

use crate::app::App;
use crate::credentials::Credentials;
use crate::credentials::RoleKeys;
use crate::grant;
use crate::grant::Ask;
use crate::grant::Grant;
use crate::identity::access::Caller;
use crate::policy::route::Route;
use crate::policy::template::occasion::Facts;
use crate::policy::template::occasion::Occasion;
use crate::routes::problem::Problem;
use crate::runtime::Context;
use crate::secret::Secret;
use crate::time::Timestamp;

/// One call that may sign several wishes, all at one moment with one set of keys.
#[derive(Debug)]
pub(super) struct Signing<'a> {
    app: &'a App,
    /// The route that was asked for.
    pub(super) route: &'a Route,
    caller: Caller,
    credentials: Arc<Credentials>,
    /// The one reading of the clock.
    pub(super) now: Timestamp,
}

impl<'a> Signing<'a> {
    /// Finds the route, lets the caller in, and finds keys to sign with.
    pub(super) async fn open(
        app: &'a App,
        context: Option<&Context>,
        route: Option<&str>,
    ) -> Result<Self, Problem> {
        let caller = app.access.admit();
        let now = app.now();
        let route =
            app.route(route).ok_or_else(|| Problem::RouteNotFound(route.map(str::to_owned)))?;
        let hint = context.and_then(|context| context.role_keys.as_ref()).map(|keys| RoleKeys {
            key_id: keys.access_key_id.to_string(),
            secret: Secret::new(keys.access_key_secret.as_str()),
            token: Secret::new(keys.security_token.as_str()),
        });
        let credentials = app.credentials(None, hint.as_ref(), now).await?;
        Ok(Self { app, route, caller, credentials, now })
    }

    /// Signs one wish.
    pub(super) fn grant(&self, ask: &Ask) -> Result<Grant, Problem> {
        let dice =
            self.app.dice().map_err(|_| Problem::Internal("the system gave no random bytes"))?;
        let occasion = Occasion { now: self.now, dice: &dice, facts: self.facts() };
        grant::issue(ask, self.route, &self.credentials, &occasion)
            .map_err(|refused| Problem::refused(refused, self.route))
    }

    /// What the caller has shown, as far as a key can speak of it.
    fn facts(&self) -> Facts<'_> {
        Facts { subject: self.caller.subject.as_deref(), claim: &|_| None }
    }
}
