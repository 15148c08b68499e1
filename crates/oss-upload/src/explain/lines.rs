//! A form as a list of fields: `key=value` lines, the lists of developer tools, and URL-encoded text.

use crate::explain::capture::{CapturedBody, CapturedFile, Item, is_upload};

/// The most fields of a list.
const MAX_FIELDS: usize = 1000;

/// Reads a list. Returns `None` if a line is no field, or if the fields are not those of an upload.
pub(super) fn read(text: &str) -> Option<Vec<Item>> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let lists = [assignments(&lines), pairs(&lines), alternating(&lines)].into_iter().flatten();
    lists.into_iter().find(|items| items.len() <= MAX_FIELDS && is_upload(items))
}

/// Reads `name=value` lines; the file is written like curl's `file=@a.png`.
fn assignments(lines: &[&str]) -> Option<Vec<Item>> {
    lines
        .iter()
        .map(|line| line.split_once('=').and_then(|(name, value)| item(name, value)))
        .collect()
}

/// Reads `name: value` lines, and the tables that some developer tools copy with tabs.
fn pairs(lines: &[&str]) -> Option<Vec<Item>> {
    let split = |line: &str| {
        let (name, value) = line.split_once('\t').or_else(|| line.split_once(':'))?;
        item(name.trim_end_matches(':'), value)
    };
    lines.iter().map(|line| split(line)).collect()
}

/// Reads names and values that take turns, with or without a colon after the name.
fn alternating(lines: &[&str]) -> Option<Vec<Item>> {
    if !lines.len().is_multiple_of(2) {
        return None;
    }
    lines.chunks(2).map(|pair| item(pair.first()?.trim_end_matches(':'), pair.get(1)?)).collect()
}

fn item(name: &str, value: &str) -> Option<Item> {
    let name = unquoted(name.trim());
    let is_name = !name.is_empty() && !name.contains(|one: char| one.is_whitespace() || one == '<');
    if !is_name {
        return None;
    }
    let value = unquoted(value.trim().trim_end_matches(',').trim_end());
    if name.eq_ignore_ascii_case("file") {
        return Some(Item::File(file(value)));
    }
    Some(Item::field(name, value))
}

/// Removes a pair of quotes around a text.
pub(super) fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).or_else(|| inner('`')).unwrap_or(text)
}

/// Reads `@photos/a.png;type=image/png`; everything else is the tool's word for a file.
fn file(value: &str) -> CapturedFile {
    let Some(path) = value.strip_prefix('@') else {
        return CapturedFile::default();
    };
    let (path, content_type) = match path.split_once(";type=") {
        Some((path, content_type)) => (path, Some(content_type.to_owned())),
        None => (path, None),
    };
    let name = path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty());
    CapturedFile { name: name.map(str::to_owned), content_type, size: None }
}

/// Reads URL-encoded text: one line of fields. Returns `None` unless they are those of an upload.
pub(super) fn url_encoded(text: &str) -> Option<Vec<Item>> {
    let text = text.trim();
    if !text.contains('&') || !text.contains('=') || text.contains(char::is_whitespace) {
        return None;
    }
    let pairs = form_urlencoded::parse(text.as_bytes()).take(MAX_FIELDS);
    let items: Vec<Item> =
        pairs.map(|(name, value)| Item::named(&name, value.into_owned())).collect();
    is_upload(&items).then_some(items)
}

/// Sorts a body: multipart bytes as they are, URL-encoded text and JSON as fields that are no form.
pub(super) fn body(bytes: Vec<u8>) -> CapturedBody {
    let text = String::from_utf8_lossy(&bytes);
    if let Some(items) = url_encoded(&text) {
        return CapturedBody::NoForm(items);
    }
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(&text) {
        return CapturedBody::NoForm(members_as_items(&members));
    }
    CapturedBody::Bytes(bytes)
}

/// Makes fields of the members of a JSON object; what is neither text, number nor truth value is left
/// out. The order of members says nothing, so the file comes last.
pub(super) fn members_as_items(members: &serde_json::Map<String, serde_json::Value>) -> Vec<Item> {
    let item = |(name, value): (&String, &serde_json::Value)| match value {
        _ if name.eq_ignore_ascii_case("file") => None,
        serde_json::Value::String(text) => Some(Item::field(name, text)),
        serde_json::Value::Number(number) => Some(Item::field(name, number.to_string())),
        serde_json::Value::Bool(truth) => Some(Item::field(name, truth.to_string())),
        _ => None,
    };
    let has_file = members.keys().any(|name| name.eq_ignore_ascii_case("file"));
    let file = has_file.then(|| Item::File(CapturedFile::default()));
    members.iter().take(MAX_FIELDS).filter_map(item).chain(file).collect()
}
