//! The XML of a configuration: elements with texts, read and written. Attributes and comments are dropped.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};

use crate::oss::error::{OssError, OssErrorKind};
use crate::xml::XmlEscaped;

/// The largest depth of elements.
const MAX_DEPTH: usize = 16;

/// An element with a text or with children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigElement {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<ConfigElement>,
}

/// Creates an element.
pub(super) fn element(name: &str, text: &str, children: Vec<ConfigElement>) -> ConfigElement {
    ConfigElement { name: name.to_owned(), text: text.to_owned(), children }
}

impl ConfigElement {
    /// Parses a document, and returns its root.
    pub(super) fn parse(document: &str) -> Result<Self, OssError> {
        let invalid = || OssErrorKind::ConfigMalformed.because("the document is not XML");
        let mut reader = Reader::from_str(document);
        let mut open: Vec<ConfigElement> = Vec::new();
        let mut root = None;
        loop {
            let event = reader.read_event().map_err(|_| invalid())?;
            let ends = matches!(event, Event::End(_) | Event::Empty(_));
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    if root.is_some() || open.len() >= MAX_DEPTH {
                        return Err(invalid());
                    }
                    open.push(element(start.name().as_ref(), "", Vec::new()));
                }
                Event::Text(text) => push(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    push(&mut open, &resolve(&reference).ok_or_else(invalid)?);
                }
                Event::End(_) | Event::Comment(_) | Event::Decl(_) => {}
                Event::CData(_) | Event::PI(_) | Event::DocType(_) => return Err(invalid()),
                Event::Eof => return root.filter(|_| open.is_empty()).ok_or_else(invalid),
            }
            if ends {
                let ended = open.pop().ok_or_else(invalid)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(ended),
                    None => root = Some(ended),
                }
            }
        }
    }

    /// Returns the children of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Returns the first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the text of the first child of a name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// Returns the texts of all children of a name.
    pub(super) fn texts_of(&self, name: &str) -> Vec<String> {
        self.all(name).map(|child| child.text.trim().to_owned()).collect()
    }

    /// Writes a document.
    pub(super) fn to_document(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        let (name, indent) = (&self.name, "  ".repeat(depth));
        // Writing into a String cannot fail.
        if self.children.is_empty() {
            let value = XmlEscaped(self.text.trim());
            let _ = writeln!(text, "{indent}<{name}>{value}</{name}>");
            return;
        }
        let _ = writeln!(text, "{indent}<{name}>");
        for child in &self.children {
            child.write(text, depth + 1);
        }
        let _ = writeln!(text, "{indent}</{name}>");
    }
}

fn push(open: &mut [ConfigElement], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Returns the text that a reference stands for.
fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => Some(character.to_string()),
        None => resolve_xml_entity(&reference.xml10_content()).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_as_it_was_read() {
        let document = "<A xmlns=\"x\"><!-- c --><B>1 &amp; &#50;</B> <C><D/></C></A>";
        let read = ConfigElement::parse(document).unwrap();
        assert_eq!(read.text_of("B"), Some("1 & 2"));
        let written = read.to_document();
        assert!(written.contains("<B>1 &amp; 2</B>") && written.contains("    <D></D>"));
        let again = ConfigElement::parse(&written).unwrap();
        assert_eq!(again.to_document(), written);
    }

    #[test]
    fn what_is_not_one_element_is_refused() {
        for document in ["", "a", "<a>", "<a></b>", "<a/><b/>", "<a>&no;</a>", "<!DOCTYPE a><a/>"] {
            assert!(ConfigElement::parse(document).is_err(), "{document}");
        }
    }
}
