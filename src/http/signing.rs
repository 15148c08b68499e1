//! From a wish to a grant: the steps that every signing call shares, in whichever dialect.

use std::sync::Arc;

use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;

use crate::app::App;
use crate::auth::authenticator::RequestCredentials;
use crate::auth::origin::OriginStatus;
use crate::auth::{AuthMethod, Caller};
use crate::credentials::session::RoleSession;
use crate::credentials::session_policy::{ObjectPrefix, UPLOAD_ACTIONS, session_policy};
use crate::credentials::{Credentials, PlatformKeys};
use crate::grant::callback_fields::ReceiptSigner;
use crate::grant::{Grant, GrantError, GrantRequest};
use crate::http::error::ApiError;
use crate::http::own_host;
use crate::http::request::{ApiRequest, Named};
use crate::policy::callback::CallbackTarget;
use crate::policy::route::Route;
use crate::policy::template::{CallerAttributes, RandomBytes, RenderContext};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::{grant, policy};
use fc_http::{Context, ContextExt};

/// What a signing call brings along: who asks, by what they show, and the platform's word on it.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    context: Option<&'a Context>,
    /// What the caller shows; nothing when the platform let them in by its own rules.
    shown: Option<Shown<'a>>,
}

#[derive(Clone, Copy)]
struct Shown<'a> {
    headers: &'a HeaderMap,
    path_ticket: Option<&'a str>,
    origin: OriginStatus,
}

impl<'a> Call<'a> {
    /// Takes what an HTTP request shows, after the origin was judged.
    pub(super) fn of(parts: &'a Parts) -> Self {
        // Where nobody judged the origin, none was allowed.
        let origin = parts.extensions.get().copied().unwrap_or(OriginStatus::Absent);
        let shown = Shown { headers: &parts.headers, path_ticket: None, origin };
        Self { context: parts.extensions.context(), shown: Some(shown) }
    }

    /// Adds the ticket that stood in the path, if one did.
    pub(super) fn with_ticket(mut self, path_ticket: Option<&'a str>) -> Self {
        self.shown = self.shown.map(|shown| Shown { path_ticket, ..shown });
        self
    }

    /// Takes an event invocation: who may invoke the function is settled with the platform.
    pub(super) fn of_platform(context: Option<&'a Context>) -> Self {
        Self { context, shown: None }
    }

    async fn admit(&self, app: &App, route: &str, now: Timestamp) -> Result<Caller, ApiError> {
        let Some(Shown { headers, path_ticket, origin }) = self.shown else {
            return Ok(Caller::without_subject(AuthMethod::Platform));
        };
        Ok(app.admit(&RequestCredentials { headers, path_ticket, origin, route }, now).await?)
    }

    /// Returns the host at which this function was called, if the platform could have led the call here.
    fn own_host(&self, app: &App) -> Option<&'a str> {
        let host = self.shown?.headers.get(HOST)?.to_str().ok()?;
        own_host::is_believed(host, app.region.as_deref()).then_some(host)
    }
}

/// One call that may sign several wishes, all at one moment with one set of keys.
#[derive(Debug)]
pub(super) struct SigningSession<'a> {
    app: &'a App,
    /// The route that was asked for.
    pub(super) route: &'a Route,
    /// Who was let in.
    pub(super) caller: Caller,
    credentials: Arc<Credentials>,
    /// Scheme and host of this function, where OSS is to call it.
    own: Option<String>,
    /// The one reading of the clock.
    pub(super) now: Timestamp,
}

impl<'a> SigningSession<'a> {
    /// Finds the route, lets the caller in by its rule, and finds keys to sign with.
    pub(super) async fn open(
        app: &'a App,
        call: Call<'_>,
        route: Option<&str>,
    ) -> Result<Self, ApiError> {
        let now = app.now();
        let route =
            app.route(route).ok_or_else(|| ApiError::RouteNotFound(route.map(str::to_owned)))?;
        let caller = call.admit(app, &route.name, now).await?;
        let own = own(app, route, &call)?;
        let role_keys = call.context.and_then(|context| context.role_keys.as_ref());
        let platform_keys = role_keys.map(|keys| PlatformKeys {
            key_id: keys.access_key_id.to_string(),
            secret: Secret::new(keys.access_key_secret.as_str()),
            token: Secret::new(keys.security_token.as_str()),
        });
        let session = session(route, &caller)?;
        let credentials = app.credentials(session.as_ref(), platform_keys.as_ref(), now).await?;
        Ok(Self { app, route, caller, credentials, own, now })
    }

    /// The same for a call that names route and ticket in its path.
    pub(super) async fn open_named(
        app: &'a App,
        asked: &ApiRequest,
        named: &Named,
    ) -> Result<Self, ApiError> {
        let call = asked.call().with_ticket(named.ticket.as_deref());
        Self::open(app, call, Some(&named.route)).await
    }

    /// Signs one wish, and counts it against the caller's budget.
    pub(super) fn grant(&self, ask: &GrantRequest) -> Result<Grant, ApiError> {
        let random = self.random()?;
        let claim = |name: &str| self.caller.claim(name);
        let attributes = attributes(&self.caller, &claim);
        let context = RenderContext { now: self.now, random: &random, attributes };
        let id = if self.route.callback.is_some() { self.random()? } else { random };
        let key = self.app.completion.receipt_key();
        let seal = key.map(|key| ReceiptSigner { key, id: &id, public_url: self.own.as_deref() });
        let grant = grant::issue(ask, self.route, &self.credentials, &context, seal.as_ref())
            .map_err(|refused| ApiError::refused(refused, self.route))?;
        let bytes = ask.size.unwrap_or(self.route.size.max);
        self.app.charge(&self.caller, bytes, self.now).map_err(ApiError::BudgetExceeded)?;
        Ok(grant)
    }

    fn random(&self) -> Result<RandomBytes, ApiError> {
        self.app.random().map_err(|_| ApiError::Internal("the system gave no random bytes"))
    }
}

/// Returns scheme and host of this function where OSS is to call it: as they are set, else as it was called
/// under a name of the platform.
fn own(app: &App, route: &Route, call: &Call<'_>) -> Result<Option<String>, ApiError> {
    if route.callback.as_ref().is_none_or(|callback| callback.target != CallbackTarget::Function) {
        return Ok(None);
    }
    let set = app.completion.public_url().map(str::to_owned);
    let own = set.or_else(|| call.own_host(app).map(|host| format!("https://{host}")));
    own.map(Some).ok_or(ApiError::CallbackAddressUnknown)
}

/// What a caller has shown, as far as a key can speak of it.
fn attributes<'a>(
    caller: &'a Caller,
    claim: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
) -> CallerAttributes<'a> {
    CallerAttributes { subject: caller.subject.as_deref(), claim }
}

/// The session of this caller, where the route wants one: it reaches the caller's own directory and
/// nothing else, and where that cannot be said nobody is served.
fn session(route: &Route, caller: &Caller) -> Result<Option<RoleSession>, ApiError> {
    if route.session == policy::route::SessionMode::Shared {
        return Ok(None);
    }
    let claim = |name: &str| caller.claim(name);
    let prefix = route.template.caller_prefix(&attributes(caller, &claim));
    let prefix = prefix.map_err(|refusal| ApiError::refused(GrantError::Policy(refusal), route))?;
    let prefix = ObjectPrefix { bucket: route.bucket.as_str().to_owned(), prefix };
    let policy = session_policy(UPLOAD_ACTIONS, &[prefix])
        .map_err(|_| ApiError::Internal("a checked prefix makes no session policy"))?;
    Ok(Some(RoleSession::for_subject(caller.subject.as_deref().unwrap_or_default(), policy)))
}
