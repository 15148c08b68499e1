//! The settings as they were written, with their places, for `oss-upload check`.

use std::collections::BTreeMap;

use crate::config::environment::Environment;
use crate::config::raw::{Location, RawSetting, RawValue};
use crate::config::reader::{ConfigReader, RouteReader};
use crate::config::table::{SETTINGS, Setting, SettingScope, ValueKind};
use crate::config::toml_file::TomlFile;

/// A setting as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct WrittenSetting {
    /// The key in the file, or the variable of a setting that is in the environment only.
    pub key: &'static str,
    /// The value as it was written; `None` where it may be a secret.
    pub value: Option<String>,
    /// The variable, or the line of the file.
    pub place: String,
}

/// The settings that were written, in the order of the table.
#[derive(Debug)]
pub struct Listing {
    /// Those of the function.
    pub function: Vec<WrittenSetting>,
    /// Those that apply to each route, by its name.
    pub routes: BTreeMap<String, Vec<WrittenSetting>>,
}

impl Listing {
    /// Lists the settings of an environment and a file that [`crate::config::Settings::load_over`] accepts.
    #[must_use]
    pub fn read(defaults: &[(&str, &str)], environment: &Environment, file: Option<&str>) -> Self {
        let mut file = TomlFile::parse(file.unwrap_or_default());
        file.add_defaults(defaults);
        let mut config = ConfigReader::new(environment, file);
        let is_of_function = |scope| {
            matches!(
                scope,
                SettingScope::Function | SettingScope::FunctionAndRoute | SettingScope::Secret
            )
        };
        let function = SETTINGS.iter().filter(|setting| is_of_function(setting.scope));
        let function = function
            .filter_map(|setting| Some(written(setting, &config.entry(setting)?)))
            .collect();
        let mut routes = BTreeMap::new();
        for name in config.route_names() {
            let reader = RouteReader { config: &mut config, name };
            let settings = SETTINGS.iter().filter(|setting| setting.kind != ValueKind::Table);
            let entry = |setting: &Setting| match setting.scope {
                SettingScope::AllRoutes | SettingScope::Route => reader.entry(setting),
                SettingScope::FunctionAndRoute => reader.own(setting.key),
                SettingScope::Function | SettingScope::Secret | SettingScope::Environment => None,
            };
            let list = settings.filter_map(|setting| Some(written(setting, &entry(setting)?)));
            let list: Vec<_> = list.collect();
            routes.insert(reader.name, list);
        }
        Self { function, routes }
    }
}

fn written(setting: &'static Setting, raw: &RawSetting) -> WrittenSetting {
    let value = match &raw.value {
        RawValue::One(text) => text.clone(),
        RawValue::Many(texts) => texts.join(", "),
    };
    let place = match &raw.place {
        Location::Variable(name) => (*name).to_owned(),
        Location::Line(line, _) => format!("upload.toml line {line}"),
        Location::Default => "dev".to_owned(),
    };
    let key = if setting.key.is_empty() { setting.variable } else { setting.key };
    WrittenSetting { key, value: setting.is_shown().then_some(value), place }
}
