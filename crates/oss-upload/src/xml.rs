//! XML: the errors and the configurations of OSS.

use std::fmt;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::console;

/// The largest depth of elements. A lifecycle rule has six.
const MAX_DEPTH: usize = 16;

/// Returns the text of a child of an OSS error, which is flat, with its entities decoded; `None` if it is missing or
/// empty.
pub(super) fn child(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    // The ampersand comes last, or `&amp;lt;` would become a bracket.
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let text = pairs
        .iter()
        .fold(text.trim().to_owned(), |text, (entity, character)| text.replace(entity, character));
    // The text becomes part of sentences and reports, so it must be one line.
    let text = text.replace(console::is_control, " ");
    (!text.is_empty()).then_some(text)
}

/// Displays a text with the special characters of XML escaped.
pub(super) struct XmlText<'a>(pub(super) &'a str);

impl fmt::Display for XmlText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                other => write!(formatter, "{other}")?,
            }
        }
        Ok(())
    }
}

/// An element with everything in it, and its place in the document. Attributes and comments are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct XmlElement {
    pub(super) name: String,
    /// The text of the element itself, without the texts of its children.
    pub(super) text: String,
    pub(super) children: Vec<XmlElement>,
    /// The bytes of the document from the first bracket to the last one.
    pub(super) source: Range<usize>,
}

/// The document is not XML, or not one that OSS writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidDocument;

impl XmlElement {
    /// Parses a document, and returns its root.
    pub(super) fn parse(document: &str) -> Result<Self, InvalidDocument> {
        let mut reader = Reader::from_str(document);
        let mut open = ElementStack::default();
        loop {
            let start = position(&reader);
            match reader.read_event().map_err(|_| InvalidDocument)? {
                Event::Start(element) => open.start(element.name().as_ref(), start)?,
                Event::Empty(element) => {
                    open.start(element.name().as_ref(), start)?;
                    open.end(position(&reader))?;
                }
                Event::End(_) => open.end(position(&reader))?,
                Event::Text(text) => open.text(&text.xml10_content()),
                Event::CData(text) => open.text(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    open.text(character(&reference)?.encode_utf8(&mut [0; 4]));
                }
                Event::DocType(_) => return Err(InvalidDocument),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => {
                    return open.root.filter(|_| open.open.is_empty()).ok_or(InvalidDocument);
                }
            }
        }
    }

    /// Returns the first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the text of the first child of a name, without white space around it.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// Returns the texts of all children of a name.
    pub(super) fn texts_of(&self, name: &str) -> Vec<String> {
        let children = self.children.iter().filter(|child| child.name == name);
        children.map(|child| child.text.trim().to_owned()).collect()
    }

    /// Returns whether two elements have the same names and texts, wherever they are in their documents.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.text.trim() == other.text.trim()
            && self.children.len() == other.children.len()
            && self.children.iter().zip(&other.children).all(|(one, other)| one.is_same(other))
    }
}

#[derive(Default)]
struct ElementStack {
    open: Vec<XmlElement>,
    root: Option<XmlElement>,
}

impl ElementStack {
    fn start(&mut self, name: &str, start: usize) -> Result<(), InvalidDocument> {
        if self.root.is_some() || self.open.len() >= MAX_DEPTH {
            return Err(InvalidDocument);
        }
        self.open.push(XmlElement {
            name: name.to_owned(),
            text: String::new(),
            children: Vec::new(),
            source: start..start,
        });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), InvalidDocument> {
        let mut element = self.open.pop().ok_or(InvalidDocument)?;
        element.source.end = end;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text);
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// Returns the character that a reference stands for.
fn character(reference: &BytesRef<'_>) -> Result<char, InvalidDocument> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| InvalidDocument)? {
        return Ok(character);
    }
    match &*reference.xml10_content() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(InvalidDocument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_read_with_its_entities() {
        let document =
            "<Error>\n <Code>A</Code><Message>a &amp;lt; &quot;b&quot;</Message><EC></EC>";
        assert_eq!(child(document, "Code").as_deref(), Some("A"));
        assert_eq!(child(document, "Message").as_deref(), Some("a &lt; \"b\""));
        assert_eq!(child(document, "EC"), None);
        assert_eq!(child(document, "HostId"), None);
    }

    #[test]
    fn a_document_is_read_with_the_places_of_its_elements() {
        let document = "<?xml version=\"1.0\"?>\n<!-- c --><R xmlns=\"x\">\n <A>1 &lt;&#65;</A><B/>\n <A><C>2</C></A>\n</R>\n";
        let root = XmlElement::parse(document).unwrap();
        assert_eq!(root.texts_of("A"), ["1 <A", ""]);
        assert_eq!(root.children[2].text_of("C"), Some("2"));
        let sources: Vec<_> =
            root.children.iter().map(|child| &document[child.source.clone()]).collect();
        assert_eq!(sources, ["<A>1 &lt;&#65;</A>", "<B/>", "<A><C>2</C></A>"]);
        let same = XmlElement::parse("<R><A>1 &lt;A</A><B></B><A> <C>2</C> </A></R>").unwrap();
        assert!(root.is_same(&same));
        assert!(!root.is_same(&same.children[0]));
    }

    #[test]
    fn what_is_not_one_element_is_refused() {
        let deep = "<a>".repeat(MAX_DEPTH + 1) + &"</a>".repeat(MAX_DEPTH + 1);
        for document in [
            "",
            "text",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a>&no;</a>",
            "<!DOCTYPE a><a/>",
            &deep,
        ] {
            assert_eq!(XmlElement::parse(document), Err(InvalidDocument), "{document}");
        }
    }
}
