//! From a request to a grant: the steps that every signing call shares, whatever its response format.

use std::net::IpAddr;
use std::sync::Arc;

use fc_http::Event;
use http::header::HOST;

use crate::app::App;
use crate::auth::authenticator::RequestCredentials;
use crate::auth::rate_limit::Charge;
use crate::auth::{AuthMethod, Caller};
use crate::credentials::Credentials;
use crate::credentials::session::RoleSession;
use crate::credentials::session_policy::{
    DOWNLOAD_ACTIONS, ObjectPermissions, ObjectPrefix, session_policy, upload_actions,
};
use crate::grant::callback_fields::ReceiptSigner;
use crate::grant::download::{self, DownloadGrant, DownloadRequest};
use crate::grant::put::{self, PutGrant};
use crate::grant::{self, Grant, GrantError, GrantRequest};
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, find_route};
use crate::http::trigger_host;
use crate::policy;
use crate::policy::callback::{CallbackTarget, is_authority};
use crate::policy::route::Route;
use crate::policy::template::{CallerAttributes, RandomBytes, RenderContext};
use crate::time::Timestamp;

/// A call that is authenticated and has credentials. It may sign several files, all at one moment.
#[derive(Debug)]
pub(super) struct SigningSession<'a> {
    pub(super) app: &'a App,
    pub(super) route: &'a Route,
    pub(super) caller: Caller,
    pub(super) credentials: Arc<Credentials>,
    /// Scheme and host of this function, where OSS is to call it back.
    pub(super) own_url: Option<String>,
    /// The address of the caller, where a trusted gateway names it.
    pub(super) address: Option<IpAddr>,
    /// The one reading of the clock.
    pub(super) now: Timestamp,
}

impl<'a> SigningSession<'a> {
    /// Finds the route, authenticates the caller by its rule, and gets credentials to sign with.
    pub(super) async fn open(
        app: &'a App,
        request: &ApiRequest,
        route: Option<&str>,
    ) -> Result<Self, ApiError> {
        Self::open_if(app, request, find_route(app, route)?, |_, _| Ok(())).await
    }

    /// Authenticates the caller by the rule of the route, and gets credentials to sign with if the caller passes a
    /// further check.
    pub(super) async fn open_if(
        app: &'a App,
        request: &ApiRequest,
        route: &'a Route,
        check: impl FnOnce(&Caller, Timestamp) -> Result<(), ApiError>,
    ) -> Result<Self, ApiError> {
        let now = app.now();
        let caller = authenticate(app, request, &route.name, now).await?;
        check(&caller, now)?;
        let own_url = own_url(app, request, route)?;
        let credentials = credentials(app, request, route, &caller, now).await?;
        let address = app.limits.address(&request.headers);
        Ok(Self { app, route, caller, credentials, own_url, address, now })
    }

    /// Does the same for a call that stores nothing, so that OSS calls nobody back.
    pub(super) async fn open_without_callback(
        app: &'a App,
        request: &ApiRequest,
        route: &'a Route,
    ) -> Result<Self, ApiError> {
        let now = app.now();
        let caller = authenticate(app, request, &route.name, now).await?;
        let credentials = credentials(app, request, route, &caller, now).await?;
        let address = app.limits.address(&request.headers);
        Ok(Self { app, route, caller, credentials, own_url: None, address, now })
    }

    /// Signs the download of one object. It is not counted yet.
    pub(super) fn download(
        &self,
        request: &DownloadRequest<'_>,
    ) -> Result<DownloadGrant, ApiError> {
        let claim = |name: &str| self.caller.claim(name);
        let attributes = attributes(&self.caller, &claim);
        download::issue(request, self.route, &self.credentials, &attributes, self.now)
            .map_err(|error| ApiError::from_grant(error, self.route))
    }

    /// Signs a form for one file, and counts it against the budgets.
    pub(super) async fn grant(&self, file: &GrantRequest) -> Result<Grant, ApiError> {
        let grant = self.form(file)?;
        self.count(self.bytes(file.size)).await?;
        Ok(grant)
    }

    /// Signs a form for one file. It is not counted yet.
    pub(super) fn form(&self, file: &GrantRequest) -> Result<Grant, ApiError> {
        self.issue(file, grant::issue)
    }

    /// Signs a PUT for one file. It is not counted yet.
    pub(super) fn put(&self, file: &GrantRequest) -> Result<PutGrant, ApiError> {
        self.issue(file, put::issue)
    }

    /// Returns the bytes that count for a file: its size, or the largest that a grant allows.
    pub(super) fn bytes(&self, size: Option<u64>) -> u64 {
        size.unwrap_or(self.route.single_request_size().max)
    }

    fn issue<T>(
        &self,
        file: &GrantRequest,
        issue: impl FnOnce(
            &GrantRequest,
            &Route,
            &Credentials,
            &RenderContext<'_>,
            Option<&ReceiptSigner<'_>>,
        ) -> Result<T, GrantError>,
    ) -> Result<T, ApiError> {
        let random = self.random()?;
        let claim = |name: &str| self.caller.claim(name);
        let attributes = attributes(&self.caller, &claim);
        let context = RenderContext { now: self.now, random: &random, attributes };
        let id = if self.route.callback.is_some() { self.random()? } else { random };
        let key = self.app.callback.receipt_key();
        let signer =
            key.map(|key| ReceiptSigner { key, id: &id, public_url: self.own_url.as_deref() });
        issue(file, self.route, &self.credentials, &context, signer.as_ref())
            .map_err(|error| ApiError::from_grant(error, self.route))
    }

    /// Counts a grant of so many bytes against the budgets.
    pub(super) async fn count(&self, bytes: u64) -> Result<(), ApiError> {
        count(self.app, &self.charge(), bytes, self.now).await
    }

    /// Counts the grants of one call against the budgets, and replaces those that do not fit by the error. `bytes` returns
    /// the bytes of a grant by its position, or `None` for one that is not counted.
    pub(super) async fn count_all<T>(
        &self,
        results: &mut [Result<T, ApiError>],
        bytes: impl Fn(usize, &T) -> Option<u64>,
    ) -> Result<(), ApiError> {
        let limits = &self.app.limits;
        if !limits.is_active(self.caller.ticket.as_ref()) {
            return Ok(());
        }
        let granted = results.iter().enumerate();
        let counted = granted.filter_map(|(index, result)| {
            let grant = result.as_ref().ok()?;
            Some((index, bytes(index, grant)?))
        });
        let (positions, sizes): (Vec<_>, Vec<_>) = counted.unzip();
        for refusal in limits.admit(&self.charge(), &sizes, self.now).await? {
            if let Some(position) = positions.get(refusal.index) {
                results[*position] = Err(ApiError::BudgetExceeded(refusal.exceeded));
            }
        }
        Ok(())
    }

    fn charge(&self) -> Charge<'_> {
        charge(&self.caller, self.route, self.address)
    }

    pub(super) fn random(&self) -> Result<RandomBytes, ApiError> {
        random(self.app)
    }
}

/// Returns what a call on a route is counted for.
pub(super) fn charge<'a>(
    caller: &'a Caller,
    route: &'a Route,
    address: Option<IpAddr>,
) -> Charge<'a> {
    Charge { caller, route: &route.name, bucket: route.bucket.as_str(), address }
}

/// Counts the bytes of one grant against the budgets.
pub(super) async fn count(
    app: &App,
    charge: &Charge<'_>,
    bytes: u64,
    now: Timestamp,
) -> Result<(), ApiError> {
    match app.limits.admit(charge, &[bytes], now).await?.first() {
        Some(refusal) => Err(ApiError::BudgetExceeded(refusal.exceeded)),
        None => Ok(()),
    }
}

/// Draws the random bytes of one grant.
pub(super) fn random(app: &App) -> Result<RandomBytes, ApiError> {
    app.random().map_err(|_| ApiError::Internal("the system gave no random bytes"))
}

/// Gets credentials to sign with: those of the caller's own session, where the route has one for each caller.
async fn credentials(
    app: &App,
    request: &ApiRequest,
    route: &Route,
    caller: &Caller,
    now: Timestamp,
) -> Result<Arc<Credentials>, ApiError> {
    let session = role_session(route, caller)?;
    let platform_keys = request.platform_keys.as_ref();
    Ok(app.credentials.provide(session.as_ref(), platform_keys, now).await?)
}

/// Authenticates the caller. An event invocation is authorised by the platform's own rules.
pub(super) async fn authenticate(
    app: &App,
    request: &ApiRequest,
    route: &str,
    now: Timestamp,
) -> Result<Caller, ApiError> {
    if request.event == Event::Invoke {
        return Ok(Caller::without_subject(AuthMethod::Platform));
    }
    let credentials = RequestCredentials {
        headers: &request.headers,
        path_ticket: request.ticket.as_deref(),
        origin: request.origin,
        route,
    };
    Ok(app.authenticator.authenticate(&credentials, now, &*app.http).await?)
}

/// Returns scheme and host of this function for a route whose callbacks go to it: `PUBLIC_URL`, else the name under
/// which the platform was called.
fn own_url(app: &App, request: &ApiRequest, route: &Route) -> Result<Option<String>, ApiError> {
    if route.callback.as_ref().is_none_or(|callback| callback.target != CallbackTarget::Function) {
        return Ok(None);
    }
    if let Some(url) = app.callback.public_url() {
        return Ok(Some(url.to_owned()));
    }
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let trusted = host.filter(|host| trigger_host::is_trusted(host, app.region.as_deref()));
    trusted.map(|host| Some(format!("https://{host}"))).ok_or(ApiError::CallbackAddressUnknown)
}

/// Returns scheme and host under which a client reaches this function: `PUBLIC_URL`, else the host of the call. A caller
/// may choose any host, so the address is for the response to this caller alone.
pub(super) fn address_for_caller(app: &App, request: &ApiRequest) -> Result<String, ApiError> {
    if let Some(url) = app.callback.public_url() {
        return Ok(url.to_owned());
    }
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.filter(|host| is_authority(host));
    let host = host.ok_or_else(|| ApiError::invalid("the call has no 'Host'", "请求没有 Host"))?;
    let name = host.split(':').next().unwrap_or_default();
    let is_local = name == "localhost" || name.starts_with("127.");
    Ok(format!("{}://{host}", if is_local { "http" } else { "https" }))
}

/// Returns the attributes of a caller that a key template may use.
pub(super) fn attributes<'a>(
    caller: &'a Caller,
    claim: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
) -> CallerAttributes<'a> {
    CallerAttributes { subject: caller.subject.as_deref(), claim }
}

/// Returns the role session of this caller, where the route has one for each: it may write to the caller's own
/// directory and nothing else.
fn role_session(route: &Route, caller: &Caller) -> Result<Option<RoleSession>, ApiError> {
    if route.session == policy::route::SessionMode::Shared {
        return Ok(None);
    }
    let claim = |name: &str| caller.claim(name);
    let prefix = route.template.caller_prefix(&attributes(caller, &claim));
    let prefix = prefix.map_err(|error| ApiError::from_grant(GrantError::Policy(error), route))?;
    let prefix = ObjectPrefix { bucket: route.bucket.as_str().to_owned(), prefix };
    let actions = upload_actions(route.multipart.is_some());
    let mut permissions = vec![ObjectPermissions { actions, prefixes: vec![prefix.clone()] }];
    if route.download.is_some() {
        permissions.push(ObjectPermissions { actions: DOWNLOAD_ACTIONS, prefixes: vec![prefix] });
    }
    let policy = session_policy(&permissions)
        .map_err(|_| ApiError::Internal("a checked prefix makes no session policy"))?;
    Ok(Some(RoleSession::for_subject(caller.subject.as_deref().unwrap_or_default(), policy)))
}
