//! A small JSON parser that behaves like the one of OSS.
//!
//! It accepts `\$` for a dollar sign (PostObject page), keeps numbers as written so that a fraction
//! differs from an integer, keeps duplicate keys so that they can be rejected, and uses the error
//! messages of OSS where they are known (error code page 0006-00000204).

/// The maximum nesting depth; a policy needs four levels.
const MAX_DEPTH: usize = 16;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PolicyJson {
    Null,
    Bool,
    Number(String),
    Text(String),
    List(Vec<PolicyJson>),
    Object(Vec<(String, PolicyJson)>),
}

/// Parses a text as one value. The error completes the sentence "Invalid JSON: …".
pub(super) fn parse(text: &str) -> Result<PolicyJson, String> {
    let mut reader = JsonReader { rest: text };
    let value = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(character) => Err(format!("unknown char {character}")),
    }
}

struct JsonReader<'a> {
    rest: &'a str,
}

impl JsonReader<'_> {
    fn value(&mut self, depth: usize) -> Result<PolicyJson, String> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply".to_owned());
        }
        self.skip_space();
        match self.peek() {
            None => Err("unexpected end".to_owned()),
            Some('{') => self.object(depth),
            Some('[') => self.list(depth),
            Some('"') => self.text().map(PolicyJson::Text),
            Some('-' | '0'..='9') => self.number(),
            Some(other) => self.word().ok_or_else(|| format!("unknown char {other}")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<PolicyJson, String> {
        self.take();
        let mut items = Vec::new();
        if self.closes('}') {
            return Ok(PolicyJson::Object(items));
        }
        loop {
            self.skip_space();
            if self.peek() != Some('"') {
                return Err("key expected".to_owned());
            }
            let key = self.text()?;
            self.expect(':', ": expected")?;
            items.push((key, self.value(depth + 1)?));
            if self.closes('}') {
                return Ok(PolicyJson::Object(items));
            }
            self.expect(',', ", or } expected")?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<PolicyJson, String> {
        self.take();
        let mut items = Vec::new();
        if self.closes(']') {
            return Ok(PolicyJson::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.closes(']') {
                return Ok(PolicyJson::List(items));
            }
            self.expect(',', ", or ] expected")?;
        }
    }

    fn text(&mut self) -> Result<String, String> {
        self.take();
        let mut text = String::new();
        loop {
            match self.take() {
                None => return Err("unexpected end of string".to_owned()),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(character) if character < ' ' => {
                    return Err("control character in string".to_owned());
                }
                Some(character) => text.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        match self.take() {
            Some(character @ ('"' | '\\' | '/' | '$')) => Ok(character),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.unicode(),
            _ => Err("unknown escape in string".to_owned()),
        }
    }

    fn unicode(&mut self) -> Result<char, String> {
        let lone = || "lone surrogate in string".to_owned();
        let first = self.unit()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            self.rest = self.rest.strip_prefix("\\u").ok_or_else(lone)?;
            let second = self.unit()?;
            let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or_else(lone)?;
            0x1_0000 + ((first - 0xd800) << 10) + low
        } else {
            first
        };
        char::from_u32(code).ok_or_else(lone)
    }

    fn unit(&mut self) -> Result<u32, String> {
        let digits = self.rest.get(..4).unwrap_or_default();
        let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u32::from_str_radix(digits, 16) {
            Ok(unit) if all_hex => {
                self.rest = self.rest.get(4..).unwrap_or_default();
                Ok(unit)
            }
            _ => Err("four hex digits expected".to_owned()),
        }
    }

    fn number(&mut self) -> Result<PolicyJson, String> {
        let length = self
            .rest
            .find(|character: char| !matches!(character, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(length);
        if !is_number(number) {
            return Err("number expected".to_owned());
        }
        self.rest = rest;
        Ok(PolicyJson::Number(number.to_owned()))
    }

    fn word(&mut self) -> Option<PolicyJson> {
        let words =
            [("null", PolicyJson::Null), ("true", PolicyJson::Bool), ("false", PolicyJson::Bool)];
        for (word, value) in words {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(value);
            }
        }
        None
    }

    fn closes(&mut self, bracket: char) -> bool {
        self.skip_space();
        let closes = self.peek() == Some(bracket);
        if closes {
            self.take();
        }
        closes
    }

    fn expect(&mut self, wanted: char, complaint: &str) -> Result<(), String> {
        self.skip_space();
        match self.take() {
            Some(character) if character == wanted => Ok(()),
            _ => Err(complaint.to_owned()),
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next();
        self.rest = characters.as_str();
        character
    }
}

/// Checks the grammar `-? (0|[1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|part| digits(part.strip_prefix(['+', '-']).unwrap_or(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> PolicyJson {
        PolicyJson::Text(value.to_owned())
    }

    #[test]
    fn all_documented_escapes_are_read() {
        let read = parse(r#""\/\\\"\$\b\f\n\r\t\u00e9\uD83D\ude00""#);
        assert_eq!(read, Ok(text("/\\\"$\u{8}\u{c}\n\r\t\u{e9}\u{1f600}")));
    }

    #[test]
    fn values_of_every_type_are_read() {
        let read = parse(" {\"a\" : [ 1 , -0.5e+3 , true , null , {} , [] ] , \"a\":\"\"} ");
        let list = vec![
            PolicyJson::Number("1".to_owned()),
            PolicyJson::Number("-0.5e+3".to_owned()),
            PolicyJson::Bool,
            PolicyJson::Null,
            PolicyJson::Object(vec![]),
            PolicyJson::List(vec![]),
        ];
        let items = vec![("a".to_owned(), PolicyJson::List(list)), ("a".to_owned(), text(""))];
        assert_eq!(read, Ok(PolicyJson::Object(items)));
    }

    #[test]
    fn error_messages_are_those_of_oss() {
        assert_eq!(parse("eyJleH"), Err("unknown char e".to_owned()));
        assert_eq!(parse("[1 2]"), Err(", or ] expected".to_owned()));
    }

    #[test]
    fn malformed_texts_are_refused() {
        for damaged in [
            "",
            "{",
            "[1,",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\uD800\"",
            "\"\\uD800\\u0041\"",
            "\"\\uDC00\"",
            "\"\\u+123\"",
            "\"\n\"",
            "01",
            "1.",
            ".5",
            "-",
            "1e",
            "--1",
            "1 1",
            "nul",
            "\u{feff}{}",
            "'a'",
        ] {
            assert!(parse(damaged).is_err(), "{damaged:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = "[".repeat(100_000);
        assert_eq!(parse(&deep), Err("nested too deeply".to_owned()));
    }
}
