//! `callbackBody`: a text with `${…}`, and what is put in for them.
//!
//! Callback page. In a form every value is URL-encoded, in JSON it is put in as JSON, with its quotes.
//! What stands around the variables is sent as it is, so a template whose author quoted a variable
//! in JSON makes what is no JSON, there as here.

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use crate::oss::callback::parameter::BodyType;
use crate::oss::callback::variables::Value;
use crate::oss::callback::variables::Variables;

/// What stays as it is in a form's value; a blank becomes `%20`, which every reader takes.
const FORM: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// The name between the braces.
    Variable(&'a str),
}

/// Puts the variables in.
pub(super) fn render(template: &str, body_type: BodyType, variables: &Variables<'_>) -> String {
    let mut body = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => body.push_str(text),
            Piece::Variable(name) => body.push_str(&written(&variables.get(name), body_type)),
        }
    }
    body
}

/// Says whether a template uses a variable whose name begins like this.
pub(super) fn uses(template: &str, prefix: &str) -> bool {
    let begins = |piece| matches!(piece, Piece::Variable(name) if name.starts_with(prefix));
    pieces(template).into_iter().any(begins)
}

/// Takes a template apart; what has no closing brace is text.
fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let (before, from) = rest.split_at(start);
        let (variable, after) = from.split_at(length);
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Variable(&variable[2..]));
        rest = &after[1..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn written(value: &Value, body_type: BodyType) -> String {
    match (value, body_type) {
        (Value::Number(number), _) => number.to_string(),
        (Value::Text(text), BodyType::Form) => utf8_percent_encode(text, &FORM).to_string(),
        (Value::Text(text), BodyType::Json) => serde_json::Value::from(text.as_str()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(template: &str) -> Vec<Piece<'_>> {
        let mut parts = pieces(template);
        parts.retain(|piece| *piece != Piece::Text(""));
        parts
    }

    #[test]
    fn variables_stand_between_dollar_brace_and_brace() {
        use Piece::Text;
        use Piece::Variable;
        assert_eq!(parts("a=${b}&c"), [Text("a="), Variable("b"), Text("&c")]);
        assert_eq!(parts("${a}${x:b}"), [Variable("a"), Variable("x:b")]);
        assert_eq!(parts("$a {b} $ {c}"), [Text("$a {b} $ {c}")]);
        assert_eq!(parts("a${b"), [Text("a${b")]);
        assert_eq!(parts("${}"), [Variable("")]);
        assert_eq!(parts("${${a}}"), [Variable("${a"), Text("}")]);
        assert_eq!(parts("é${ü}€"), [Text("é"), Variable("ü"), Text("€")]);
    }

    #[test]
    fn a_value_is_encoded_as_the_body_wants_it() {
        let text = Value::Text("a \"b\"/é&+~".to_owned());
        assert_eq!(written(&text, BodyType::Form), "a%20%22b%22%2F%C3%A9%26%2B~");
        assert_eq!(written(&text, BodyType::Json), r#""a \"b\"/é&+~""#);
        for body_type in [BodyType::Form, BodyType::Json] {
            assert_eq!(written(&Value::Number(u64::MAX), body_type), "18446744073709551615");
        }
        assert_eq!(written(&Value::Text(String::new()), BodyType::Json), "\"\"");
    }

    #[test]
    fn a_template_tells_what_it_uses() {
        assert!(uses("a=${imageInfo.width}", "imageInfo."));
        assert!(!uses("imageInfo.width=${size}", "imageInfo."));
    }
}
