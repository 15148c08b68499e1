//! Upload callbacks: what OSS calls when a file is stored, the address of this function, the keys of receipts,
//! and the back ends to which the function sends webhooks.

use std::collections::BTreeMap;

use crate::callback::webhook::WebhookKey;
use crate::callback::{Options, receipt};
use crate::config::address::Reach;
use crate::config::environment::Environment;
use crate::config::raw::{ConfigErrors, RawValue};
use crate::config::reader::{ConfigReader, RouteReader};
use crate::config::table::{self, Setting, VARIABLES};
use crate::config::toml_file::TomlFile;
use crate::config::{address, secrets, value};
use crate::grant::callback_fields;
use crate::policy::callback;
use crate::policy::callback::{
    BodyType, Callback, CallbackBody, CallbackTarget, MAX_ADDRESSES, MAX_FIELD_BYTES,
};
use crate::policy::route::Route;
use crate::policy::template::Template;
use crate::secret::Secret;

/// The longest list of a route's types that fits into a receipt with any key and any subject, in bytes.
const MAX_TYPES_BYTES: usize = 1024;

/// The longest address of this function, which may be known to a request only.
const LONGEST_OWN_BYTES: usize = "https://".len() + 253 + ":65535".len();

/// Reads how callbacks are made and verified.
pub(super) fn read(config: &mut ConfigReader<'_>, routes: &[Route]) -> Options {
    let reach = reach(config);
    let public_url = config.value(&table::PUBLIC_URL, |text| address::origin(text, reach));
    let receipt_keys = read_receipt_keys(config);
    let webhook_secret = read_webhook_secret(config);
    let mut notify = BTreeMap::new();
    for route in routes {
        let mut reader = RouteReader { config, name: route.name.clone() };
        let url = reader.notify(route.callback.as_ref());
        notify.extend(url.map(|url| (route.name.clone(), url)));
    }
    let has_callback = routes.iter().any(|route| route.callback.is_some());
    if has_callback && receipt_keys.is_empty() {
        let reason = "a callback brings a receipt back, which is signed";
        add_needed(config, &table::RECEIPT_KEYS, reason);
    }
    if !notify.is_empty() && webhook_secret.is_none() {
        add_needed(config, &table::WEBHOOK_SECRET, "a webhook is signed");
    }
    check_own_address(config, routes);
    Options { receipt_keys, public_url, webhook_urls: notify, webhook_secret, ..Options::default() }
}

/// Reads the keys of receipts from the environment alone.
///
/// # Errors
/// Every problem with the variable.
pub fn receipt_keys(environment: &Environment) -> Result<Vec<Secret>, ConfigErrors> {
    let mut config = ConfigReader::new(environment, TomlFile::default());
    let keys = read_receipt_keys(&mut config);
    config.finish().map(|()| keys)
}

fn reach(config: &ConfigReader<'_>) -> Reach {
    if config.is_local { Reach::LocalOss } else { Reach::Oss }
}

/// Refuses a callback to this function where its address is not known. On Function Compute each request
/// brings it; elsewhere a request could name any host.
fn check_own_address(config: &mut ConfigReader<'_>, routes: &[Route]) {
    let is_own = |route: &Route| {
        route.callback.as_ref().is_some_and(|one| one.target == CallbackTarget::Function)
    };
    let platform = config.environment.get(table::FUNCTION_NAME.variable).is_some();
    if platform || config.entry(&table::PUBLIC_URL).is_some() {
        return;
    }
    if routes.iter().any(is_own) {
        let reason = "OSS is to call this function, and only Function Compute says where it is";
        add_needed(config, &table::PUBLIC_URL, reason);
    }
}

/// Adds the error that a callback needs another setting.
fn add_needed(config: &mut ConfigReader<'_>, setting: &Setting, reason: &str) {
    config.add_error(
        table::CALLBACK.key.to_owned(),
        format!("{reason}; set {}", setting.variable),
        setting.variable_example(),
    );
}

fn read_receipt_keys(config: &mut ConfigReader<'_>) -> Vec<Secret> {
    config.keys(&table::RECEIPT_KEYS, receipt::MIN_KEY_LENGTH)
}

fn read_webhook_secret(config: &mut ConfigReader<'_>) -> Option<Secret> {
    let secret = Secret::new(config.environment.get(table::WEBHOOK_SECRET.variable)?);
    match WebhookKey::parse(&secret) {
        None => {
            let problem = "a secret is whsec_ and 24 to 64 bytes in base64";
            config.add_secret_error(&table::WEBHOOK_SECRET, problem);
        }
        Some(key) if key.is_one_byte_repeated() || secrets::is_known(secret.expose()) => {
            config.add_known_key(&table::WEBHOOK_SECRET);
        }
        Some(_) => {}
    }
    Some(secret)
}

impl RouteReader<'_, '_> {
    /// Reads the callback of the route; its other settings without `callback.to` are an error.
    pub(super) fn callback(&mut self) -> Option<Callback> {
        let Some(to) = self.callback_target() else {
            self.check_no_callback();
            return None;
        };
        let variables = self.callback_variables();
        let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let body = self.callback_body(&to, &names)?;
        let host = self.value(&table::CALLBACK_HOST, host);
        let sni = self.value(&table::CALLBACK_SNI, value::boolean).unwrap_or_else(|| is_https(&to));
        let callback = Callback { target: to, body, host, sni, variables };
        self.check_callback_size(&callback);
        Some(callback)
    }

    fn callback_target(&mut self) -> Option<CallbackTarget> {
        let raw = self.entry(&table::CALLBACK)?;
        let texts = raw.texts();
        match &texts[..] {
            [only] if only == "self" => return Some(CallbackTarget::Function),
            // A route under a `[callback]` for all routes.
            [only] if only == "none" => return None,
            _ => {}
        }
        let reach = reach(self.config);
        let parse = |text: &str| address::parse(text, reach);
        let addresses = self.config.each(&table::CALLBACK, &raw, parse);
        if texts.len() > MAX_ADDRESSES || texts.is_empty() {
            self.config.add_invalid(&table::CALLBACK, &raw, "OSS tries from 1 to 5 addresses");
        }
        Some(CallbackTarget::Addresses(addresses))
    }

    /// Reads the body: one of those that the function itself can read, or a text of the operator's own.
    fn callback_body(&mut self, to: &CallbackTarget, names: &[&str]) -> Option<CallbackBody> {
        let raw = self.entry(&table::CALLBACK_BODY);
        let text = raw.as_ref().map_or("form", |raw| match &raw.value {
            RawValue::One(text) => text,
            RawValue::Many(_) => "",
        });
        let known = BodyType::parse(text);
        let own_type = self.entry(&table::CALLBACK_BODY_TYPE).filter(|_| known.is_some());
        if let Some(raw) = own_type {
            let problem = "it is for a body of one's own; 'form' and 'json' have their type";
            self.add_conflict(&raw, problem, "callback.body = \"a=${object}\"".to_owned());
        }
        let Some(raw) = raw.as_ref().filter(|_| known.is_none()) else {
            return known.map(|body_type| CallbackBody::complete(body_type, names));
        };
        if *to == CallbackTarget::Function {
            let problem = "the function reads its own callback, which is 'form' or 'json'";
            self.config.add_invalid(&table::CALLBACK_BODY, raw, problem);
            return None;
        }
        let body_type = self.value(&table::CALLBACK_BODY_TYPE, body_type).unwrap_or_default();
        self.config
            .read(&table::CALLBACK_BODY, raw, |text| CallbackBody::parse(text, body_type, names))
    }

    /// Refuses every other setting of a callback where `callback.to` is not written.
    fn check_no_callback(&mut self) {
        if self.entry(&table::CALLBACK).is_some() {
            return;
        }
        let details = table::SETTINGS.iter().filter(|setting| {
            setting.key.starts_with("callback.") && setting.key != table::CALLBACK.key
        });
        for setting in details {
            if let Some(raw) = self.entry(setting) {
                let problem = "it needs callback.to to say who is called";
                self.add_conflict(&raw, problem, table::CALLBACK.key_example());
            }
        }
    }

    /// Reads the variables. A name in the route replaces the same name at the top.
    fn callback_variables(&mut self) -> Vec<(String, Template)> {
        let setting = table::inner("album", VARIABLES.example);
        let beginning = format!("{}.", VARIABLES.key);
        let mut variables = Vec::new();
        for key in self.keys(&beginning) {
            let raw = self.own(&key).or_else(|| self.config.file.top.get(&key).cloned());
            let name = key[beginning.len()..].to_owned();
            let value = raw.and_then(|raw| self.config.read(&setting, &raw, Template::value));
            variables.extend(value.map(|value| (name, value)));
        }
        variables
    }

    /// Refuses a callback that OSS would refuse, and types for which a receipt has no place.
    fn check_callback_size(&mut self, callback: &Callback) {
        let Some(raw) = self.entry(&table::CALLBACK) else { return };
        let own = "x".repeat(LONGEST_OWN_BYTES);
        let address = callback.address(&self.name, Some(&own)).unwrap_or_default();
        let fields = callback_fields::complete_fields(callback, &address, Vec::new());
        if fields.iter().any(|(_, value)| value.len() > MAX_FIELD_BYTES) {
            let problem = "its field has more than the 4096 bytes that OSS is sure to take: write fewer addresses, or a shorter body";
            self.config.add_invalid(&table::CALLBACK, &raw, problem);
        }
        let Some(raw) = self.entry(&table::TYPES) else { return };
        if raw.texts().iter().map(String::len).sum::<usize>() > MAX_TYPES_BYTES {
            let problem = "a receipt says which types were granted, and these have more than 1024 bytes in \
                           all; write kinds such as image/*";
            self.config.add_invalid(&table::TYPES, &raw, problem);
        }
    }

    /// Reads the back end to which the function sends a webhook, which it can only do after its own callback.
    fn notify(&mut self, callback: Option<&Callback>) -> Option<String> {
        let raw = self.entry(&table::NOTIFY)?;
        if callback?.target != CallbackTarget::Function {
            let problem = "the function sends a webhook only after its own callback";
            self.add_conflict(&raw, problem, table::CALLBACK.key_example());
        }
        self.config.read(&table::NOTIFY, &raw, |text| address::parse(text, Reach::Function))
    }
}

fn is_https(to: &CallbackTarget) -> bool {
    match to {
        CallbackTarget::Function => true,
        CallbackTarget::Addresses(addresses) => {
            addresses.iter().any(|one| one.starts_with("https:"))
        }
    }
}

fn host(text: &str) -> Result<String, &'static str> {
    let host = callback::is_authority(text).then(|| text.to_owned());
    host.ok_or("a host is a name or an IPv4 address, perhaps with a port, and nothing else")
}

fn body_type(text: &str) -> Result<BodyType, &'static str> {
    BodyType::parse(text).ok_or("a body is a 'form' or 'json'")
}
