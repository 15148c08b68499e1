//! How the function stands in what follows an upload: its address, the keys of receipts, the back ends
//! that it tells.

use std::collections::BTreeMap;

use crate::completion::Options;
use crate::policy::callback::Callback;
use crate::policy::callback::Target;
use crate::policy::route::Route;
use crate::receipt;
use crate::secret::Secret;
use crate::settings::address;
use crate::settings::address::Reach;
use crate::settings::complaint::Complaints;
use crate::settings::desk::Desk;
use crate::settings::entry;
use crate::settings::environment::Environment;
use crate::settings::file::File;
use crate::settings::route::Reader;

const KEYS_EXAMPLE: &str = "$(openssl rand -base64 32)";
const SECRET_EXAMPLE: &str = "whsec_$(openssl rand -base64 32)";

/// Where OSS's public keys lie, as its documentation has it; one under any other address is nobody's.
const KEY_URLS: [&str; 2] = ["https://gosspublic.alicdn.com/", "http://gosspublic.alicdn.com/"];

/// Reads how callbacks are made and verified.
pub(super) fn read(desk: &mut Desk<'_>, routes: &[Route]) -> Options {
    let reach = desk.reach();
    let public_url = desk.top(&entry::PUBLIC_URL, |text| address::origin(text, reach));
    let receipt_keys = read_receipt_keys(desk);
    let webhook_secret = read_webhook_secret(desk);
    let mut notify = BTreeMap::new();
    for route in routes {
        let mut reader = Reader { desk, name: route.name.clone() };
        let url = reader.notify(route.callback.as_ref());
        notify.extend(url.map(|url| (route.name.clone(), url)));
    }
    let told = routes.iter().find(|route| route.callback.is_some());
    if let Some(route) = told.filter(|_| receipt_keys.is_empty()) {
        let problem = format!(
            "the callback of route '{}' brings a receipt back, which needs a key to be signed with; set {}",
            route.name,
            entry::RECEIPT_KEYS
        );
        let example = format!("{}={KEYS_EXAMPLE}", entry::RECEIPT_KEYS);
        desk.complain(entry::CALLBACK.key.to_owned(), problem, example);
    }
    if let Some(route) = notify.keys().next().filter(|_| webhook_secret.is_none()) {
        let problem = format!(
            "what route '{route}' tells is signed with a secret; set {}",
            entry::WEBHOOK_SECRET
        );
        let example = format!("{}={SECRET_EXAMPLE}", entry::WEBHOOK_SECRET);
        desk.complain(entry::NOTIFY.key.to_owned(), problem, example);
    }
    complain_of_no_address(desk, routes);
    let key_urls = KEY_URLS.map(str::to_owned).to_vec();
    Options { receipt_keys, public_url, notify, webhook_secret, key_urls }
}

/// On the platform the gateway leads nobody to the function but under its own names; elsewhere anybody
/// could ask under any.
fn complain_of_no_address(desk: &mut Desk<'_>, routes: &[Route]) {
    let is_own = |route: &&Route| route.callback.as_ref().is_some_and(|one| one.to == Target::Own);
    let platform = desk.environment.get("FC_FUNCTION_NAME").is_some();
    if platform || desk.top_entry(&entry::PUBLIC_URL).is_some() {
        return;
    }
    if let Some(route) = routes.iter().find(is_own) {
        let problem = format!(
            "OSS is to call this function for route '{}', and only Function Compute says at which \
             address it is; set {}",
            route.name,
            entry::PUBLIC_URL.variable
        );
        let example = format!("{}={}", entry::PUBLIC_URL.variable, entry::PUBLIC_URL.example);
        desk.complain(entry::CALLBACK.key.to_owned(), problem, example);
    }
}

/// Reads the keys of receipts, for who knows the environment only.
///
/// # Errors
/// Every problem with the variable.
pub fn receipt_keys(environment: &Environment) -> Result<Vec<Secret>, Complaints> {
    let mut desk = Desk::new(environment, File::default());
    let keys = read_receipt_keys(&mut desk);
    desk.finish().map(|()| keys)
}

fn read_receipt_keys(desk: &mut Desk<'_>) -> Vec<Secret> {
    let text = desk.environment.get(entry::RECEIPT_KEYS).unwrap_or_default();
    let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
    let keys: Vec<_> = keys.map(Secret::new).collect();
    if keys.iter().any(|key| key.expose().len() < receipt::MIN_KEY_LENGTH) {
        desk.complain(
            entry::RECEIPT_KEYS.to_owned(),
            format!("each key has at least {} bytes", receipt::MIN_KEY_LENGTH),
            format!("{}={KEYS_EXAMPLE}", entry::RECEIPT_KEYS),
        );
    }
    keys
}

fn read_webhook_secret(desk: &mut Desk<'_>) -> Option<Secret> {
    let text = desk.environment.get(entry::WEBHOOK_SECRET)?;
    if !is_webhook_secret(text) {
        let problem = "a secret is whsec_ and 24 to 64 bytes in base64";
        let example = format!("{}={SECRET_EXAMPLE}", entry::WEBHOOK_SECRET);
        desk.complain(entry::WEBHOOK_SECRET.to_owned(), problem.to_owned(), example);
    }
    Some(Secret::new(text))
}

/// Tells base64 as every decoder reads it: whole groups, padded, and no bits left over.
fn is_webhook_secret(text: &str) -> bool {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let Some(text) = text.strip_prefix("whsec_") else { return false };
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let digit = |byte: u8| ALPHABET.iter().position(|one| *one == byte);
    let whole = body.bytes().all(|byte| digit(byte).is_some()) && text.len().is_multiple_of(4);
    let last = body.bytes().last().and_then(digit).unwrap_or_default();
    let fits = match padding {
        0 => true,
        1 => last.is_multiple_of(4),
        2 => last.is_multiple_of(16),
        _ => false,
    };
    let bytes = (text.len() / 4 * 3).saturating_sub(padding);
    whole && fits && (24..=64).contains(&bytes)
}

impl Reader<'_, '_> {
    /// Reads the back end that the function tells, which it can only do when it is told itself.
    fn notify(&mut self, callback: Option<&Callback>) -> Option<String> {
        let entry = self.entry(&entry::NOTIFY)?;
        let own = callback?.to == Target::Own;
        if !own {
            let problem = format!(
                "the function tells what it is told; set {} to 'self'",
                entry::CALLBACK.key
            );
            self.desk.complain(entry.describe(), problem, entry.example(&entry::NOTIFY));
        }
        self.desk.read(&entry::NOTIFY, &entry, |text| address::parse(text, Reach::Function))
    }
}
