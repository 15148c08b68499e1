//! Readers of settings: [`ConfigReader`] for those of the function, [`RouteReader`] for those of one route.
//!
//! They find where a setting was written, read its value, and collect every error.

use std::collections::BTreeSet;
use std::fmt;

use crate::config::environment::Environment;
use crate::config::raw::{ConfigError, ConfigErrors, Location, RawSetting, RawValue};
use crate::config::table::{self, SETTINGS, Setting, SettingScope};
use crate::config::toml_file::TomlFile;

/// The route that a request means when it names none.
pub const DEFAULT_ROUTE: &str = "default";

/// The error about a list that has nothing between two commas, or at its end.
pub(super) const EMPTY_PART: &str =
    "a part of the list is empty; take the comma or the empty text away";

/// Reads settings and collects errors.
#[derive(Debug)]
pub(super) struct ConfigReader<'a> {
    pub(super) environment: &'a Environment,
    pub(super) file: TomlFile,
    /// Whether the function works with a local OSS.
    pub(super) is_local: bool,
    errors: Vec<ConfigError>,
}

impl<'a> ConfigReader<'a> {
    pub(super) fn new(environment: &'a Environment, mut file: TomlFile) -> Self {
        let errors = std::mem::take(&mut file.errors);
        Self { environment, file, is_local: false, errors }
    }

    /// Gives the value of the setting's variable.
    pub(super) fn variable(&self, setting: &Setting) -> Option<RawSetting> {
        let text = self.environment.get(setting.variable)?;
        Some(RawSetting {
            place: Location::Variable(setting.variable),
            value: RawValue::One(text.to_owned()),
        })
    }

    /// Finds a setting of the function: the variable, else the key at the top of the file.
    pub(super) fn entry(&self, setting: &Setting) -> Option<RawSetting> {
        self.variable(setting).or_else(|| self.file_top(setting))
    }

    /// Finds the key at the top of the file.
    pub(super) fn file_top(&self, setting: &Setting) -> Option<RawSetting> {
        self.file.top.get(setting.key).cloned()
    }

    /// Reads a setting of the function.
    pub(super) fn value<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let raw = self.entry(setting)?;
        self.read(setting, &raw, parse)
    }

    /// Reads one raw setting as a single value.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        raw: &RawSetting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let result = match &raw.value {
            RawValue::One(text) => parse(text).map_err(|error| error.to_string()),
            RawValue::Many(_) => Err("one value is wanted here, not a list".to_owned()),
        };
        result.map_err(|problem| self.add_invalid(setting, raw, &problem)).ok()
    }

    /// Gives the texts of a list. An empty text is an error: a list of nothing but a stray comma would
    /// otherwise count as no list at all, and where a list limits something that means no limit.
    pub(super) fn list(&mut self, setting: &Setting, raw: &RawSetting) -> Vec<String> {
        let mut texts = raw.texts();
        if texts.iter().any(String::is_empty) {
            self.add_invalid(setting, raw, EMPTY_PART);
            texts.retain(|text| !text.is_empty());
        }
        texts
    }

    /// Reads each text of a list; every invalid one is an error of its own.
    pub(super) fn each<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        raw: &RawSetting,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for text in self.list(setting, raw) {
            match parse(&text) {
                Ok(value) => values.push(value),
                Err(error) => self.add_invalid(setting, raw, &format!("in {text:?}, {error}")),
            }
        }
        values
    }

    /// Adds the error that a setting without a default was not written.
    pub(super) fn add_missing(&mut self, setting: &Setting) {
        let problem = "it is not set, and has no default".to_owned();
        self.add_error(setting.variable.to_owned(), problem, setting.variable_example());
    }

    /// Adds an error about a setting, with an example of it. Shows the value unless it may be a secret.
    pub(super) fn add_invalid(&mut self, setting: &Setting, raw: &RawSetting, problem: &str) {
        let place = if setting.is_shown() { raw.describe() } else { raw.name() };
        self.add_error(place, problem.to_owned(), raw.example(setting));
    }

    /// Adds an error once, though several routes may have it.
    pub(super) fn add_error(&mut self, place: String, problem: String, example: String) {
        let error = ConfigError { place, problem, example };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Refuses variables that no setting has. A misspelt one would silently leave a limit at its default.
    pub(super) fn check_unknown_variables(&mut self) {
        let known = || {
            let variables = SETTINGS.iter().map(|setting| setting.variable);
            variables.filter(|variable| variable.starts_with("UPLOAD_"))
        };
        let environment = self.environment;
        for name in environment.names().filter(|name| name.starts_with("UPLOAD_")) {
            if known().any(|variable| variable == name) {
                continue;
            }
            let near = table::nearest(name, known());
            let setting = SETTINGS.iter().find(|setting| Some(setting.variable) == near);
            let problem = near.map_or_else(
                || {
                    format!(
                        "there is no such setting; there are {}",
                        known().collect::<Vec<_>>().join(", ")
                    )
                },
                |near| format!("there is no such setting; the nearest name is {near}"),
            );
            let example = setting.map_or(&table::MAX_SIZE, |setting| *setting).variable_example();
            self.add_error(name.to_owned(), problem, example);
        }
    }

    /// Ends the reading: with nothing, or with every error.
    pub(super) fn finish(self) -> Result<(), ConfigErrors> {
        if self.errors.is_empty() { Ok(()) } else { Err(ConfigErrors(self.errors)) }
    }

    /// Gives the routes' names. Without any in the file there is the one that the environment describes.
    pub(super) fn route_names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.file.routes.keys().cloned().collect();
        if names.is_empty() || !self.variables_of_default_route().is_empty() {
            names.insert(DEFAULT_ROUTE.to_owned());
        }
        names
    }

    /// Gives the variables that add the route `default` to those of the file; none where the file has it, or has
    /// no routes at all.
    pub(super) fn variables_that_add_a_route(&self) -> Vec<&'static str> {
        let routes = &self.file.routes;
        if routes.is_empty() || routes.contains_key(DEFAULT_ROUTE) {
            return Vec::new();
        }
        self.variables_of_default_route()
    }

    /// Gives the variables that are set and apply to the route `default` only.
    fn variables_of_default_route(&self) -> Vec<&'static str> {
        let settings = SETTINGS.iter().filter(|setting| setting.scope == SettingScope::Route);
        let variables = settings.map(|setting| setting.variable);
        variables.filter(|variable| self.environment.get(variable).is_some()).collect()
    }
}

/// Reads the settings of one route.
pub(super) struct RouteReader<'config, 'environment> {
    pub(super) config: &'config mut ConfigReader<'environment>,
    pub(super) name: String,
}

impl RouteReader<'_, '_> {
    /// Finds the setting as it applies to the route.
    pub(super) fn entry(&self, setting: &Setting) -> Option<RawSetting> {
        self.levels(setting).into_iter().flatten().next()
    }

    /// Gives the places where the setting was written, those that win first: for the route `default` the
    /// environment over the file; for every other route its own table over a variable for all routes.
    pub(super) fn levels(&self, setting: &Setting) -> [Option<RawSetting>; 3] {
        let variable = || self.config.variable(setting);
        let own = self.own(setting.key);
        let top = self.config.file_top(setting);
        if self.name == DEFAULT_ROUTE {
            return [variable(), own, top];
        }
        let is_for_all = setting.scope == SettingScope::AllRoutes;
        [own, is_for_all.then(variable).flatten(), top]
    }

    /// Finds a key in the route's own table.
    pub(super) fn own(&self, key: &str) -> Option<RawSetting> {
        self.config.file.routes.get(&self.name)?.get(key).cloned()
    }

    /// Gives the keys of the route's own table and of the file's top that begin with this.
    pub(super) fn keys(&self, beginning: &str) -> BTreeSet<String> {
        let own = self.config.file.routes.get(&self.name).into_iter();
        let all = own.chain([&self.config.file.top]).flat_map(|section| section.keys());
        all.filter(|key| key.starts_with(beginning)).cloned().collect()
    }

    /// Reads the setting as it applies to the route.
    pub(super) fn value<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let raw = self.entry(setting)?;
        self.config.read(setting, &raw, parse)
    }

    /// Adds an error about a value whose cause is another setting, of which `example` is an example.
    pub(super) fn add_conflict(&mut self, raw: &RawSetting, problem: &str, example: String) {
        self.config.add_error(raw.describe(), problem.to_owned(), example);
    }
}
