//! Writes the small XML documents that the local services respond with.

use std::fmt::Write;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Writes a document: a root element whose children hold text, in this order.
pub(crate) fn document(root: &str, children: &[(&str, &str)]) -> String {
    let mut text = format!("{DECLARATION}<{root}>\n");
    for (name, value) in children {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  <{name}>{}</{name}>", XmlEscaped(value));
    }
    let _ = writeln!(text, "</{root}>");
    text
}

/// Displays a text with XML's special characters escaped, and characters that XML does not allow
/// replaced.
pub(crate) struct XmlEscaped<'a>(pub(crate) &'a str);

impl std::fmt::Display for XmlEscaped<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '\t' | '\n' => formatter.write_char(character)?,
                '\u{fffe}' | '\u{ffff}' => formatter.write_char('\u{fffd}')?,
                control if control < ' ' => formatter.write_char('\u{fffd}')?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_order_and_values_are_escaped() {
        let text = document("Error", &[("Code", "A"), ("Message", "<b>&\u{1}\"é")]);
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>A</Code>\n  \
             <Message>&lt;b&gt;&amp;\u{fffd}\"é</Message>\n</Error>\n"
        );
    }
}
