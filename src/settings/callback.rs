//! A route's callback: who is called when an object is stored, and what is told.

use crate::policy::callback;
use crate::policy::callback::Callback;
use crate::policy::callback::MAX_ADDRESSES;
use crate::policy::callback::MAX_FIELD_BYTES;
use crate::policy::callback::PREFIX;
use crate::policy::callback::RECEIPT;
use crate::policy::callback::Target;
use crate::policy::callback::body::Body;
use crate::policy::callback::body::BodyType;
use crate::policy::template::Template;
use crate::receipt::order;
use crate::settings::address;
use crate::settings::entry;
use crate::settings::entry::Setting;
use crate::settings::entry::VARIABLES;
use crate::settings::entry::Written;
use crate::settings::route::Reader;
use crate::settings::value;

/// The longest list of a route's types that goes into a receipt with any key and any subject.
const MAX_TYPES_BYTES: usize = 1024;

/// The longest address of this function, which may be known to a request only.
const LONGEST_OWN_BYTES: usize = "https://".len() + 253 + ":65535".len();

/// What a complaint about a variable shows as an example.
const VARIABLE: Setting = Setting { variable: "", key: "album", example: "{claim:album}" };

/// Where the settings say that nobody is told: a route under a `[callback]` for all of them.
const NOBODY: &str = "none";

impl Reader<'_, '_> {
    /// Reads the callback of the route; what is said of one without saying who is called is a complaint.
    pub(super) fn callback(&mut self) -> Option<Callback> {
        let Some(to) = self.to() else {
            self.complain_of_what_nobody_is_told();
            return None;
        };
        let variables = self.variables();
        let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let body = self.body(&to, &names)?;
        let host = self.value(&entry::CALLBACK_HOST, host);
        let sni = self.value(&entry::CALLBACK_SNI, value::truth).unwrap_or_else(|| is_https(&to));
        let callback = Callback { to, body, host, sni, variables };
        self.check_size(&callback);
        Some(callback)
    }

    /// Reads who is called.
    fn to(&mut self) -> Option<Target> {
        let entry = self.entry(&entry::CALLBACK)?;
        let texts = entry.texts();
        match &texts[..] {
            [only] if only == "self" => return Some(Target::Own),
            [only] if only == NOBODY => return None,
            _ => {}
        }
        let reach = self.desk.reach();
        let parse = |text: &str| match text {
            "self" => Err("'self' stands alone".to_owned()),
            text => address::parse(text, reach).map_err(|error| error.to_string()),
        };
        let addresses = self.desk.each(&entry::CALLBACK, &entry, parse);
        if texts.len() > MAX_ADDRESSES || texts.is_empty() {
            let problem = format!("OSS tries from 1 to {MAX_ADDRESSES} addresses");
            self.desk.complain(entry.describe(), problem, entry.example(&entry::CALLBACK));
        }
        Some(Target::Addresses(addresses))
    }

    /// Reads what is told, as the function itself understands it or as somebody else wishes.
    fn body(&mut self, to: &Target, names: &[&str]) -> Option<Body> {
        let whole = |body_type| Body::whole(body_type, names.iter().copied());
        let Some(entry) = self.entry(&entry::CALLBACK_BODY) else {
            self.complain_of_body_type();
            return Some(whole(BodyType::Form));
        };
        let word = match &entry.written {
            Written::One(text) => BodyType::parse(text),
            Written::Many(_) => None,
        };
        if let Some(body_type) = word {
            self.complain_of_body_type();
            return Some(whole(body_type));
        }
        if *to == Target::Own {
            let problem =
                "the function reads its own callback, which is 'form' or 'json'".to_owned();
            self.desk.complain(entry.describe(), problem, entry.example(&entry::CALLBACK_BODY));
            return None;
        }
        let body_type = self.value(&entry::CALLBACK_BODY_TYPE, body_type).unwrap_or_default();
        self.desk.read(&entry::CALLBACK_BODY, &entry, |text| Body::parse(text, body_type, names))
    }

    /// The words for the two bodies that are made here say their type too.
    fn complain_of_body_type(&mut self) {
        if let Some(entry) = self.entry(&entry::CALLBACK_BODY_TYPE) {
            let problem = "it is for a body of one's own; 'form' and 'json' have their type";
            self.desk.complain(
                entry.describe(),
                problem.to_owned(),
                entry.example(&entry::CALLBACK_BODY),
            );
        }
    }

    fn complain_of_what_nobody_is_told(&mut self) {
        let is_off = self.entry(&entry::CALLBACK).is_some();
        for setting in entry::CALLBACK_DETAILS {
            if let Some(entry) = self.entry(setting).filter(|_| !is_off) {
                let problem = format!("it needs {} to say who is called", entry::CALLBACK.key);
                let example = format!("{} = \"self\"", entry::CALLBACK.key);
                self.desk.complain(entry.describe(), problem, example);
            }
        }
    }

    /// Reads the variables. A name in the route hides what the top says of it.
    fn variables(&mut self) -> Vec<(String, Template)> {
        let beginning = format!("{VARIABLES}.");
        let mut variables = Vec::new();
        for key in self.keys(&beginning) {
            let entry = self.own(&key).or_else(|| self.desk.file.top.get(&key).cloned());
            let name = key.trim_start_matches(&beginning).to_owned();
            let value = entry.and_then(|entry| self.desk.read(&VARIABLE, &entry, Template::value));
            variables.extend(value.map(|value| (name, value)));
        }
        variables
    }

    /// Refuses what OSS would refuse, or what no receipt could say.
    fn check_size(&mut self, callback: &Callback) {
        let Some(entry) = self.entry(&entry::CALLBACK) else { return };
        let own = "x".repeat(LONGEST_OWN_BYTES);
        let address = callback.address(&self.name, Some(&own)).unwrap_or_default();
        let fields = order::fields(callback, &address, order::Variables::new());
        let bytes: usize = fields.iter().map(|(_, value)| value.len()).sum();
        if bytes > MAX_FIELD_BYTES {
            let problem = format!(
                "the field of it has {bytes} bytes, and what OSS is sure to take {MAX_FIELD_BYTES}: \
                 name fewer addresses, or tell less"
            );
            self.desk.complain(entry.describe(), problem, entry.example(&entry::CALLBACK));
        }
        let types = self.entry(&entry::TYPES).map(|entry| entry.texts()).unwrap_or_default();
        let bytes: usize = types.iter().map(String::len).sum();
        if bytes > MAX_TYPES_BYTES {
            let problem = format!(
                "a receipt says which types were granted, and these have {bytes} bytes in all, more \
                 than {MAX_TYPES_BYTES}; write kinds such as image/*"
            );
            self.desk.complain(entry.describe(), problem, "types = \"image/*\"".to_owned());
        }
    }
}

fn is_https(to: &Target) -> bool {
    match to {
        Target::Own => true,
        Target::Addresses(addresses) => addresses.iter().any(|one| one.starts_with("https:")),
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
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name == RECEIPT {
        return Err(format!("{PREFIX}{RECEIPT} is the receipt's own"));
    }
    if callback::is_name(name) {
        return Ok(());
    }
    Err(format!("a name has up to 64 of a-z, 0-9, '_' and '-', without {PREFIX}"))
}
