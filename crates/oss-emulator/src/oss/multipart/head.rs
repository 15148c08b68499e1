//! Reads the headers of one part.
//!
//! Error code pages 0006-00000103 to 0006-00000110 and public issues of HTTP clients:
//! Content-Disposition comes first, names are quoted, a space follows each semicolon,
//! and `filename*` is taken for an endless name. The header block arrives whole; finding its end
//! is the splitter's business.

use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The longest field name, in bytes.
pub(super) const MAX_NAME: u64 = 8 * 1024;

/// What a part says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::oss) struct Head {
    pub(in crate::oss) name: String,
    pub(in crate::oss) filename: Option<String>,
    pub(in crate::oss) content_type: Option<String>,
}

impl Head {
    /// Reads a header block, without the empty line that ends it.
    ///
    /// `remaining` is the number of body bytes still to come: what OSS calls the proposed size of
    /// a name that it cannot find the end of.
    pub(super) fn parse(
        block: &[u8],
        remaining: u64,
        judgement: &Judgement,
    ) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(block)
            .map_err(|_| malformed("the headers of a part are not UTF-8"))?;
        let mut lines = text.split("\r\n").map(header);
        let disposition = match lines.next() {
            Some(Some((name, value))) if name.eq_ignore_ascii_case("content-disposition") => value,
            _ => return Err(no_disposition()),
        };
        let mut head = Disposition { judgement, remaining }.parse(disposition)?;
        for line in lines {
            let (name, value) = line.ok_or_else(|| malformed("a header of a part has no colon"))?;
            if name.eq_ignore_ascii_case("content-type") {
                head.content_type = Some(value.to_owned());
            }
        }
        Ok(head)
    }

    /// Says whether this part is the file.
    pub(in crate::oss) fn is_file(&self, judgement: &Judgement) -> bool {
        if judgement.case_sensitive_names {
            self.name == "file"
        } else {
            self.name.eq_ignore_ascii_case("file")
        }
    }
}

/// Refuses a part that does not begin with Content-Disposition.
pub(super) fn no_disposition() -> Refusal {
    Kind::NoDisposition.because(
        "the first header of each part must be Content-Disposition; here another one, or none, \
         comes first",
    )
}

/// Refuses a part or a field that cannot be read.
pub(super) fn malformed(reason: impl Into<String>) -> Refusal {
    Kind::FieldMalformed.because(reason)
}

fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let folded = name.is_empty() || name.starts_with([' ', '\t']);
    (!folded).then(|| (name, value.trim()))
}

/// Walks through `form-data; name="…"; filename="…"`.
struct Disposition<'a> {
    judgement: &'a Judgement,
    remaining: u64,
}

impl Disposition<'_> {
    fn parse(&self, value: &str) -> Result<Head, Refusal> {
        let kind = value.split(';').next().unwrap_or_default();
        if !kind.trim_end().eq_ignore_ascii_case("form-data") {
            return Err(malformed("the disposition of a part is not form-data"));
        }
        let mut rest = value.get(kind.len()..).unwrap_or_default();
        let mut name = None;
        let mut head = Head::default();
        while let Some(after) = rest.strip_prefix(';') {
            let (parameter, value, tail) = self.parameter(after, name.is_some())?;
            match parameter {
                "name" => name = Some(value),
                "filename" => head.filename = Some(value),
                "filename*" => return Err(self.endless_name()),
                _ => {}
            }
            rest = tail.trim_start();
        }
        if !rest.is_empty() {
            return Err(malformed("the disposition of a part ends in something unreadable"));
        }
        head.name = name.ok_or_else(|| malformed("a part has no name"))?;
        if head.name.len() as u64 > MAX_NAME {
            return Err(name_too_long(head.name.len() as u64));
        }
        Ok(head)
    }

    /// Reads one parameter after its semicolon and returns its name, its value and what follows.
    fn parameter<'a>(
        &self,
        text: &'a str,
        named: bool,
    ) -> Result<(&'a str, String, &'a str), Refusal> {
        if !text.starts_with(' ') && !self.judgement.allows(Leniency::TightSemicolons) {
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
        // The extended form is never quoted; which parameter it is decides what is said about it.
        if name != "filename*" && !self.judgement.allows(Leniency::UnquotedNames) {
            return Err(malformed(format!("the {name} of a part is not in quotes")));
        }
        let end = text.find(';').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        Ok((name, value.trim_end().to_owned(), rest))
    }

    fn endless_name(&self) -> Refusal {
        Kind::NameTooLong.too_long(
            MAX_NAME,
            self.remaining,
            "a part carries filename*, which OSS takes for an endless field name; send a plain \
             filename only",
        )
    }
}

/// Refuses a field name that is too long.
pub(super) fn name_too_long(length: u64) -> Refusal {
    Kind::NameTooLong.too_long(MAX_NAME, length, "the name of a form field is over 8 KB")
}

/// A disposition without a space after its semicolon: OSS does not see what follows.
fn tight(named: bool) -> Refusal {
    if named {
        Kind::FileCount.because(
            "no space stands after the semicolon before filename, so OSS does not find the file; \
             write '; filename='",
        )
    } else {
        malformed("no space stands after the semicolon before a part's name; write '; name='")
    }
}

/// Reads up to the closing quote; a backslash before a quote keeps the quote inside.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..).unwrap_or_default())),
            // Browsers write %22 for a quote and leave backslashes alone, so a backslash before
            // the last quote is a part of the name.
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

    fn parse(block: &str) -> Result<Head, Refusal> {
        Head::parse(block.as_bytes(), 77, &Judgement::default())
    }

    fn kind(block: &str) -> Kind {
        parse(block).unwrap_err().kind()
    }

    #[test]
    fn a_browsers_file_part_is_read() {
        let head = parse(
            "content-disposition: form-data; name=\"file\"; filename=\"a b.png\"\r\n\
             Content-Type: image/png\r\nContent-Transfer-Encoding: binary",
        )
        .unwrap();
        assert!(head.is_file(&Judgement::default()));
        assert_eq!(head.filename.as_deref(), Some("a b.png"));
        assert_eq!(head.content_type.as_deref(), Some("image/png"));
    }

    #[test]
    fn another_header_before_the_disposition_is_refused() {
        let block = "Content-Type: image/png\r\nContent-Disposition: form-data; name=\"file\"";
        assert_eq!(kind(block), Kind::NoDisposition);
        assert_eq!(kind("no colon here"), Kind::NoDisposition);
    }

    #[test]
    fn an_extended_filename_is_an_endless_name() {
        let block = "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''a.png";
        let refusal = parse(block).unwrap_err();
        assert_eq!(refusal.kind(), Kind::NameTooLong);
        assert_eq!(
            refusal.children(),
            [("MaxSizeAllowed", "8192".to_owned()), ("ProposedSize", "77".to_owned())]
        );
    }

    #[test]
    fn a_filename_without_a_space_before_it_hides_the_file() {
        let block = "Content-Disposition: form-data; name=\"file\";filename=\"a.png\"";
        assert_eq!(kind(block), Kind::FileCount);
        let mut judgement = Judgement::default();
        judgement.lenient.insert(Leniency::TightSemicolons);
        let head = Head::parse(block.as_bytes(), 0, &judgement).unwrap();
        assert_eq!(head.filename.as_deref(), Some("a.png"));
    }

    #[test]
    fn unquoted_names_are_refused_unless_allowed() {
        let block = "Content-Disposition: form-data; name=key";
        assert_eq!(kind(block), Kind::FieldMalformed);
        let mut judgement = Judgement::default();
        judgement.lenient.insert(Leniency::UnquotedNames);
        let head = Head::parse(block.as_bytes(), 0, &judgement).unwrap();
        assert_eq!(head.name, "key");
    }

    #[test]
    fn quotes_and_backslashes_inside_a_filename_survive() {
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
    fn a_name_may_be_8192_bytes_and_no_more() {
        let of = |length: usize| {
            let name = "n".repeat(length);
            parse(&format!("Content-Disposition: form-data; name=\"{name}\""))
        };
        assert!(of(8192).is_ok());
        assert_eq!(of(8193).unwrap_err().kind(), Kind::NameTooLong);
    }

    #[test]
    fn damage_in_the_disposition_is_malformed() {
        for block in [
            "Content-Disposition: attachment; name=\"a\"",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; name",
            "Content-Disposition: form-data; name=\"a",
            "Content-Disposition: form-data; name=\"a\" junk",
            "Content-Disposition: form-data; name=\"a\"\r\n folded",
        ] {
            assert_eq!(kind(block), Kind::FieldMalformed, "{block}");
        }
    }
}
