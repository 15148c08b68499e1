//! Parses the headers of one part.
//!
//! Sources: error code pages 0006-00000103 to 0006-00000110 and public issues of HTTP clients.
//! Content-Disposition must come first, names must be quoted, a space must follow each semicolon,
//! and `filename*` is reported as an endless name. `splitter` finds the end of the header block.

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::strictness::{Relaxation, Strictness};

/// The longest field name, in bytes.
pub(super) const MAX_NAME: u64 = 8 * 1024;

/// The headers of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::oss) struct PartHeaders {
    pub(in crate::oss) name: String,
    pub(in crate::oss) filename: Option<String>,
    pub(in crate::oss) content_type: Option<String>,
}

impl PartHeaders {
    /// Parses a header block, without the empty line that ends it.
    ///
    /// `remaining` is the number of body bytes that follow. OSS reports it as the proposed size of
    /// a name whose end it does not find.
    pub(super) fn parse(
        block: &[u8],
        remaining: u64,
        strictness: &Strictness,
    ) -> Result<Self, OssError> {
        let text = std::str::from_utf8(block)
            .map_err(|_| malformed("the headers of a part are not UTF-8"))?;
        let mut lines = text.split("\r\n").map(header);
        let disposition = match lines.next() {
            Some(Some((name, value))) if name.eq_ignore_ascii_case("content-disposition") => value,
            _ => return Err(no_disposition()),
        };
        let mut headers = DispositionParser { strictness, remaining }.parse(disposition)?;
        for line in lines {
            let (name, value) = line.ok_or_else(|| malformed("a header of a part has no colon"))?;
            if name.eq_ignore_ascii_case("content-type") {
                headers.content_type = Some(value.to_owned());
            }
        }
        Ok(headers)
    }

    /// Returns whether this part is the file.
    pub(in crate::oss) fn is_file(&self, strictness: &Strictness) -> bool {
        if strictness.case_sensitive_names {
            self.name == "file"
        } else {
            self.name.eq_ignore_ascii_case("file")
        }
    }
}

/// Builds the error for a part that does not begin with Content-Disposition.
pub(super) fn no_disposition() -> OssError {
    OssErrorKind::NoDisposition.because(
        "the first header of each part must be Content-Disposition; here another one, or none, \
         comes first",
    )
}

/// Builds the error for a part or a field that cannot be parsed.
pub(super) fn malformed(reason: impl Into<String>) -> OssError {
    OssErrorKind::FieldMalformed.because(reason)
}

fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let folded = name.is_empty() || name.starts_with([' ', '\t']);
    (!folded).then(|| (name, value.trim()))
}

/// Parses `form-data; name="…"; filename="…"`.
struct DispositionParser<'a> {
    strictness: &'a Strictness,
    remaining: u64,
}

impl DispositionParser<'_> {
    fn parse(&self, value: &str) -> Result<PartHeaders, OssError> {
        let kind = value.split(';').next().unwrap_or_default();
        if !kind.trim_end().eq_ignore_ascii_case("form-data") {
            return Err(malformed("the disposition of a part is not form-data"));
        }
        let mut rest = value.get(kind.len()..).unwrap_or_default();
        let mut name = None;
        let mut headers = PartHeaders::default();
        while let Some(after) = rest.strip_prefix(';') {
            let (parameter, value, tail) = self.parameter(after, name.is_some())?;
            match parameter {
                "name" => name = Some(value),
                "filename" => headers.filename = Some(value),
                "filename*" => return Err(self.endless_name()),
                _ => {}
            }
            rest = tail.trim_start();
        }
        if !rest.is_empty() {
            return Err(malformed("the disposition of a part ends in something unreadable"));
        }
        headers.name = name.ok_or_else(|| malformed("a part has no name"))?;
        if headers.name.len() as u64 > MAX_NAME {
            return Err(name_too_long(headers.name.len() as u64));
        }
        Ok(headers)
    }

    /// Parses one parameter after its semicolon and returns its name, its value and the rest.
    fn parameter<'a>(
        &self,
        text: &'a str,
        named: bool,
    ) -> Result<(&'a str, String, &'a str), OssError> {
        if !text.starts_with(' ') && !self.strictness.allows(Relaxation::TightSemicolons) {
            return Err(tight(named));
        }
        let (name, text) = text
            .trim_start()
            .split_once('=')
            .ok_or_else(|| malformed("a parameter of a part's disposition has no value"))?;
        if let Some(quoted) = text.strip_prefix('"') {
            let (value, rest) = unquote(quoted)
                .ok_or_else(|| malformed("a quote in a part's disposition is never closed"))?;
            return Ok((name, value, rest));
        }
        // The extended form is never quoted; the caller reports it by its name.
        if name != "filename*" && !self.strictness.allows(Relaxation::UnquotedNames) {
            return Err(malformed(format!("the {name} of a part is not in quotes")));
        }
        let end = text.find(';').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        Ok((name, value.trim_end().to_owned(), rest))
    }

    fn endless_name(&self) -> OssError {
        OssErrorKind::NameTooLong.too_long(
            MAX_NAME,
            self.remaining,
            "a part carries filename*, which OSS takes for an endless field name; send a plain \
             filename only",
        )
    }
}

/// Builds the error for a field name that is too long.
pub(super) fn name_too_long(length: u64) -> OssError {
    OssErrorKind::NameTooLong.too_long(MAX_NAME, length, "the name of a form field is over 8 KB")
}

/// Builds the error for a missing space after a semicolon: OSS does not find the parameter then.
fn tight(named: bool) -> OssError {
    if named {
        OssErrorKind::FileCount.because(
            "there is no space after the semicolon before filename, so OSS does not find the file; \
             write '; filename='",
        )
    } else {
        malformed("there is no space after the semicolon before a part's name; write '; name='")
    }
}

/// Reads up to the closing quote. A backslash before a quote makes the quote part of the value.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..).unwrap_or_default())),
            // Browsers write %22 for a quote and do not escape backslashes, so a backslash before
            // the last quote is part of the name.
            '\\' if escapes_quote(text, at) => {
                characters.next();
                value.push('"');
            }
            _ => value.push(character),
        }
    }
    None
}

fn escapes_quote(text: &str, backslash: usize) -> bool {
    let rest = text.get(backslash + 1..).unwrap_or_default();
    rest.strip_prefix('"').is_some_and(|tail| tail.contains('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(block: &str) -> Result<PartHeaders, OssError> {
        PartHeaders::parse(block.as_bytes(), 77, &Strictness::default())
    }

    fn kind(block: &str) -> OssErrorKind {
        parse(block).unwrap_err().kind()
    }

    #[test]
    fn a_browsers_file_part_is_parsed() {
        let headers = parse(
            "content-disposition: form-data; name=\"file\"; filename=\"a b.png\"\r\n\
             Content-Type: image/png\r\nContent-Transfer-Encoding: binary",
        )
        .unwrap();
        assert!(headers.is_file(&Strictness::default()));
        assert_eq!(headers.filename.as_deref(), Some("a b.png"));
        assert_eq!(headers.content_type.as_deref(), Some("image/png"));
    }

    #[test]
    fn another_header_before_the_disposition_is_refused() {
        let block = "Content-Type: image/png\r\nContent-Disposition: form-data; name=\"file\"";
        assert_eq!(kind(block), OssErrorKind::NoDisposition);
        assert_eq!(kind("no colon here"), OssErrorKind::NoDisposition);
    }

    #[test]
    fn an_extended_filename_is_reported_as_an_endless_name() {
        let block = "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''a.png";
        let error = parse(block).unwrap_err();
        assert_eq!(error.kind(), OssErrorKind::NameTooLong);
        assert_eq!(
            error.children(),
            [("MaxSizeAllowed", "8192".to_owned()), ("ProposedSize", "77".to_owned())]
        );
    }

    #[test]
    fn a_filename_without_a_space_before_it_hides_the_file() {
        let block = "Content-Disposition: form-data; name=\"file\";filename=\"a.png\"";
        assert_eq!(kind(block), OssErrorKind::FileCount);
        let mut strictness = Strictness::default();
        strictness.relaxed.insert(Relaxation::TightSemicolons);
        let headers = PartHeaders::parse(block.as_bytes(), 0, &strictness).unwrap();
        assert_eq!(headers.filename.as_deref(), Some("a.png"));
    }

    #[test]
    fn unquoted_names_are_refused_unless_allowed() {
        let block = "Content-Disposition: form-data; name=key";
        assert_eq!(kind(block), OssErrorKind::FieldMalformed);
        let mut strictness = Strictness::default();
        strictness.relaxed.insert(Relaxation::UnquotedNames);
        let headers = PartHeaders::parse(block.as_bytes(), 0, &strictness).unwrap();
        assert_eq!(headers.name, "key");
    }

    #[test]
    fn quotes_and_backslashes_inside_a_filename_are_kept() {
        let with = |name: &str| {
            let block =
                format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
            parse(&block).unwrap().filename.unwrap()
        };
        assert_eq!(with("a\\\"b\\\".txt"), "a\"b\".txt");
        assert_eq!(with("C:\\dir\\a.txt"), "C:\\dir\\a.txt");
        assert_eq!(with("odd\\"), "odd\\");
        assert_eq!(with("a; name=x.txt"), "a; name=x.txt");
    }

    #[test]
    fn a_name_has_at_most_8192_bytes() {
        let of = |length: usize| {
            let name = "n".repeat(length);
            parse(&format!("Content-Disposition: form-data; name=\"{name}\""))
        };
        assert!(of(8192).is_ok());
        assert_eq!(of(8193).unwrap_err().kind(), OssErrorKind::NameTooLong);
    }

    #[test]
    fn a_malformed_disposition_is_refused() {
        for block in [
            "Content-Disposition: attachment; name=\"a\"",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; name",
            "Content-Disposition: form-data; name=\"a",
            "Content-Disposition: form-data; name=\"a\" junk",
            "Content-Disposition: form-data; name=\"a\"\r\n folded",
        ] {
            assert_eq!(kind(block), OssErrorKind::FieldMalformed, "{block}");
        }
    }
}
