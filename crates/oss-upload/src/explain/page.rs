//! A form in an HTML page: the `action`, and the inputs in their order.

use crate::explain::capture::{Capture, CapturedFile, Head, Item};
use crate::explain::multipart;

/// The most tags that are read.
const MAX_TAGS: usize = 10_000;

/// Reads the first form of a page that has fields.
pub(super) fn read(text: &str) -> Option<Capture> {
    let mut action = String::new();
    let mut items = Vec::new();
    for tag in tags(text).take(MAX_TAGS) {
        let attributes = attributes(tag);
        let of = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let name = tag.split(|one: char| one.is_whitespace() || one == '>' || one == '/').next();
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "form" if items.is_empty() => action = of("action").unwrap_or_default(),
            // A file under another name is a field to OSS.
            "input" if of("name").is_some_and(|name| name.eq_ignore_ascii_case("file")) => {
                items.push(Item::File(CapturedFile::default()));
            }
            "input" | "button" => {
                if let Some(name) = of("name").filter(|name| !name.is_empty()) {
                    items.push(Item::field(name, of("value").unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    if items.is_empty() {
        return None;
    }
    let mut capture = Capture::draft(items);
    capture.is_draft = false;
    if action.contains("://") {
        let content_type = format!("multipart/form-data; boundary={}", multipart::BOUNDARY);
        let headers = vec![("Content-Type".to_owned(), content_type)];
        capture.head = Some(Head::of_url("POST", &action, headers));
    }
    Some(capture)
}

/// Lists the tags without their brackets.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).map(|rest| {
        let mut quote = None;
        let end = rest.char_indices().find(|(_, character)| match (quote, character) {
            (Some(open), one) if open == *one => {
                quote = None;
                false
            }
            (None, '"' | '\'') => {
                quote = Some(*character);
                false
            }
            (None, '>') => true,
            _ => false,
        });
        &rest[..end.map_or(rest.len(), |(at, _)| at)]
    })
}

/// Reads the attributes of a tag, with lower-case names and without entities.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    let mut rest = tag.find(char::is_whitespace).map_or("", |at| &tag[at..]);
    loop {
        rest = rest.trim_start_matches(|one: char| one.is_whitespace() || one == '/');
        let end = rest.find(|one: char| one.is_whitespace() || one == '=').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('=') {
            Some(value) => value_of(value.trim_start()),
            None => ("", after),
        };
        if name.is_empty() {
            return attributes;
        }
        attributes.push((name.to_ascii_lowercase(), decoded(value)));
        rest = tail;
    }
}

fn value_of(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            return rest.split_once(quote).unwrap_or((rest, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// Replaces the entities that attribute values have.
pub(super) fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let end = from.find(';').filter(|end| *end <= 10);
        let known = end.and_then(|end| Some((entity(from.get(1..end)?)?, end)));
        // A lone ampersand stays.
        let (character, end) = known.unwrap_or(('&', 0));
        plain.push(character);
        rest = &from[end + 1..];
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::capture::CapturedBody;
    use crate::explain::capture::{field, split_at_file};

    #[test]
    fn the_inputs_of_a_form_are_read_in_order() {
        let page = "<html><form method=post action='https://b.oss-cn-hangzhou.aliyuncs.com'>\
                    <input type=\"hidden\" name=\"key\" value=\"a&amp;b&#39;c>d\"><input name=policy value=eyJ>\
                    <input type=file name=file><button name=submit>x</button></form>";
        let capture = read(page).unwrap();
        assert_eq!(capture.host().as_deref(), Some("b.oss-cn-hangzhou.aliyuncs.com"));
        let CapturedBody::Form(items) = &capture.body else { panic!("no form") };
        assert_eq!(field(items, "key"), Some("a&b'c>d"));
        assert_eq!(field(items, "policy"), Some("eyJ"));
        assert_eq!(field(split_at_file(items).1, "submit"), Some(""));
        assert!(read("<html><p>text</p></html>").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[<>=&;#'"/ a1xé\n]{0,40}"#) {
            let _ = read(&format!("<form {text}<input name={text}>"));
            let _ = decoded(&text);
        }
    }
}
