//! A bounded reader of the XML that OSS answers with.
//!
//! It accepts elements, text and the five entities of XML, and nothing else: no document type, no processing
//! instruction, no CDATA and no other entity. Depth and number of elements are limited.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};

/// The largest depth of elements. A list of parts has three.
const MAX_DEPTH: usize = 4;

/// The largest number of elements. A page of a thousand parts has four thousand and some.
const MAX_ELEMENTS: usize = 20_000;

/// The document is not XML, or exceeds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidXml;

/// Reads a document. At the end of each element, `element` gets its path from the root, and its text without those of
/// the elements in it.
pub(super) fn read(
    document: &[u8],
    mut element: impl FnMut(&[&str], &str),
) -> Result<(), InvalidXml> {
    let document = str::from_utf8(document).map_err(|_| InvalidXml)?;
    let mut reader = Reader::from_str(document);
    let mut open = OpenElements::default();
    loop {
        match reader.read_event().map_err(|_| InvalidXml)? {
            Event::Start(start) => open.start(start.name().0)?,
            Event::Empty(empty) => {
                open.start(empty.name().0)?;
                open.end(&mut element);
            }
            Event::End(_) => open.end(&mut element),
            Event::Text(text) => open.push(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                open.push(&resolve(&reference)?)?;
            }
            Event::Decl(_) => {}
            Event::Eof => return open.finish(),
            Event::CData(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {
                return Err(InvalidXml);
            }
        }
    }
}

/// Returns the text that a reference stands for.
fn resolve(reference: &BytesRef<'_>) -> Result<String, InvalidXml> {
    match reference.resolve_char_ref().map_err(|_| InvalidXml)? {
        Some(character) => Ok(character.to_string()),
        None => resolve_xml_entity(reference).map(str::to_owned).ok_or(InvalidXml),
    }
}

/// The elements that have begun and not ended.
#[derive(Default)]
struct OpenElements {
    /// Names and texts.
    path: Vec<(String, String)>,
    count: usize,
    is_finished: bool,
}

impl OpenElements {
    fn start(&mut self, name: &str) -> Result<(), InvalidXml> {
        self.count += 1;
        if self.is_finished || self.path.len() >= MAX_DEPTH || self.count > MAX_ELEMENTS {
            return Err(InvalidXml);
        }
        self.path.push((name.to_owned(), String::new()));
        Ok(())
    }

    fn end(&mut self, element: &mut impl FnMut(&[&str], &str)) {
        let mut names = [""; MAX_DEPTH];
        for (place, (name, _)) in names.iter_mut().zip(&self.path) {
            *place = name;
        }
        if let Some((_, text)) = self.path.last() {
            element(&names[..self.path.len()], text);
        }
        self.path.pop();
        self.is_finished = self.path.is_empty();
    }

    /// Adds text to the innermost element. Outside of the root there may be white space only.
    fn push(&mut self, text: &str) -> Result<(), InvalidXml> {
        match self.path.last_mut() {
            Some((_, whole)) => whole.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(InvalidXml),
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), InvalidXml> {
        if self.is_finished { Ok(()) } else { Err(InvalidXml) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn elements(document: &str) -> Result<Vec<(String, String)>, InvalidXml> {
        let mut elements = Vec::new();
        read(document.as_bytes(), |path, text| elements.push((path.join("/"), text.to_owned())))?;
        Ok(elements)
    }

    #[test]
    fn each_element_is_read_with_its_path_and_text() {
        let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"http://doc\">\n  <B>1 &lt;&amp;&gt; \
                        &quot;&apos;&#34;&#x7167;</B><C/><D><E>照</E></D>\n</A>\n";
        let read = elements(document).unwrap();
        let read: Vec<_> = read.iter().map(|(path, text)| (path.as_str(), text.trim())).collect();
        assert_eq!(
            read,
            [("A/B", "1 <&> \"'\"照"), ("A/C", ""), ("A/D/E", "照"), ("A/D", ""), ("A", "")]
        );
    }

    #[test]
    fn what_is_no_element_or_exceeds_a_limit_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(5), "</a>".repeat(5));
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        for bad in [
            "",
            " ",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>text",
            "<a>&other;</a>",
            "<a>&#0;</a>",
            "<a>& b</a>",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a><![CDATA[b]]></a>",
            "<a><!-- b --></a>",
            "<?php b ?><a/>",
            &deep,
            &many,
        ] {
            assert_eq!(elements(bad), Err(InvalidXml), "{bad:.60}");
        }
        assert_eq!(read(b"<a>\xff</a>", |_, _| {}), Err(InvalidXml));
        assert!(elements(&many.replacen("<b/>", "", 1)).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(<[a-c/!?]{0,3}|>|&[a-z#0-9]{0,4};?|[ -~照]|\\]|\\[){0,60}") {
            let _ = elements(&text);
        }

        #[test]
        fn any_escaped_text_is_read_back(text in "[ -~照😀]{0,60}") {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let read = elements(&format!("<a>{escaped}</a>")).unwrap();
            prop_assert_eq!(&read[0].1, &text);
        }
    }
}
