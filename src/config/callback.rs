//! A route's callback: who is called when an object is stored, and what is told.

use crate::config::route::Reader;
use crate::config::setting::{RawSetting, RawValue, Setting, VARIABLES};
use crate::config::{address, setting, value};
use crate::grant::callback_fields;
use crate::policy::callback;
use crate::policy::callback::{BodyType, CallbackBody, CallbackTarget};
use crate::policy::callback::{Callback, MAX_ADDRESSES, MAX_FIELD_BYTES, RECEIPT};
use crate::policy::template::Template;

/// The longest list of a route's types that goes into a receipt with any key and any subject.
const MAX_TYPES_BYTES: usize = 1024;

/// The longest address of this function, which may be known to a request only.
const LONGEST_OWN_BYTES: usize = "https://".len() + 253 + ":65535".len();

/// What a error about a variable shows as an example.
const VARIABLE: Setting = Setting { variable: "", key: "album", example: "{claim:album}" };

/// What a error shows where nobody, or somebody else, is called.
pub(super) const SELF: &str = "callback.to = \"self\"";

/// Where the settings say that nobody is told: a route under a `[callback]` for all of them.
const NOBODY: &str = "none";

impl Reader<'_, '_> {
    /// Reads the callback of the route; what is said of one without saying who is called is a error.
    pub(super) fn callback(&mut self) -> Option<Callback> {
        let Some(to) = self.to() else {
            self.complain_of_what_nobody_is_told();
            return None;
        };
        let variables = self.variables();
        let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let body = self.body(&to, &names)?;
        let host = self.value(&setting::CALLBACK_HOST, host);
        let sni = self.value(&setting::CALLBACK_SNI, value::truth).unwrap_or_else(|| is_https(&to));
        let callback = Callback { target: to, body, host, sni, variables };
        self.check_size(&callback);
        Some(callback)
    }

    /// Reads who is called.
    fn to(&mut self) -> Option<CallbackTarget> {
        let entry = self.entry(&setting::CALLBACK)?;
        let texts = entry.texts();
        match &texts[..] {
            [only] if only == "self" => return Some(CallbackTarget::Function),
            [only] if only == NOBODY => return None,
            _ => {}
        }
        let reach = self.config.reach();
        let parse = |text: &str| address::parse(text, reach);
        let addresses = self.config.each(&setting::CALLBACK, &entry, parse);
        if texts.len() > MAX_ADDRESSES || texts.is_empty() {
            self.config.add_invalid(&setting::CALLBACK, &entry, "OSS tries from 1 to 5 addresses");
        }
        Some(CallbackTarget::Addresses(addresses))
    }

    /// Reads what is told, as the function itself understands it or as somebody else wishes.
    fn body(&mut self, to: &CallbackTarget, names: &[&str]) -> Option<CallbackBody> {
        let entry = self.entry(&setting::CALLBACK_BODY);
        let text = entry.as_ref().map_or("form", |entry| match &entry.written {
            RawValue::One(text) => text,
            RawValue::Many(_) => "",
        });
        let made_here = BodyType::parse(text);
        let own_type = self.entry(&setting::CALLBACK_BODY_TYPE).filter(|_| made_here.is_some());
        if let Some(entry) = own_type {
            let problem = "it is for a body of one's own; 'form' and 'json' have their type";
            self.instead(&entry, problem, "callback.body = \"a=${object}\"");
        }
        let Some(entry) = entry.as_ref().filter(|_| made_here.is_none()) else {
            return made_here.map(|body_type| CallbackBody::complete(body_type, names));
        };
        if *to == CallbackTarget::Function {
            let problem = "the function reads its own callback, which is 'form' or 'json'";
            self.config.add_invalid(&setting::CALLBACK_BODY, entry, problem);
            return None;
        }
        let body_type = self.value(&setting::CALLBACK_BODY_TYPE, body_type).unwrap_or_default();
        self.config.read(&setting::CALLBACK_BODY, entry, |text| {
            CallbackBody::parse(text, body_type, names)
        })
    }

    fn complain_of_what_nobody_is_told(&mut self) {
        if self.entry(&setting::CALLBACK).is_some() {
            return;
        }
        for setting in setting::CALLBACK_DETAILS {
            if let Some(entry) = self.entry(setting) {
                self.instead(&entry, "it needs callback.to to say who is called", SELF);
            }
        }
    }

    /// Says that something else would have to be written, wherever this is.
    pub(super) fn instead(&mut self, entry: &RawSetting, problem: &str, example: &str) {
        self.config.add_error(entry.describe(), problem.to_owned(), example.to_owned());
    }

    /// Reads the variables. A name in the route hides what the top says of it.
    fn variables(&mut self) -> Vec<(String, Template)> {
        let beginning = format!("{VARIABLES}.");
        let mut variables = Vec::new();
        for key in self.keys(&beginning) {
            let entry = self.own(&key).or_else(|| self.config.file.top.get(&key).cloned());
            let name = key[beginning.len()..].to_owned();
            let value =
                entry.and_then(|entry| self.config.read(&VARIABLE, &entry, Template::value));
            variables.extend(value.map(|value| (name, value)));
        }
        variables
    }

    /// Refuses what OSS would refuse, or what no receipt could say.
    fn check_size(&mut self, callback: &Callback) {
        let Some(entry) = self.entry(&setting::CALLBACK) else { return };
        let own = "x".repeat(LONGEST_OWN_BYTES);
        let address = callback.address(&self.name, Some(&own)).unwrap_or_default();
        let fields = callback_fields::complete_fields(callback, &address, Vec::new());
        if fields.iter().any(|(_, value)| value.len() > MAX_FIELD_BYTES) {
            let problem = "its field has more than the 4096 bytes that OSS is sure to take: name fewer \
                           addresses, or tell less";
            self.config.add_invalid(&setting::CALLBACK, &entry, problem);
        }
        let Some(entry) = self.entry(&setting::TYPES) else { return };
        if entry.texts().iter().map(String::len).sum::<usize>() > MAX_TYPES_BYTES {
            let problem = "a receipt says which types were granted, and these have more than 1024 bytes in \
                           all; write kinds such as image/*";
            self.config.add_invalid(&setting::TYPES, &entry, problem);
        }
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

/// Tells the name of a variable that a route may set.
pub(super) fn check_name(name: &str) -> Result<(), &'static str> {
    match name {
        RECEIPT => Err("x:receipt is the receipt's own"),
        name if callback::is_name(name) => Ok(()),
        _ => Err("a name has up to 64 of a-z, 0-9, '_' and '-', without x:"),
    }
}
