//! What `sign`, `form` and `upload` sign with: a route, credentials, the time, and random bytes.

use std::sync::Arc;
use std::time::Duration;

use crate::error::CommandError;
use crate::signing_options;
use crate::signing_options::{BucketOptions, RuleOptions};
use oss_upload_signer::app::{self, App};
use oss_upload_signer::callback::Options as CallbackOptions;
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
use oss_upload_signer::signing::v4::V4Signer;
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

/// Limit for credentials from a file, which may name a command or a role.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that a command signs with.
#[derive(Clone, Debug)]
pub(super) struct SigningContext {
    pub(super) route: Route,
    pub(super) credentials: Arc<Credentials>,
    pub(super) now: Timestamp,
    pub(super) random: RandomBytes,
    app: Arc<App>,
    /// The id of the next receipt.
    receipt_id: RandomBytes,
}

/// Returns the credentials in the environment, if there are any, to verify signatures with.
pub(super) fn environment_credentials() -> Option<Arc<Credentials>> {
    let now = time::now();
    let (settings, _) = signing_options::load(
        &BucketOptions::placeholder(),
        &RuleOptions::default(),
        Environment::of_process(),
        now,
    )
    .ok()?;
    settings.sources.environment?.read(now).ok()
}

impl SigningContext {
    /// Loads the settings with these options. The credentials are those of the environment, otherwise
    /// those of the profile that `aliyun configure` wrote, as with Alibaba's own command line tool.
    pub(super) async fn open(
        bucket: &BucketOptions,
        rules: &RuleOptions,
    ) -> Result<Self, CommandError> {
        let now = time::now();
        let (settings, route) =
            signing_options::load(bucket, rules, Environment::of_process(), now)?;
        let credentials = credentials(&settings, now).await?;
        if route.lifetime > MAX_LIFETIME && credentials.usable_until.is_some() {
            return Err(CommandError::usage(
                "--expires: more than 7 days are possible only with a long-lived key, and this one is \
                 temporary",
            ));
        }
        check_callback(&route, &settings.callback)?;
        let app = Arc::new(App::new(settings));
        let (random, receipt_id) = (random_bytes(&app)?, random_bytes(&app)?);
        Ok(Self { route, credentials, now, random, app, receipt_id })
    }

    /// Returns the same context for another time and another receipt.
    pub(super) fn at(&self, now: Timestamp) -> Result<Self, CommandError> {
        Ok(Self { now, receipt_id: random_bytes(&self.app)?, ..self.clone() })
    }

    /// Returns the signer of receipts, if there is a receipt key.
    pub(super) fn receipt_signer(&self) -> Option<ReceiptSigner<'_>> {
        let completion = &self.app.callback;
        let key = completion.receipt_key()?;
        Some(ReceiptSigner { key, id: &self.receipt_id, public_url: completion.public_url() })
    }

    /// Returns the callback fields of a form.
    pub(super) fn callback_fields(
        &self,
        upload: ReceiptClaims,
    ) -> Result<Vec<Field>, CommandError> {
        let fields = callback_fields::fields(
            Form::Complete,
            &self.route,
            &self.render_context(),
            self.receipt_signer().as_ref(),
            upload,
        );
        fields
            .map_err(|error| CommandError::new(ApiError::from_grant(error, &self.route).message()))
    }

    /// Returns the headers that order the callback of an upload in parts.
    pub(super) fn callback_headers(
        &self,
        upload: ReceiptClaims,
    ) -> Result<Vec<(String, String)>, CommandError> {
        let signer = self.receipt_signer();
        let order =
            callback_fields::headers(&self.route, &self.render_context(), signer.as_ref(), upload);
        order
            .map(|order| order.headers)
            .map_err(|error| CommandError::new(ApiError::from_grant(error, &self.route).message()))
    }

    /// Returns the values for key templates; there is no caller.
    pub(super) fn render_context(&self) -> RenderContext<'_> {
        RenderContext::anonymous(self.now, &self.random)
    }

    /// Returns the time at which a form expires: after the lifetime of the route, and not after the
    /// credentials.
    pub(super) fn expires_at(&self) -> Timestamp {
        let expires_at = self.now.plus(self.route.lifetime);
        self.credentials.usable_until.map_or(expires_at, |end| expires_at.min(end))
    }
}

/// Returns the credentials of the environment, otherwise those of the profile of `aliyun configure`.
pub(super) async fn credentials(
    settings: &Settings,
    now: Timestamp,
) -> Result<Arc<Credentials>, CommandError> {
    let key = settings.sources.environment.as_ref();
    if let Some(credentials) = key.and_then(|key| key.read(now).ok()) {
        return Ok(credentials);
    }
    let http = Arc::new(ReqwestClient::new(settings.proxy.clone()));
    let context = ProviderContext { http, random: app::system_random() };
    let request = FetchRequest { platform_keys: None, now, timeout: FETCH_TIMEOUT };
    let fetched = settings.sources.clone().build_local(&context).fetch(request).await;
    fetched.map(Arc::new).map_err(|error| match error.kind {
        ProviderErrorKind::Absent => CommandError::usage(
            "there is no key to sign with; set ALIBABA_CLOUD_ACCESS_KEY_ID and \
             ALIBABA_CLOUD_ACCESS_KEY_SECRET, and ALIBABA_CLOUD_SECURITY_TOKEN for a temporary key, or run \
             `aliyun configure`",
        ),
        _ => CommandError::usage(format!("there is no key to sign with; {error}")),
    })
}

/// Returns the V4 signer of a key, for one region and moment.
pub(super) fn v4_signer<'a>(
    credentials: &'a Credentials,
    region: &'a str,
    now: Timestamp,
) -> V4Signer<'a> {
    let Credentials { key_id, secret, token, .. } = credentials;
    V4Signer { key_id, secret, token: token.as_ref(), region, now }
}

fn random_bytes(app: &App) -> Result<RandomBytes, CommandError> {
    app.random().map_err(|_| CommandError::new("the system has no random bytes"))
}

/// Checks the settings that a callback needs. In the function the platform provides its own address, and
/// a receipt is useless if the function does not have its key.
fn check_callback(route: &Route, completion: &CallbackOptions) -> Result<(), CommandError> {
    let Some(callback) = &route.callback else {
        return Ok(());
    };
    let name = &route.name;
    if callback.target == CallbackTarget::Function && completion.public_url.is_none() {
        return Err(CommandError::usage(format!(
            "route {name:?} has OSS call the function, and nothing here says where that is; set PUBLIC_URL"
        )));
    }
    if signing_options::is_placeholder(&completion.receipt_keys) {
        return Err(CommandError::usage(format!(
            "route {name:?} has a callback, which brings a receipt back; set UPLOAD_RECEIPT_KEYS to what \
             the function has"
        )));
    }
    Ok(())
}
