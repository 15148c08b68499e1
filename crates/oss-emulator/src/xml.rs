//! Writes the small XML documents that the local services respond with.

use std::fmt::{Display, Write};

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

/// Writes a document whose elements are nested.
#[derive(Debug)]
pub(crate) struct XmlWriter {
    text: String,
    /// The elements that are open, from the root inwards.
    open: Vec<&'static str>,
}

impl XmlWriter {
    /// Begins a document with a root element.
    pub(crate) fn new(root: &'static str) -> Self {
        let mut text = DECLARATION.to_owned();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "<{root}>");
        Self { text, open: vec![root] }
    }

    /// Adds an element that holds text.
    pub(crate) fn element(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        self.indent();
        let _ = writeln!(self.text, "<{name}>{}</{name}>", XmlEscaped(&value));
        self
    }

    /// Opens an element.
    pub(crate) fn begin(&mut self, name: &'static str) -> &mut Self {
        self.indent();
        let _ = writeln!(self.text, "<{name}>");
        self.open.push(name);
        self
    }

    /// Closes the element that was opened last.
    pub(crate) fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.indent();
            let _ = writeln!(self.text, "</{name}>");
        }
        self
    }

    /// Closes what is open, and returns the document.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn indent(&mut self) {
        for _ in &self.open {
            self.text.push_str("  ");
        }
    }
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
    fn nested_elements_are_indented_and_closed() {
        let mut writer = XmlWriter::new("List");
        writer.element("Count", 1).begin("Item").element("Name", "<a>").end().begin("Item");
        assert_eq!(
            writer.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<List>\n  \
             <Count>1</Count>\n  <Item>\n    <Name>&lt;a&gt;</Name>\n  </Item>\n  <Item>\n  \
             </Item>\n</List>\n"
        );
    }

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
