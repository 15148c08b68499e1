//! `upload.toml` as entries with their lines. What the entries mean is `desk`'s and `route`'s business.

use std::collections::BTreeMap;

use toml::de::DeTable;
use toml::de::DeValue;

use crate::settings::complaint::Complaint;
use crate::settings::entry::Entry;
use crate::settings::entry::Place;
use crate::settings::entry::ROUTE;
use crate::settings::entry::Setting;
use crate::settings::entry::TOP;
use crate::settings::entry::Written;

/// The settings of one table of the file, by key.
pub(super) type Section = BTreeMap<String, Entry>;

/// The file's settings, and what is wrong with its form.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) top: Section,
    pub(super) routes: BTreeMap<String, Section>,
    pub(super) complaints: Vec<Complaint>,
}

impl File {
    /// Reads the whole text; what cannot be read becomes complaints.
    pub(super) fn parse(text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut file = Self::default();
        for error in errors {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            file.complain(line, "", error.message(), "max_size = \"10MiB\"");
        }
        for (key, value) in table.get_ref() {
            let line = line_of(text, key.span().start);
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("routes", DeValue::Table(routes)) => file.read_routes(text, routes),
                ("routes", _) => {
                    file.complain(line, "routes", "routes are tables", "[routes.avatar]");
                }
                (key, value) => {
                    let known = [&TOP[..], &ROUTE[..]].concat();
                    let entry = file.read_entry(line, key.to_owned(), value, &known);
                    file.top.extend(entry.map(|entry| (key.to_owned(), entry)));
                }
            }
        }
        file
    }

    /// Fills in what the file leaves out at its top.
    pub(super) fn fill(&mut self, defaults: &[(&str, &str)]) {
        for (key, value) in defaults {
            let entry = Entry { place: Place::Default, written: Written::One((*value).to_owned()) };
            self.top.entry((*key).to_owned()).or_insert(entry);
        }
    }

    fn read_routes(&mut self, text: &str, routes: &DeTable<'_>) {
        for (name, value) in routes {
            let line = line_of(text, name.span().start);
            let name = name.get_ref().as_ref();
            let Some(table) = value.get_ref().as_table() else {
                self.complain(line, name, "a route is a table", "[routes.avatar]");
                continue;
            };
            if !is_route_name(name) {
                let problem = "a route's name has up to 64 letters, digits, '-' and '_'";
                self.complain(line, &format!("routes.{name}"), problem, "[routes.avatar]");
            }
            let mut section = Section::new();
            for (key, value) in table {
                let line = line_of(text, key.span().start);
                let path = format!("routes.{name}.{}", key.get_ref());
                let entry = self.read_entry(line, path, value.get_ref(), &ROUTE);
                section.extend(entry.map(|entry| (key.get_ref().to_string(), entry)));
            }
            self.routes.insert(name.to_owned(), section);
        }
    }

    /// Reads one entry, whose key is the last part of its path.
    fn read_entry(
        &mut self,
        line: usize,
        path: String,
        value: &DeValue<'_>,
        known: &[&Setting],
    ) -> Option<Entry> {
        let key = path.rsplit('.').next().unwrap_or_default();
        let Some(setting) = known.iter().find(|setting| setting.key == key) else {
            let keys: Vec<_> = known.iter().map(|setting| setting.key).collect();
            let problem = format!("there is no such setting here; there are {}", keys.join(", "));
            self.complain(line, &path, &problem, "max_size = \"10MiB\"");
            return None;
        };
        let Some(written) = read_value(value) else {
            let problem = "the value is a text, a number, true, false, or a list of texts";
            let example = format!("{} = \"{}\"", setting.key, setting.example);
            self.complain(line, &path, problem, &example);
            return None;
        };
        Some(Entry { place: Place::Line(line, path), written })
    }

    fn complain(&mut self, line: usize, path: &str, problem: &str, example: &str) {
        let place = if path.is_empty() { String::new() } else { format!(", {path}") };
        self.complaints.push(Complaint {
            place: format!("upload.toml line {line}{place}"),
            problem: problem.to_owned(),
            example: example.to_owned(),
        });
    }
}

fn read_value(value: &DeValue<'_>) -> Option<Written> {
    match value {
        DeValue::String(text) => Some(Written::One(text.to_string())),
        DeValue::Integer(number) if number.radix() == 10 => {
            Some(Written::One(number.as_str().to_owned()))
        }
        DeValue::Boolean(truth) => Some(Written::One(truth.to_string())),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            Some(Written::Many(texts.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn is_route_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
