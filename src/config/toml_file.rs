//! `upload.toml` as raw settings with their lines. What their values mean is up to the readers.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::config::raw::{ConfigError, Location, RawSetting, RawValue};
use crate::config::table::{self, METADATA, SETTINGS, Setting, SettingScope, VARIABLES};
use crate::policy::{callback, metadata};

/// The settings of one table of the file, by key. A setting in an inner table has the whole path in its
/// key: `headers.cache-control`, `metadata.title.pattern`.
pub(super) type Section = BTreeMap<String, RawSetting>;

/// The file's settings, and the errors in its form.
#[derive(Debug, Default)]
pub(super) struct TomlFile {
    pub(super) top: Section,
    pub(super) routes: BTreeMap<String, Section>,
    pub(super) errors: Vec<ConfigError>,
}

impl TomlFile {
    /// Reads the whole text; what cannot be read becomes errors.
    pub(super) fn parse(text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = TomlReader { text, errors: Vec::new() };
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            reader.add_error(at, "", error.message(), &table::MAX_SIZE.key_example());
        }
        let path = TomlPath { parent: "", table: String::new(), allowed: Setting::is_at_top };
        let mut file = Self::default();
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("routes", DeValue::Table(routes)) => file.routes = reader.read_routes(routes),
                ("routes", _) => {
                    let at = key.span().start;
                    reader.add_error(at, "routes", "routes are tables", "[routes.avatar]");
                }
                (_, value) => reader.read_item(key, value, &path, &mut file.top),
            }
        }
        file.errors = reader.errors;
        file
    }

    /// Adds values for keys that are not at the top of the file.
    pub(super) fn add_defaults(&mut self, defaults: &[(&str, &str)]) {
        for (key, value) in defaults {
            let raw =
                RawSetting { place: Location::Default, value: RawValue::One((*value).to_owned()) };
            self.top.entry((*key).to_owned()).or_insert(raw);
        }
    }
}

/// The table of the file that is being read.
struct TomlPath<'a> {
    /// The table that the section belongs to, with a dot behind it: `routes.avatar.`, or nothing.
    parent: &'a str,
    /// The table within the section: `headers.`, or nothing.
    table: String,
    /// Returns the settings that can be in the section.
    allowed: fn(&Setting) -> bool,
}

impl TomlPath<'_> {
    fn allowed(&self) -> impl Iterator<Item = &'static Setting> {
        SETTINGS
            .iter()
            .copied()
            .filter(|setting| !setting.key.is_empty() && (self.allowed)(setting))
    }

    /// Lists the names that are known here: the settings of this table, and the tables in it.
    fn names(&self) -> Vec<&'static str> {
        let keys = self.allowed().filter_map(|setting| setting.key.strip_prefix(&*self.table));
        let mut names: Vec<_> = keys.map(|key| key.split('.').next().unwrap_or(key)).collect();
        names.dedup();
        names
    }

    fn into(&self, table: &str) -> Self {
        Self { table: format!("{}{table}.", self.table), ..*self }
    }

    /// Says why there is no setting of this name here, with an example of what was probably meant.
    fn unknown(&self, name: &str) -> (String, String) {
        let path = format!("{}{name}", self.table);
        let variable = path.to_uppercase();
        let variable = format!("UPLOAD_{}", variable.trim_start_matches("UPLOAD_"));
        let secret = |setting: &&&Setting| {
            setting.scope == SettingScope::Secret && setting.variable == variable
        };
        if let Some(secret) = SETTINGS.iter().find(secret) {
            let problem = format!("a secret is set in the environment only, as {variable}");
            return (problem, secret.variable_example());
        }
        if let Some(setting) = self.allowed().find(|setting| setting.variable == path) {
            let problem =
                format!("this is the name of the variable; in the file it is {}", setting.key);
            return (problem, setting.key_example());
        }
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == path) {
            let problem = "it is no setting of a route: write it at the top of the file";
            return (problem.to_owned(), setting.key_example());
        }
        let names = self.names();
        let Some(near) = table::nearest(name, names.iter().copied()) else {
            let problem = format!("there is no such setting here; there are {}", names.join(", "));
            return (problem, table::MAX_SIZE.key_example());
        };
        let key = format!("{}{near}", self.table);
        let example = SETTINGS.iter().find(|setting| setting.key == key);
        let example =
            example.map_or_else(|| format!("[{}{key}]", self.parent), |one| one.key_example());
        (format!("there is no such setting here; the nearest name is {near}"), example)
    }
}

struct TomlReader<'a> {
    text: &'a str,
    errors: Vec<ConfigError>,
}

impl TomlReader<'_> {
    fn read_routes(&mut self, routes: &DeTable<'_>) -> BTreeMap<String, Section> {
        let mut sections = BTreeMap::new();
        for (key, value) in routes {
            let at = key.span().start;
            let name = key.get_ref().as_ref();
            let Some(table) = value.get_ref().as_table() else {
                self.add_error(at, name, "a route is a table", "[routes.avatar]");
                continue;
            };
            if !is_route_name(name) {
                let problem = "a route's name has up to 64 letters, digits, '-' and '_'";
                self.add_error(at, &format!("routes.{name}"), problem, "[routes.avatar]");
            }
            let parent = format!("routes.{name}.");
            let path =
                TomlPath { parent: &parent, table: String::new(), allowed: Setting::is_of_route };
            let mut section = Section::new();
            for (key, value) in table {
                self.read_item(key, value.get_ref(), &path, &mut section);
            }
            sections.insert(name.to_owned(), section);
        }
        sections
    }

    /// Reads one setting, or the table of that name.
    fn read_item(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &DeValue<'_>,
        path: &TomlPath<'_>,
        section: &mut Section,
    ) {
        let at = key.span().start;
        let name = key.get_ref().as_ref();
        let full = format!("{}{name}", path.table);
        let place = format!("{}{full}", path.parent);
        let inside = format!("{full}.");
        if full == VARIABLES.key {
            return self.read_variables(at, value, path, section);
        }
        let is_metadata = full == METADATA.key;
        if is_metadata || path.allowed().any(|setting| setting.key.starts_with(&inside)) {
            let Some(table) = value.as_table() else {
                return self.add_error(at, &place, "it is a table", &format!("[{place}]"));
            };
            for (key, value) in table {
                if is_metadata {
                    self.read_metadata(key, value.get_ref(), path, section);
                } else {
                    self.read_item(key, value.get_ref(), &path.into(name), section);
                }
            }
            return;
        }
        let Some(setting) = path.allowed().find(|setting| setting.key == full) else {
            let (problem, example) = path.unknown(name);
            return self.add_error(at, &place, &problem, &example);
        };
        let Some(value) = read_value(value) else {
            let problem = "the value is a text, a number, true, false, or a list of texts";
            return self.add_error(at, &place, problem, &setting.key_example());
        };
        let line = self.line_of(at);
        section.insert(full, RawSetting { place: Location::Line(line, place), value });
    }

    /// Reads a callback's variables, whose names are the operator's own.
    fn read_variables(
        &mut self,
        at: usize,
        value: &DeValue<'_>,
        path: &TomlPath<'_>,
        section: &mut Section,
    ) {
        const EXAMPLE: &str = "callback.variables.album = \"{claim:album}\"";
        let place = format!("{}{}", path.parent, VARIABLES.key);
        let Some(table) = value.as_table() else {
            return self.add_error(at, &place, "it is a table", &format!("[{place}]"));
        };
        for (key, value) in table {
            let (at, name) = (key.span().start, key.get_ref().as_ref());
            let place = format!("{place}.{name}");
            let problem = match (check_variable_name(name), value.get_ref()) {
                (Ok(()), DeValue::String(text)) => {
                    let value = RawValue::One(text.to_string());
                    let raw = RawSetting { place: Location::Line(self.line_of(at), place), value };
                    section.insert(format!("{}.{name}", VARIABLES.key), raw);
                    continue;
                }
                (Ok(()), _) => "a variable's value is a text",
                (Err(problem), _) => problem,
            };
            self.add_error(at, &place, problem, EXAMPLE);
        }
    }

    /// Reads one name of metadata: its pattern, or a table of `pattern` and `required`.
    fn read_metadata(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &DeValue<'_>,
        path: &TomlPath<'_>,
        section: &mut Section,
    ) {
        const EXAMPLE: &str = "metadata.title = { pattern = \"[a-z]{1,40}\", required = true }";
        let at = key.span().start;
        let name = key.get_ref().as_ref();
        let full = format!("{}.{name}", METADATA.key);
        let place = format!("{}{full}", path.parent);
        if !metadata::is_name(name) {
            let problem = "a name has up to 64 of a-z, 0-9 and '-', without x-oss-meta-";
            return self.add_error(at, &place, problem, EXAMPLE);
        }
        let mut insert = |line, key: &str, text: &str| {
            let place = Location::Line(line, format!("{}{key}", path.parent));
            let value = RawValue::One(text.to_owned());
            section.insert(key.to_owned(), RawSetting { place, value });
        };
        // The name itself, also where it has neither pattern nor `required`.
        insert(self.line_of(at), &full, name);
        match value {
            DeValue::String(pattern) => {
                insert(self.line_of(at), &format!("{full}.pattern"), pattern);
            }
            DeValue::Table(table) => {
                for (key, value) in table {
                    let (at, name) = (key.span().start, key.get_ref().as_ref());
                    let key = format!("{full}.{name}");
                    match (name, value.get_ref()) {
                        ("pattern", DeValue::String(text)) => insert(self.line_of(at), &key, text),
                        ("required", DeValue::Boolean(truth)) => {
                            insert(self.line_of(at), &key, &truth.to_string());
                        }
                        _ => {
                            let problem =
                                "metadata have a 'pattern', a text, and 'required', true or false";
                            self.add_error(at, &format!("{}{key}", path.parent), problem, EXAMPLE);
                        }
                    }
                }
            }
            _ => self.add_error(at, &place, "metadata are a pattern or a table", EXAMPLE),
        }
    }

    fn add_error(&mut self, at: usize, path: &str, problem: &str, example: &str) {
        let path = if path.is_empty() { String::new() } else { format!(", {path}") };
        self.errors.push(ConfigError {
            place: format!("upload.toml line {}{path}", self.line_of(at)),
            problem: problem.to_owned(),
            example: example.to_owned(),
        });
    }

    fn line_of(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

fn read_value(value: &DeValue<'_>) -> Option<RawValue> {
    match value {
        DeValue::String(text) => Some(RawValue::One(text.to_string())),
        DeValue::Integer(number) if number.radix() == 10 => {
            Some(RawValue::One(number.as_str().to_owned()))
        }
        DeValue::Boolean(truth) => Some(RawValue::One(truth.to_string())),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            Some(RawValue::Many(texts.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn is_route_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// Checks the name of a callback's variable.
fn check_variable_name(name: &str) -> Result<(), &'static str> {
    match name {
        callback::RECEIPT => Err("x:receipt is the receipt's own"),
        name if callback::is_name(name) => Ok(()),
        _ => Err("a name has up to 64 of a-z, 0-9, '_' and '-', without x:"),
    }
}
