//! Everything that a request needs, built once from the settings.
//!
//! The one place that draws randomness. Tests replace the clock and the randomness.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::auth::authenticator::Authenticator;
use crate::auth::limits::SigningLimits;
use crate::auth::origin::Origins;
use crate::callback::UploadCallback;
use crate::config::page::PageOptions;
use crate::config::{DEFAULT_ROUTE, Settings};
use crate::credentials::source::CredentialSource;
use crate::credentials::{ProviderContext, RandomSource};
use crate::net::{HttpClient, ReqwestClient};
use crate::policy::route::Route;
use crate::policy::template::RandomBytes;
use crate::secret::Secret;
use crate::store::SharedStore;
use crate::time;
use crate::time::Timestamp;

type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// The parts of the function.
pub struct App {
    /// The routes, in the order of the settings.
    pub routes: Vec<Route>,
    /// Where credentials to sign with come from.
    pub credentials: CredentialSource,
    /// Checks callers by the auth rules of the routes.
    pub authenticator: Authenticator,
    /// Counts what is granted against the budgets.
    pub limits: SigningLimits,
    /// The store that all instances share, if there is one.
    pub store: Option<Arc<SharedStore>>,
    /// Verifies OSS's upload callbacks and notifies back ends.
    pub callback: UploadCallback,
    /// The keys of upload tokens. The first one signs, all of them verify.
    pub upload_token_keys: Vec<Secret>,
    /// The origins whose pages may call.
    pub origins: Origins,
    /// The request headers that pages may send besides those of the known clients.
    pub cors_headers: Vec<HeaderName>,
    /// The name and the looks of the upload page.
    pub page: PageOptions,
    /// The region that the function runs in, where the platform names it.
    pub region: Option<String>,
    /// Whether callers may see what of their requests arrives, to measure the gateway.
    pub measures_gateway: bool,
    /// Outbound HTTP.
    pub http: Arc<dyn HttpClient>,
    /// Whether the error for an unknown route lists the routes. Off by default, because a caller who knows no
    /// route should not learn the names of all.
    pub lists_routes: bool,
    clock: Clock,
    random: RandomSource,
}

impl App {
    /// Builds the function with the system's clock, randomness and network.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let http = Arc::new(ReqwestClient::new(settings.proxy.clone()));
        Self::with_http(settings, http)
    }

    /// Builds the function with another HTTP client.
    #[must_use]
    pub fn with_http(settings: Settings, http: Arc<dyn HttpClient>) -> Self {
        let random = system_random();
        let context = ProviderContext { http: Arc::clone(&http), random: Arc::clone(&random) };
        let store =
            settings.store.map(|options| Arc::new(SharedStore::new(options, Arc::clone(&random))));
        let (mut credentials, mut callback) =
            (settings.sources.build(&context), UploadCallback::new(settings.callback));
        if let Some(store) = &store {
            credentials = credentials.with_store(Arc::clone(store));
            callback = callback.with_store(Arc::clone(store));
        }
        Self {
            routes: settings.routes,
            credentials,
            authenticator: Authenticator::new(settings.auth),
            limits: SigningLimits::new(settings.budgets, settings.address_header, store.clone()),
            store,
            callback,
            upload_token_keys: settings.upload_token_keys,
            origins: settings.origins,
            cors_headers: settings.cors_headers,
            page: settings.page,
            region: settings.region,
            measures_gateway: settings.measures_gateway,
            http,
            lists_routes: false,
            clock: Box::new(time::now),
            random,
        }
    }

    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Replaces the randomness by fixed bytes.
    #[must_use]
    pub fn with_random(mut self, random: RandomBytes) -> Self {
        self.random = Arc::new(move || Ok(random));
        self
    }

    /// Reads the clock. A request reads it once.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Draws random bytes.
    ///
    /// # Errors
    /// The system has no randomness, and then no key would be unguessable.
    pub fn random(&self) -> Result<RandomBytes, getrandom::Error> {
        (self.random)()
    }

    /// Finds a route by its name. No name, or `default`, means the route `default`, or the only route there
    /// is.
    #[must_use]
    pub fn route(&self, name: Option<&str>) -> Option<&Route> {
        match (name.unwrap_or(DEFAULT_ROUTE), &self.routes[..]) {
            (DEFAULT_ROUTE, [only]) => Some(only),
            (name, routes) => routes.iter().find(|route| route.name == name),
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// Returns the system's source of randomness, for keys and nonces.
#[must_use]
pub fn system_random() -> RandomSource {
    Arc::new(|| {
        let mut random = RandomBytes::default();
        #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
        getrandom::fill(&mut random)?;
        Ok(random)
    })
}
