//! The desk at which the tool signs: a route, keys, one reading of the clock, throws of the dice.

use std::sync::Arc;
use std::time::Duration;

use crate::failure::Failure;
use crate::rules;
use crate::rules::{Place, Rules};
use oss_upload_signer::app::{self, App};
use oss_upload_signer::callback::Options as Completion;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::{
    Credentials, FetchRequest, Provider, ProviderContext, ProviderErrorKind,
};
use oss_upload_signer::grant::callback_fields::{ReceiptClaims, ReceiptSigner};
use oss_upload_signer::grant::form::Field;
use oss_upload_signer::grant::{Form, callback_fields};
use oss_upload_signer::http::error::ApiError;
use oss_upload_signer::net::ReqwestClient;
use oss_upload_signer::policy::callback::CallbackTarget;
use oss_upload_signer::policy::route::{MAX_LIFETIME, Route};
use oss_upload_signer::policy::template::{RandomBytes, RenderContext};
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

/// Limit for credentials from a file, which may name a command or a role.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that one command signs with.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) route: Route,
    pub(super) credentials: Arc<Credentials>,
    pub(super) now: Timestamp,
    pub(super) dice: RandomBytes,
    app: Arc<App>,
    /// The name of the next receipt.
    id: RandomBytes,
}

/// Gives the key in the environment, if there is one, for who only wants to compare.
pub(super) fn keys() -> Option<Arc<Credentials>> {
    let now = time::now();
    let (settings, _) =
        rules::load(&Place::anywhere(), &Rules::default(), Environment::of_process(), now).ok()?;
    settings.sources.environment?.read(now).ok()
}

impl Desk {
    /// Takes the rules from the options. The key is that of the environment, otherwise that of the profile that
    /// `aliyun configure` has written, as with Alibaba's own command line tool.
    pub(super) async fn open(place: &Place, rules: &Rules) -> Result<Self, Failure> {
        let now = time::now();
        let (settings, route) = rules::load(place, rules, Environment::of_process(), now)?;
        let credentials = credentials(&settings, now).await?;
        if route.lifetime > MAX_LIFETIME && credentials.usable_until.is_some() {
            return Err(Failure::arguments(
                "--expires: more than 7 days are possible only with a long-lived key, and this one is \
                 temporary",
            ));
        }
        check_callback(&route, &settings.callback)?;
        let app = Arc::new(App::new(settings));
        let (dice, id) = (throw(&app)?, throw(&app)?);
        Ok(Self { route, credentials, now, dice, app, id })
    }

    /// Gives the same desk at another reading of the clock, and for another receipt.
    pub(super) fn at(&self, now: Timestamp) -> Result<Self, Failure> {
        Ok(Self { now, id: throw(&self.app)?, ..self.clone() })
    }

    /// What a receipt is sealed with.
    pub(super) fn seal(&self) -> Option<ReceiptSigner<'_>> {
        let completion = &self.app.callback;
        let key = completion.receipt_key()?;
        Some(ReceiptSigner { key, id: &self.id, public_url: completion.public_url() })
    }

    /// The fields by which somebody is told of an upload that is granted here.
    pub(super) fn told(&self, granted: ReceiptClaims) -> Result<Vec<Field>, Failure> {
        let fields = callback_fields::fields(
            Form::Complete,
            &self.route,
            &self.occasion(),
            self.seal().as_ref(),
            granted,
        );
        fields.map_err(|refused| Failure::new(ApiError::from_grant(refused, &self.route).message()))
    }

    /// What this desk knows of a grant: when and with which dice, and of nobody that they asked.
    pub(super) fn occasion(&self) -> RenderContext<'_> {
        RenderContext::anonymous(self.now, &self.dice)
    }

    /// Until when a form of this desk is good: as long as the rules say, and no longer than its key.
    pub(super) fn until(&self) -> Timestamp {
        let wanted = self.now.plus(self.route.lifetime);
        self.credentials.usable_until.map_or(wanted, |end| wanted.min(end))
    }
}

async fn credentials(settings: &Settings, now: Timestamp) -> Result<Arc<Credentials>, Failure> {
    let key = settings.sources.environment.as_ref();
    if let Some(credentials) = key.and_then(|key| key.read(now).ok()) {
        return Ok(credentials);
    }
    let http = Arc::new(ReqwestClient::new(settings.proxy.clone()));
    let context = ProviderContext { http, random: app::system_random() };
    let request = FetchRequest { platform_keys: None, now, timeout: FETCH_TIMEOUT };
    let fetched = settings.sources.clone().build_local(&context).fetch(request).await;
    fetched.map(Arc::new).map_err(|error| match error.kind {
        ProviderErrorKind::Absent => Failure::arguments(
            "there is no key to sign with; set ALIBABA_CLOUD_ACCESS_KEY_ID and \
             ALIBABA_CLOUD_ACCESS_KEY_SECRET, and ALIBABA_CLOUD_SECURITY_TOKEN for a temporary key, or run \
             `aliyun configure`",
        ),
        _ => Failure::arguments(format!("there is no key to sign with; {error}")),
    })
}

fn throw(app: &App) -> Result<RandomBytes, Failure> {
    app.random().map_err(|_| Failure::new("the system gave no random bytes"))
}

/// What the platform says in a request has to be said here, and a receipt is worth nothing unless the
/// function has its key.
fn check_callback(route: &Route, completion: &Completion) -> Result<(), Failure> {
    let Some(callback) = &route.callback else {
        return Ok(());
    };
    let name = &route.name;
    if callback.target == CallbackTarget::Function && completion.public_url.is_none() {
        return Err(Failure::arguments(format!(
            "route {name:?} has OSS call the function, and nothing here says where that is; set PUBLIC_URL"
        )));
    }
    if rules::is_invented(&completion.receipt_keys) {
        return Err(Failure::arguments(format!(
            "route {name:?} has a callback, which brings a receipt back; set UPLOAD_RECEIPT_KEYS to what \
             the function has"
        )));
    }
    Ok(())
}
