//! Reads the part list of CompleteMultipartUpload, without I/O.
//!
//! The grammar is fixed: `CompleteMultipartUpload` holds one or more `Part` elements, and each of these
//! a `PartNumber` and an `ETag` in any order. There are no attributes, comments, processing instructions,
//! CDATA sections, document types and no other elements, and no entities but the five of XML
//! and character references. Such documents are refused, because the official clients write none of these
//! and it is not documented what OSS does with them. So the depth of a document is three at most.
//! `xml` of the crate writes documents; the parser is `quick-xml`.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::oss::error::{OssError, OssErrorKind};

/// The longest list in bytes. 10,000 parts in the longest usual spelling need less than 1.5 MB.
pub(super) const MAX_LIST: u64 = 4 * 1024 * 1024;

/// The maximum number of parts of an upload.
pub(super) const MAX_PARTS: u32 = 10_000;

/// The longest text of an element in bytes; an ETag has 34, or 44 with its quotes as references.
const MAX_TEXT: usize = 128;

/// A part that a client lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPart {
    /// The number of the part, from 1 to 10,000.
    pub number: u32,
    /// The ETag as the client wrote it, usually in quotes.
    pub etag: String,
}

/// Reads a part list, whose numbers must be in ascending order.
pub fn read_part_list(body: &[u8]) -> Result<Vec<ListedPart>, OssError> {
    if body.len() as u64 > MAX_LIST {
        return Err(too_long(body.len() as u64));
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
    let mut list = PartListReader::default();
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let event = reader.read_event().map_err(|error| malformed(&error.to_string()))?;
        if matches!(event, Event::Eof) {
            return list.finish();
        }
        list.event(event)?;
    }
}

/// Builds the error for a list that is longer than the limit.
pub(super) fn too_long(length: u64) -> OssError {
    malformed(&format!("it has {length} bytes; {MAX_LIST} are allowed here"))
}

fn malformed(reason: &str) -> OssError {
    OssErrorKind::XmlMalformed.because(format!("the part list is not valid: {reason}"))
}

/// Where the reader is in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ListPosition {
    /// Before everything, where an XML declaration may be.
    #[default]
    Start,
    /// Before the root element.
    Prolog,
    Root,
    Part,
    Number,
    ETag,
    /// After the root element.
    End,
}

/// Collects the parts of a document.
#[derive(Debug, Default)]
struct PartListReader {
    position: ListPosition,
    /// The text of the current element.
    text: String,
    number: Option<String>,
    etag: Option<String>,
    parts: Vec<ListedPart>,
}

impl PartListReader {
    fn event(&mut self, event: Event<'_>) -> Result<(), OssError> {
        match event {
            Event::Decl(declaration) if self.position == ListPosition::Start => {
                let encoding = declaration.encoding().transpose();
                let encoding = encoding.map_err(|error| malformed(&error.to_string()))?;
                if encoding.is_some_and(|name| !name.eq_ignore_ascii_case("utf-8")) {
                    return Err(malformed("its encoding is not UTF-8"));
                }
                self.position = ListPosition::Prolog;
                Ok(())
            }
            Event::Start(element) => self.open(&element),
            Event::End(_) => self.close(),
            Event::Text(text) => self.add(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) if self.is_in_value() => self.add(&resolve(&reference)?),
            Event::GeneralRef(_) => Err(malformed("it has a reference between its elements")),
            Event::Decl(_) => Err(malformed("its XML declaration is not at its start")),
            Event::DocType(_) => Err(malformed("it has a document type")),
            Event::CData(_) => Err(malformed("it has a CDATA section")),
            Event::Comment(_) => Err(malformed("it has a comment")),
            Event::PI(_) => Err(malformed("it has a processing instruction")),
            // With `expand_empty_elements` there is no `Empty`.
            Event::Empty(_) | Event::Eof => Err(malformed("it ends too early")),
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), OssError> {
        let name = element.name().into_inner();
        self.position = match (self.position, name) {
            (ListPosition::Start | ListPosition::Prolog, "CompleteMultipartUpload") => {
                ListPosition::Root
            }
            (ListPosition::Root, "Part") => ListPosition::Part,
            (ListPosition::Part, "PartNumber") if self.number.is_none() => ListPosition::Number,
            (ListPosition::Part, "ETag") if self.etag.is_none() => ListPosition::ETag,
            _ => return Err(malformed(&format!("an element {name:?} is not expected there"))),
        };
        if !element.attributes_raw().trim().is_empty() {
            return Err(malformed(&format!("the element {name:?} has an attribute")));
        }
        self.text.clear();
        Ok(())
    }

    /// Closes the current element; the parser has checked that the names match.
    fn close(&mut self) -> Result<(), OssError> {
        self.position = match self.position {
            ListPosition::Number => {
                self.number = Some(std::mem::take(&mut self.text));
                ListPosition::Part
            }
            ListPosition::ETag => {
                self.etag = Some(std::mem::take(&mut self.text));
                ListPosition::Part
            }
            ListPosition::Part => {
                self.add_part()?;
                ListPosition::Root
            }
            ListPosition::Root => ListPosition::End,
            ListPosition::Start | ListPosition::Prolog | ListPosition::End => {
                return Err(malformed("an element is closed that was not opened"));
            }
        };
        Ok(())
    }

    /// Returns whether the reader is inside of an element that holds text.
    fn is_in_value(&self) -> bool {
        matches!(self.position, ListPosition::Number | ListPosition::ETag)
    }

    fn add(&mut self, text: &str) -> Result<(), OssError> {
        if self.is_in_value() {
            self.text.push_str(text);
            let is_legal = text.chars().all(is_xml_character);
            return match self.text.len() {
                0..=MAX_TEXT if is_legal => Ok(()),
                0..=MAX_TEXT => Err(malformed("it has a character that XML does not allow")),
                _ => Err(malformed("the text of an element is too long")),
            };
        }
        // White space before the XML declaration is not allowed, and elsewhere it means nothing.
        if self.position == ListPosition::Start && !text.is_empty() {
            self.position = ListPosition::Prolog;
        }
        if text.chars().all(|character| matches!(character, ' ' | '\t' | '\r' | '\n')) {
            return Ok(());
        }
        Err(malformed("it has text between its elements"))
    }

    fn add_part(&mut self) -> Result<(), OssError> {
        let number = self.number.take().ok_or_else(|| malformed("a part has no PartNumber"))?;
        let etag = self.etag.take().ok_or_else(|| malformed("a part has no ETag"))?;
        let number = part_number(&number)?;
        if self.parts.last().is_some_and(|last| last.number >= number) {
            return Err(OssErrorKind::PartOrderInvalid
                .because(format!("part {number} does not follow a part with a lower number")));
        }
        self.parts.push(ListedPart { number, etag });
        Ok(())
    }

    fn finish(self) -> Result<Vec<ListedPart>, OssError> {
        match self.position {
            ListPosition::End if self.parts.is_empty() => Err(malformed("it names no part")),
            ListPosition::End => Ok(self.parts),
            ListPosition::Start => Err(malformed("the body is empty")),
            _ => Err(malformed("it ends before its last element does")),
        }
    }
}

fn part_number(text: &str) -> Result<u32, OssError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed(&format!("the PartNumber {text:?} is not a whole number")));
    }
    match text.parse() {
        Ok(number @ 1..=MAX_PARTS) => Ok(number),
        _ => Err(OssErrorKind::ListedNumberInvalid
            .because(format!("the list names part {text}; numbers are 1 to {MAX_PARTS}"))),
    }
}

/// Returns the text of one of the five entities or of a character reference.
fn resolve(reference: &BytesRef<'_>) -> Result<String, OssError> {
    let name: &str = reference;
    let character = reference.resolve_char_ref().map_err(|error| malformed(&error.to_string()))?;
    let character = character.filter(|character| is_xml_character(*character));
    let text = character.map(|character| character.to_string());
    let text = text.or_else(|| resolve_xml_entity(name).map(str::to_owned));
    text.ok_or_else(|| malformed(&format!("the entity {name:?} is not known")))
}

/// Returns whether XML 1.0 allows a character.
fn is_xml_character(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        other => other >= ' ',
    }
}

#[cfg(test)]
mod tests;
