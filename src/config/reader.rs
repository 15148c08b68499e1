//! The config at which entries are read into values, and where every error is collected.

use std::fmt;

use crate::config::address::Reach;
use crate::config::environment::Environment;
use crate::config::error::{ConfigError, ConfigErrors};
use crate::config::setting::{Place, ROUTE, RawSetting, RawValue, Setting, TOP};
use crate::config::toml_file::File;
use crate::config::{known_key, setting};
use crate::secret::Secret;

/// Variables of our own that are no entries: secrets, and the file's place.
const OTHER_VARIABLES: [&str; 5] = [
    setting::JWT_SECRET,
    setting::TICKET_KEYS,
    setting::RECEIPT_KEYS,
    setting::WEBHOOK_SECRET,
    "UPLOAD_CONFIG",
];

/// What a error about a secret shows as an example.
pub(super) const KEYS_EXAMPLE: &str = "$(openssl rand -base64 32)";

/// What a error about a list says that has nothing between two commas, or at its end.
const EMPTY_PART: &str = "a part of the list is empty; take the comma or the empty text away";

const ONE_VALUE: &str = "one value is wanted here, not a list";

/// Reads entries and remembers what was wrong.
#[derive(Debug)]
pub(super) struct ConfigReader<'a> {
    pub(super) environment: &'a Environment,
    pub(super) file: File,
    /// Whether a local OSS is what calls.
    pub(super) is_local: bool,
    errors: Vec<ConfigError>,
}

impl<'a> ConfigReader<'a> {
    pub(super) fn new(environment: &'a Environment, mut file: File) -> Self {
        let errors = std::mem::take(&mut file.errors);
        Self { environment, file, is_local: false, errors }
    }

    /// Says from where callbacks come.
    pub(super) fn reach(&self) -> Reach {
        if self.is_local { Reach::LocalOss } else { Reach::Oss }
    }

    /// Gives the variable's entry.
    pub(super) fn variable(&self, setting: &Setting) -> Option<RawSetting> {
        let text = self.environment.get(setting.variable)?;
        Some(RawSetting {
            place: Place::Variable(setting.variable),
            written: RawValue::One(text.to_owned()),
        })
    }

    /// Gives the entry of a setting that stands outside routes: the variable, else the file's top.
    pub(super) fn top_entry(&self, setting: &Setting) -> Option<RawSetting> {
        self.variable(setting).or_else(|| self.file_top(setting))
    }

    /// Gives the entry at the top of the file.
    pub(super) fn file_top(&self, setting: &Setting) -> Option<RawSetting> {
        self.file.top.get(setting.key).cloned()
    }

    /// Reads such a setting.
    pub(super) fn top<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let entry = self.top_entry(setting)?;
        self.read(setting, &entry, parse)
    }

    /// Reads such a setting and never shows its value: somebody may have put a secret there.
    pub(super) fn top_unseen<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let entry = self.top_entry(setting)?;
        let result = match &entry.written {
            RawValue::One(text) => parse(text).map_err(|error| error.to_string()),
            RawValue::Many(_) => Err(ONE_VALUE.to_owned()),
        };
        result.map_err(|problem| self.add_error(entry.name(), problem, entry.example(setting))).ok()
    }

    /// Reads one entry as a single value.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        entry: &RawSetting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let result = match &entry.written {
            RawValue::One(text) => parse(text).map_err(|error| error.to_string()),
            RawValue::Many(_) => Err(ONE_VALUE.to_owned()),
        };
        result.map_err(|problem| self.add_invalid(setting, entry, &problem)).ok()
    }

    /// Gives the texts of a list. An empty one is a error: a list of nothing but a stray comma would
    /// otherwise count as no list at all, and where a list limits something that means no limit.
    pub(super) fn list(&mut self, setting: &Setting, entry: &RawSetting) -> Vec<String> {
        let mut texts = entry.texts();
        if texts.iter().any(String::is_empty) {
            self.add_invalid(setting, entry, EMPTY_PART);
            texts.retain(|text| !text.is_empty());
        }
        texts
    }

    /// Reads each text of a list; every bad one is a error of its own.
    pub(super) fn each<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        entry: &RawSetting,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for text in self.list(setting, entry) {
            match parse(&text) {
                Ok(value) => values.push(value),
                Err(error) => {
                    self.add_invalid(setting, entry, &format!("in {text:?}, {error}"));
                }
            }
        }
        values
    }

    /// Says that a setting without a default is not there.
    pub(super) fn missing(&mut self, place: &str, setting: &Setting) {
        let example = format!("{}={}", setting.variable, setting.example);
        self.add_error(place.to_owned(), "it is not set, and has no default".to_owned(), example);
    }

    /// Takes over what another room says of a value it read itself.
    pub(super) fn keep<T, E: fmt::Display>(&mut self, result: Result<T, E>) -> Option<T> {
        let add_error = |error: E| {
            let example = "FC_CUSTOM_LISTEN_PORT=9000".to_owned();
            self.add_error("port".to_owned(), error.to_string(), example);
        };
        result.map_err(add_error).ok()
    }

    /// Reads the keys of a variable: one or several with commas, which no error shows.
    pub(super) fn keys(&mut self, variable: &'static str, least: usize) -> Vec<Secret> {
        let Some(text) = self.environment.get(variable) else {
            return Vec::new();
        };
        let keys: Vec<_> = text.split(',').map(str::trim).map(Secret::new).collect();
        let example = format!("{variable}={KEYS_EXAMPLE}");
        if keys.iter().any(|key| key.expose().is_empty()) {
            self.add_error(variable.to_owned(), EMPTY_PART.to_owned(), example.clone());
        }
        if keys.iter().any(|key| (1..least).contains(&key.expose().len())) {
            let problem = format!("each key has at least {least} bytes");
            self.add_error(variable.to_owned(), problem, example.clone());
        }
        if keys.iter().any(|key| known_key::is_known(key.expose())) {
            self.complain_of_known_key(variable, example);
        }
        keys
    }

    /// Refuses a key that everybody knows, except beside a local OSS, where nothing is worth forging.
    pub(super) fn complain_of_known_key(&mut self, variable: &str, example: String) {
        if !self.is_local {
            self.add_error(variable.to_owned(), known_key::PROBLEM.to_owned(), example);
        }
    }

    /// Says what is wrong with an entry.
    pub(super) fn add_invalid(&mut self, setting: &Setting, entry: &RawSetting, problem: &str) {
        self.add_error(entry.describe(), problem.to_owned(), entry.example(setting));
    }

    /// Remembers a problem once, though several routes may stumble over it.
    pub(super) fn add_error(&mut self, place: String, problem: String, example: String) {
        let error = ConfigError { place, problem, example };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// A misspelt variable would silently leave a limit at its default, so it is a error.
    pub(super) fn check_unknown_variables(&mut self) {
        let settings =
            || TOP.iter().chain(&ROUTE).map(|setting| setting.variable).chain(OTHER_VARIABLES);
        let environment = self.environment;
        for name in environment.names().filter(|name| name.starts_with("UPLOAD_")) {
            if !settings().any(|known| known == name) {
                let known: Vec<_> =
                    settings().filter(|known| known.starts_with("UPLOAD_")).collect();
                let problem = format!("there is no such setting; there are {}", known.join(", "));
                self.add_error(name.to_owned(), problem, "UPLOAD_MAX_SIZE=10MiB".to_owned());
            }
        }
    }

    /// Ends the reading: well, or with everything that was wrong.
    pub(super) fn finish(self) -> Result<(), ConfigErrors> {
        if self.errors.is_empty() { Ok(()) } else { Err(ConfigErrors(self.errors)) }
    }
}
