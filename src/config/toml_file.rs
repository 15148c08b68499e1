//! `upload.toml` as entries with their lines. What the entries mean is `config`'s and `route`'s business.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::config::callback;
use crate::config::error::ConfigError;
use crate::config::setting::{
    ADDED, METADATA, Place, ROUTE, RawSetting, RawValue, Setting, TOP, VARIABLES,
};
use crate::policy::metadata;

/// The settings of one table of the file, by key. What stands in a table of its own has the whole
/// way in its key: `headers.cache-control`, `metadata.title.pattern`.
pub(super) type Section = BTreeMap<String, RawSetting>;

/// What a error about the file's form shows as an example.
const EXAMPLE: &str = "max_size = \"10MiB\"";

/// The file's settings, and what is wrong with its form.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) top: Section,
    pub(super) routes: BTreeMap<String, Section>,
    pub(super) errors: Vec<ConfigError>,
}

impl File {
    /// Reads the whole text; what cannot be read becomes errors.
    pub(super) fn parse(text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { text, errors: Vec::new() };
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            reader.add_error(at, "", error.message(), EXAMPLE);
        }
        let known = [&TOP[..], &ROUTE[..]].concat();
        let mut file = Self::default();
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("routes", DeValue::Table(routes)) => file.routes = reader.read_routes(routes),
                ("routes", _) => {
                    let at = key.span().start;
                    reader.add_error(at, "routes", "routes are tables", "[routes.avatar]");
                }
                _ => reader.read_item(
                    key,
                    value.get_ref(),
                    &TomlPath::new("", &known),
                    &mut file.top,
                ),
            }
        }
        file.errors = reader.errors;
        file
    }

    /// Fills in what the file leaves out at its top.
    pub(super) fn fill(&mut self, defaults: &[(&str, &str)]) {
        for (key, value) in defaults {
            let entry =
                RawSetting { place: Place::Default, written: RawValue::One((*value).to_owned()) };
            self.top.entry((*key).to_owned()).or_insert(entry);
        }
    }
}

/// Where in the file something stands.
struct TomlPath<'a> {
    /// The table that the section belongs to, with a dot behind it: `routes.avatar.`, or nothing.
    place: &'a str,
    /// The table within the section: `headers.`, or nothing.
    table: String,
    /// The settings that there are.
    known: &'a [&'a Setting],
}

impl<'a> TomlPath<'a> {
    fn new(place: &'a str, known: &'a [&'a Setting]) -> Self {
        Self { place, table: String::new(), known }
    }

    /// Lists what can stand here: the settings of this table, and the tables in it.
    fn names(&self) -> String {
        let keys = self.known.iter().filter_map(|setting| setting.key.strip_prefix(&*self.table));
        let mut names: Vec<_> = keys.map(|key| key.split('.').next().unwrap_or(key)).collect();
        names.dedup();
        names.extend(self.table.is_empty().then_some(METADATA));
        names.join(", ")
    }

    fn into(&self, table: &str) -> Self {
        Self { table: format!("{}{table}.", self.table), ..*self }
    }
}

struct Reader<'a> {
    text: &'a str,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn read_routes(&mut self, routes: &DeTable<'_>) -> BTreeMap<String, Section> {
        let known = [&ROUTE[..], &ADDED[..]].concat();
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
            let place = format!("routes.{name}.");
            let mut section = Section::new();
            for (key, value) in table {
                self.read_item(key, value.get_ref(), &TomlPath::new(&place, &known), &mut section);
            }
            sections.insert(name.to_owned(), section);
        }
        sections
    }

    /// Reads one entry, or the table of that name.
    fn read_item(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &DeValue<'_>,
        way: &TomlPath<'_>,
        section: &mut Section,
    ) {
        let at = key.span().start;
        let name = key.get_ref().as_ref();
        let path = format!("{}{name}", way.table);
        let place = format!("{}{path}", way.place);
        let inside = format!("{path}.");
        let is_metadata = path == METADATA;
        if path == VARIABLES {
            return self.read_variables(at, value, way, section);
        }
        if is_metadata || way.known.iter().any(|setting| setting.key.starts_with(&inside)) {
            let Some(table) = value.as_table() else {
                return self.add_error(at, &place, "it is a table", &format!("[{place}]"));
            };
            for (key, value) in table {
                if is_metadata {
                    self.read_metadata(key, value.get_ref(), way, section);
                } else {
                    self.read_item(key, value.get_ref(), &way.into(name), section);
                }
            }
            return;
        }
        let Some(setting) = way.known.iter().find(|setting| setting.key == path) else {
            let problem = format!("there is no such setting here; there are {}", way.names());
            return self.add_error(at, &place, &problem, EXAMPLE);
        };
        let Some(written) = read_value(value) else {
            let problem = "the value is a text, a number, true, false, or a list of texts";
            let example = format!("{} = \"{}\"", setting.key, setting.example);
            return self.add_error(at, &place, problem, &example);
        };
        let line = self.line_of(at);
        section.insert(path, RawSetting { place: Place::Line(line, place), written });
    }

    /// Reads a callback's variables, whose names are the operator's own.
    fn read_variables(
        &mut self,
        at: usize,
        value: &DeValue<'_>,
        way: &TomlPath<'_>,
        section: &mut Section,
    ) {
        const EXAMPLE: &str = "callback.variables.album = \"{claim:album}\"";
        let place = format!("{}{VARIABLES}", way.place);
        let Some(table) = value.as_table() else {
            return self.add_error(at, &place, "it is a table", &format!("[{place}]"));
        };
        for (key, value) in table {
            let (at, name) = (key.span().start, key.get_ref().as_ref());
            let place = format!("{place}.{name}");
            let problem = match (callback::check_name(name), value.get_ref()) {
                (Ok(()), DeValue::String(text)) => {
                    let written = RawValue::One(text.to_string());
                    let entry = RawSetting { place: Place::Line(self.line_of(at), place), written };
                    section.insert(format!("{VARIABLES}.{name}"), entry);
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
        way: &TomlPath<'_>,
        section: &mut Section,
    ) {
        const EXAMPLE: &str = "metadata.title = { pattern = \"[a-z]{1,40}\", required = true }";
        let at = key.span().start;
        let name = key.get_ref().as_ref();
        let path = format!("{METADATA}.{name}");
        let place = format!("{}{path}", way.place);
        if !metadata::is_name(name) {
            let problem = "a name has up to 64 of a-z, 0-9 and '-', without x-oss-meta-";
            return self.add_error(at, &place, problem, EXAMPLE);
        }
        let mut insert = |line, key: &str, text: &str| {
            let place = format!("{}{key}", way.place);
            let written = RawValue::One(text.to_owned());
            section.insert(key.to_owned(), RawSetting { place: Place::Line(line, place), written });
        };
        // The name itself, also when nothing is said of it.
        insert(self.line_of(at), &path, name);
        match value {
            DeValue::String(pattern) => {
                insert(self.line_of(at), &format!("{path}.pattern"), pattern);
            }
            DeValue::Table(table) => {
                for (key, value) in table {
                    let (at, name) = (key.span().start, key.get_ref().as_ref());
                    let key = format!("{path}.{name}");
                    match (name, value.get_ref()) {
                        ("pattern", DeValue::String(text)) => insert(self.line_of(at), &key, text),
                        ("required", DeValue::Boolean(truth)) => {
                            insert(self.line_of(at), &key, &truth.to_string());
                        }
                        _ => {
                            let problem =
                                "metadata have a 'pattern', a text, and 'required', true or false";
                            self.add_error(at, &format!("{}{key}", way.place), problem, EXAMPLE);
                        }
                    }
                }
            }
            _ => self.add_error(at, &place, "metadata are a pattern or a table", EXAMPLE),
        }
    }

    fn add_error(&mut self, at: usize, path: &str, problem: &str, example: &str) {
        let place = if path.is_empty() { String::new() } else { format!(", {path}") };
        self.errors.push(ConfigError {
            place: format!("upload.toml line {}{place}", self.line_of(at)),
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
