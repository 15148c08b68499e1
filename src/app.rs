//! Everything a request needs, built once: routes, credentials, the ways in, the clock, the random.
//!
//! The one place that draws randomness. Tests put a fixed clock and loaded random in.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::auth::AuthError;
use crate::auth::Caller;
use crate::auth::authenticator::Authenticator;
use crate::auth::authenticator::RequestCredentials;
use crate::auth::origin::Origins;
use crate::auth::rate_limit::{RateLimitExceeded, RateLimiter};
use crate::callback::CallbackError;
use crate::callback::{CallbackRequest, UploadCallback};
use crate::config::{DEFAULT_ROUTE, Settings};
use crate::credentials::session::RoleSession;
use crate::credentials::source::CredentialSource;
use crate::credentials::{
    Credentials, CredentialsError, PlatformKeys, ProviderContext, RandomSource,
};
use crate::net::{HttpClient, ReqwestClient};
use crate::policy::route::Route;
use crate::policy::template::RandomBytes;
use crate::time;
use crate::time::Timestamp;

type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// What the function is made of.
pub struct App {
    routes: Vec<Route>,
    credentials: CredentialSource,
    clock: Clock,
    draw: RandomSource,
    http: Arc<dyn HttpClient>,
    gate: Authenticator,
    ledger: Option<RateLimiter>,
    /// What is known of stored objects, and who is told.
    pub completion: UploadCallback,
    /// The pages that may ask.
    pub origins: Origins,
    /// Whether Function Compute is in front, so that its headers can be believed.
    pub platform: bool,
    /// The region that the function runs in, where the platform says so.
    pub region: Option<String>,
}

impl App {
    /// Builds the function from its settings, with the system's clock and random.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let http = Arc::new(ReqwestClient::new(settings.proxy.clone()));
        Self::with_http(settings, http)
    }

    /// Builds the function with another way out to the network.
    #[must_use]
    pub fn with_http(settings: Settings, http: Arc<dyn HttpClient>) -> Self {
        let draw = draw();
        let context = ProviderContext { http: Arc::clone(&http), random: Arc::clone(&draw) };
        Self {
            routes: settings.routes,
            credentials: settings.sources.build(&context),
            clock: Box::new(time::now),
            draw,
            http,
            gate: Authenticator::new(settings.auth),
            ledger: settings.budget.map(RateLimiter::new),
            completion: UploadCallback::new(settings.callback),
            origins: settings.origins,
            platform: settings.platform,
            region: settings.region,
        }
    }

    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Replaces the random by one that always shows `random`.
    #[must_use]
    pub fn with_random(mut self, random: RandomBytes) -> Self {
        self.draw = Arc::new(move || Ok(random));
        self
    }

    /// Reads the clock; a request reads it once.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Throws the random.
    ///
    /// # Errors
    /// The system has no randomness to give, and then there is no safe name to sign.
    pub fn random(&self) -> Result<RandomBytes, getrandom::Error> {
        (self.draw)()
    }

    /// Finds a route by its name; no name means the route `default`, or the only route there is.
    #[must_use]
    pub fn route(&self, name: Option<&str>) -> Option<&Route> {
        let named = |name: &str| self.routes.iter().find(|route| route.name == name);
        match (name, &self.routes[..]) {
            (Some(name), _) => named(name),
            (None, [only]) => Some(only),
            (None, _) => named(DEFAULT_ROUTE),
        }
    }

    /// Gives all the routes.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Judges a caller by what they show.
    ///
    /// # Errors
    /// The route's rule does not let them in.
    pub async fn admit(
        &self,
        evidence: &RequestCredentials<'_>,
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        self.gate.authenticate(evidence, now, &*self.http).await
    }

    /// Counts a grant of `bytes` against the caller's budget, if there are budgets.
    ///
    /// # Errors
    /// The budget is used up.
    pub fn charge(
        &self,
        caller: &Caller,
        bytes: u64,
        now: Timestamp,
    ) -> Result<(), RateLimitExceeded> {
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.acquire(caller, bytes, now))
    }

    /// Verifies what OSS says of a stored object, and tells the back end; gives the JSON that OSS passes on.
    ///
    /// # Errors
    /// It is not true, was not granted, or nobody could be told.
    pub async fn complete(
        &self,
        call: &CallbackRequest<'_>,
        now: Timestamp,
    ) -> Result<Bytes, CallbackError> {
        self.completion.complete(call, now, &*self.http).await
    }

    /// Gives credentials that are usable at `now`; those of `session` where one is asked for.
    ///
    /// # Errors
    /// No source has any.
    pub async fn credentials(
        &self,
        session: Option<&RoleSession>,
        platform_keys: Option<&PlatformKeys>,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, CredentialsError> {
        self.credentials.provide(session, platform_keys, now).await
    }
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// The randomness of keys and nonces.
#[must_use]
pub fn draw() -> RandomSource {
    Arc::new(|| {
        let mut random = RandomBytes::default();
        #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
        getrandom::fill(&mut random)?;
        Ok(random)
    })
}
