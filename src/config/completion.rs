//! How the function stands in what follows an upload: its address, the keys of receipts, the back ends
//! that it tells.

use std::collections::BTreeMap;

use crate::callback::webhook::WebhookKey;
use crate::callback::{Options, receipt};
use crate::config::address::Reach;
use crate::config::callback::SELF;
use crate::config::environment::Environment;
use crate::config::error::ConfigErrors;
use crate::config::reader::{ConfigReader, KEYS_EXAMPLE};
use crate::config::route::Reader;
use crate::config::toml_file::File;
use crate::config::{address, known_key, setting};
use crate::policy::callback::{Callback, CallbackTarget};
use crate::policy::route::Route;
use crate::secret::Secret;

const SECRET_EXAMPLE: &str = "whsec_$(openssl rand -base64 32)";

/// Reads how callbacks are made and verified.
pub(super) fn read(config: &mut ConfigReader<'_>, routes: &[Route]) -> Options {
    let reach = config.reach();
    let public_url = config.top(&setting::PUBLIC_URL, |text| address::origin(text, reach));
    let receipt_keys = read_receipt_keys(config);
    let webhook_secret = read_webhook_secret(config);
    let mut notify = BTreeMap::new();
    for route in routes {
        let mut reader = Reader { config, name: route.name.clone() };
        let url = reader.notify(route.callback.as_ref());
        notify.extend(url.map(|url| (route.name.clone(), url)));
    }
    let is_told = routes.iter().any(|route| route.callback.is_some());
    if is_told && receipt_keys.is_empty() {
        want(
            config,
            setting::RECEIPT_KEYS,
            "a callback brings a receipt back, which is signed",
            KEYS_EXAMPLE,
        );
    }
    if !notify.is_empty() && webhook_secret.is_none() {
        want(config, setting::WEBHOOK_SECRET, "what a back end is told is signed", SECRET_EXAMPLE);
    }
    complain_of_no_address(config, routes);
    Options { receipt_keys, public_url, notify, webhook_secret, ..Options::default() }
}

/// On the platform the function has a name that can be told from others, see `http/own_host`; elsewhere
/// nothing says which name is its own.
fn complain_of_no_address(config: &mut ConfigReader<'_>, routes: &[Route]) {
    let is_own = |route: &Route| {
        route.callback.as_ref().is_some_and(|one| one.target == CallbackTarget::Function)
    };
    let platform = config.environment.get("FC_FUNCTION_NAME").is_some();
    if platform || config.top_entry(&setting::PUBLIC_URL).is_some() {
        return;
    }
    if routes.iter().any(is_own) {
        let why = "OSS is to call this function, and only Function Compute says where it is";
        want(config, setting::PUBLIC_URL.variable, why, setting::PUBLIC_URL.example);
    }
}

fn want(config: &mut ConfigReader<'_>, variable: &str, why: &str, example: &str) {
    config.add_error(
        setting::CALLBACK.key.to_owned(),
        format!("{why}; set {variable}"),
        format!("{variable}={example}"),
    );
}

/// Reads the keys of receipts, for who knows the environment only.
///
/// # Errors
/// Every problem with the variable.
pub fn receipt_keys(environment: &Environment) -> Result<Vec<Secret>, ConfigErrors> {
    let mut config = ConfigReader::new(environment, File::default());
    let keys = read_receipt_keys(&mut config);
    config.finish().map(|()| keys)
}

fn read_receipt_keys(config: &mut ConfigReader<'_>) -> Vec<Secret> {
    config.keys(setting::RECEIPT_KEYS, receipt::MIN_KEY_LENGTH)
}

fn read_webhook_secret(config: &mut ConfigReader<'_>) -> Option<Secret> {
    let secret = Secret::new(config.environment.get(setting::WEBHOOK_SECRET)?);
    let example = format!("{}={SECRET_EXAMPLE}", setting::WEBHOOK_SECRET);
    match WebhookKey::parse(&secret) {
        None => {
            let problem = "a secret is whsec_ and 24 to 64 bytes in base64";
            config.add_error(setting::WEBHOOK_SECRET.to_owned(), problem.to_owned(), example);
        }
        Some(key) if key.is_one_byte_repeated() || known_key::is_known(secret.expose()) => {
            config.complain_of_known_key(setting::WEBHOOK_SECRET, example);
        }
        Some(_) => {}
    }
    Some(secret)
}

impl Reader<'_, '_> {
    /// Reads the back end that the function tells, which it can only do when it is told itself.
    fn notify(&mut self, callback: Option<&Callback>) -> Option<String> {
        let entry = self.entry(&setting::NOTIFY)?;
        let own = callback?.target == CallbackTarget::Function;
        if !own {
            self.instead(&entry, "the function tells what it is told itself", SELF);
        }
        self.config.read(&setting::NOTIFY, &entry, |text| address::parse(text, Reach::Function))
    }
}
