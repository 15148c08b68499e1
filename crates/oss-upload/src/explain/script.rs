//! Objects as JavaScript and Python write them: `{ key: 'a', "policy": "…", size: 1, }`, calls of
//! `fetch`, and calls of `append` on a `FormData`.
//!
//! Only literal values are read. An expression, such as a variable, becomes [`UNKNOWN`].

use serde_json::{Map, Value};

use crate::explain::capture::{CapturedFile, Item};

/// Stands for the value of an expression. No literal has it.
pub(super) const UNKNOWN: &str = "\u{0}expression";

/// The deepest nesting of objects and lists.
const MAX_DEPTH: usize = 32;

/// The most members of all objects together.
const MAX_MEMBERS: usize = 10_000;

/// Reads the first object of a text, such as `const form = { … }`.
pub(super) fn object(text: &str) -> Option<Value> {
    let start = text.find('{')?;
    let mut reader = ScriptReader { rest: &text[start..], members: 0 };
    reader.value(0).filter(Value::is_object)
}

/// Reads `fetch("url", { … })`, as browsers copy it. Gives the URL and the options.
pub(super) fn fetch(text: &str) -> Option<(String, Value)> {
    let (_, arguments) = text.split_once("fetch(")?;
    let mut reader = ScriptReader { rest: arguments, members: 0 };
    let Some(Value::String(url)) = reader.value(0) else {
        return None;
    };
    reader.skip_space();
    let options = match reader.rest.strip_prefix(',') {
        Some(rest) => object(rest)?,
        None => Value::Object(Map::new()),
    };
    Some((url, options))
}

/// Reads the calls `form.append('key', 'a')` and `form.set(…)`, in their order.
pub(super) fn appended(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = text;
    while let Some(at) = ["append(", ".set("].iter().filter_map(|call| after(rest, call)).min() {
        rest = &rest[at..];
        let mut reader = ScriptReader { rest, members: 0 };
        let Some(Value::String(name)) = reader.value(0) else { continue };
        reader.skip_space();
        let Some(argument) = reader.rest.strip_prefix(',') else { continue };
        reader.rest = argument;
        let value = reader.value(0).unwrap_or_default();
        rest = reader.rest;
        if name.eq_ignore_ascii_case("file") {
            items.push(Item::File(CapturedFile::default()));
        } else {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            items.push(Item::field(name, value));
        }
        if items.len() > MAX_MEMBERS {
            break;
        }
    }
    items
}

fn after(text: &str, call: &str) -> Option<usize> {
    text.find(call).map(|at| at + call.len())
}

struct ScriptReader<'a> {
    rest: &'a str,
    members: usize,
}

impl ScriptReader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_space();
        if depth > MAX_DEPTH || self.members > MAX_MEMBERS {
            return None;
        }
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => self.list(depth),
            quote @ ('"' | '\'' | '`') => {
                let text = self.text(quote)?;
                self.skip_space();
                // A sum, a call of a method or a template is an expression.
                let is_whole = matches!(
                    self.rest.chars().next(),
                    None | Some(',' | '}' | ']' | ')' | ':' | ';')
                );
                let is_literal = is_whole && !(quote == '`' && text.contains("${"));
                if !is_whole {
                    self.skip_expression();
                }
                Some(Value::String(if is_literal { text } else { UNKNOWN.to_owned() }))
            }
            _ => {
                let word = self.skip_expression().trim().to_owned();
                Some(match word.as_str() {
                    "true" | "True" => Value::Bool(true),
                    "false" | "False" => Value::Bool(false),
                    "null" | "undefined" | "None" => Value::Null,
                    _ => serde_json::from_str::<serde_json::Number>(&word)
                        .map_or_else(|_| Value::String(UNKNOWN.to_owned()), Value::Number),
                })
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.rest = self.rest.strip_prefix('{')?;
        let mut members = Map::new();
        loop {
            self.skip_space();
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Some(Value::Object(members));
            }
            let name = self.name()?;
            self.skip_space();
            // The short form `{ file }` stands for `{ file: file }`.
            let value = match self.rest.strip_prefix(':') {
                Some(rest) => {
                    self.rest = rest;
                    self.value(depth + 1)?
                }
                None => Value::String(UNKNOWN.to_owned()),
            };
            self.members += 1;
            members.insert(name, value);
            self.skip_space();
            self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.rest = self.rest.strip_prefix('[')?;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                return Some(Value::Array(items));
            }
            self.members += 1;
            items.push(self.value(depth + 1)?);
            self.skip_space();
            self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        }
    }

    fn name(&mut self) -> Option<String> {
        let first = self.rest.chars().next()?;
        if matches!(first, '"' | '\'') {
            return self.text(first);
        }
        let end = self.rest.find(|one: char| !(one.is_alphanumeric() || "_$-.".contains(one)));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!name.is_empty()).then(|| name.trim_start_matches("...").to_owned())
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.rest.get(1..)?.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.rest = self.rest.get(at + 1 + quote.len_utf8()..)?;
                    return Some(text);
                }
                '\\' => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'u' => {
                        let digits: String = characters.by_ref().take(4).map(|one| one.1).collect();
                        let code = u32::from_str_radix(&digits, 16).ok();
                        text.push(
                            code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER),
                        );
                    }
                    '\n' => {}
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
        None
    }

    /// Skips an expression, up to the comma or the bracket that ends it.
    fn skip_expression(&mut self) -> String {
        let text = self.rest;
        let mut depth = 0_usize;
        let mut quote = None;
        let mut end = text.len();
        for (at, character) in text.char_indices() {
            match (quote, character) {
                (Some(open), _) => quote = Some(open).filter(|open| *open != character),
                (None, '"' | '\'' | '`') => quote = Some(character),
                (None, '(' | '[' | '{') => depth += 1,
                (None, ',' | ')' | ']' | '}' | ';') if depth == 0 => {
                    end = at;
                    break;
                }
                (None, '\n') if depth == 0 && at > 0 => {
                    end = at;
                    break;
                }
                (None, ')' | ']' | '}') => depth -= 1,
                _ => {}
            }
        }
        let (word, rest) = text.split_at(end);
        // Something must be skipped, so that a reader of a list never stands still.
        let rest = if word.is_empty() { rest.get(1..).unwrap_or_default() } else { rest };
        self.rest = rest;
        word.to_owned()
    }

    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix("//") {
                self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::explain::capture;

    #[test]
    fn an_object_of_literals_is_read() {
        let text = "const form = {\n  key: 'up/a.txt', // the key\n  \"policy\": `eyJ`,\n  \
                    'x-oss-date': \"2026\\u0041\", success_action_status: 200, list: [1, 'a',], \
                    ok: true, none: null,\n};";
        let read = object(text).unwrap();
        let expected = json!({
            "key": "up/a.txt", "policy": "eyJ", "x-oss-date": "2026A",
            "success_action_status": 200, "list": [1, "a"], "ok": true, "none": null,
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn an_expression_is_no_value() {
        let text = "{ key: dir + name, policy: res.data.policy, a: 'b' + c, d: `x${y}`, file, e: f(1, {g: 2}) }";
        let read = object(text).unwrap();
        for name in ["key", "policy", "a", "d", "file", "e"] {
            assert_eq!(read[name], UNKNOWN, "{name}");
        }
    }

    #[test]
    fn fetch_and_append_are_read() {
        let (url, options) =
            fetch("await fetch('https://a.test/', { method: 'POST', body: \"a\\r\\nb\" });")
                .unwrap();
        assert_eq!((url.as_str(), &options["body"]), ("https://a.test/", &json!("a\r\nb")));
        let items = appended(
            "form.append('key', 'a');\nform.append(\"file\", input.files[0]);\nform.append('policy', p)",
        );
        assert_eq!(capture::field(&items, "key"), Some("a"));
        let (_, behind) = capture::split_at_file(&items);
        assert_eq!(capture::field(behind, "policy"), Some(UNKNOWN));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_or_stand_still(text in r#"[{}\[\]()a1'"`,:;\\$\n/*é ]{0,40}"#) {
            let _ = object(&text);
            let _ = fetch(&format!("fetch({text}"));
            let _ = appended(&format!("x.append({text}"));
        }
    }
}
