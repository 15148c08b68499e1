//! The file name of `Content-Disposition`, made from a template for each object.
//!
//! `attachment; filename="{name}"` gives an object whose key is a UUID the name of the uploaded file when it is
//! saved. A name beyond ASCII is written twice, as RFC 6266 (section 4.3 and appendix D) asks: in `filename` with
//! `_` for what it cannot have, and in `filename*` as percent-encoded UTF-8, which every current browser prefers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::policy::PolicyError;
use crate::policy::template::{RenderContext, Template, TemplateError};

/// What precedes the file name in a setting.
const FILE_NAME: &str = "filename=\"";

/// All but the `attr-char` of RFC 5987.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A disposition with a file name that differs from object to object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Disposition {
    /// The type and the parameters before the file name, such as `attachment; `.
    before: String,
    file_name: Template,
}

impl Disposition {
    /// Splits a value that ends in `filename="…"`. Returns `None` for any other.
    pub(super) fn split(value: &str) -> Option<(&str, &str)> {
        let (before, rest) = value.split_once(FILE_NAME)?;
        Some((before, rest.strip_suffix('"')?))
    }

    /// Reads the parts that [`Disposition::split`] found.
    ///
    /// # Errors
    /// The file name is not one segment of a key: a name that is safe there is also safe between quotes.
    pub(super) fn parse(before: &str, file_name: &str) -> Result<Self, TemplateError> {
        if file_name.contains('/') {
            return Err(TemplateError::BadCharacter('/'));
        }
        Ok(Self { before: before.to_owned(), file_name: Template::key(file_name)? })
    }

    /// Returns whether only callers with credentials get a name.
    pub(super) fn uses_caller(&self) -> bool {
        self.file_name.uses_caller()
    }

    /// Writes the value for a file whose name has been made safe. It is ASCII.
    pub(super) fn render(
        &self,
        context: &RenderContext<'_>,
        name: &str,
    ) -> Result<String, PolicyError> {
        Ok(write(&self.before, &self.file_name.render(context, name)?))
    }
}

/// Returns the disposition with which a browser saves an object under this name: a safe name, or a segment of a key.
#[must_use]
pub fn attachment(name: &str) -> String {
    write("attachment; ", name)
}

/// Writes the type and the parameters before the file name, then the name. The result is ASCII.
fn write(before: &str, name: &str) -> String {
    // No safe name, attribute of a caller or text of a template has a quote or a backslash, so nothing could end the
    // quoted string; they are replaced all the same. Some programs decode `%41` in it.
    let is_plain = |c: char| c.is_ascii() && c != '%' && c != '"' && c != '\\' && !c.is_control();
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut value = format!("{before}{FILE_NAME}{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        value.extend(utf8_percent_encode(name, ENCODED));
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;
    use crate::policy::key::safe_name;
    use crate::policy::template::CallerAttributes;
    use crate::time::Timestamp;

    fn render(template: &str, name: &str) -> String {
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        let attributes = CallerAttributes { subject: Some("用户"), claim: &|_| None };
        let context = RenderContext { attributes, ..RenderContext::anonymous(now, &[7; 16]) };
        let disposition = Disposition::parse("attachment; ", template).unwrap();
        disposition.render(&context, name).unwrap()
    }

    #[test]
    fn an_ascii_name_is_written_once() {
        assert_eq!(render("{name}", "a b; c'.png"), "attachment; filename=\"a b; c'.png\"");
        assert_eq!(render("{yyyy}-{stem}.{ext}", "A.PNG"), "attachment; filename=\"2024-A.png\"");
    }

    #[test]
    fn any_other_name_is_written_twice() {
        for (template, name, written) in [
            (
                "{name}",
                "照片 1.png",
                "filename=\"__ 1.png\"; filename*=UTF-8''%E7%85%A7%E7%89%87%201.png",
            ),
            ("{name}", "100%41.png", "filename=\"100_41.png\"; filename*=UTF-8''100%2541.png"),
            (
                "{name}",
                "é*'()🌏",
                "filename=\"_*'()_\"; filename*=UTF-8''%C3%A9%2A%27%28%29%F0%9F%8C%8F",
            ),
            ("照片.{ext}", "a.jpg", "filename=\"__.jpg\"; filename*=UTF-8''%E7%85%A7%E7%89%87.jpg"),
            ("{sub}.txt", "", "filename=\"__.txt\"; filename*=UTF-8''%E7%94%A8%E6%88%B7.txt"),
        ] {
            assert_eq!(render(template, name), format!("attachment; {written}"));
        }
    }

    #[test]
    fn an_attachment_has_any_name_in_its_quotes() {
        assert_eq!(attachment("a.png"), "attachment; filename=\"a.png\"");
        assert_eq!(
            attachment("a\"b\\c\r\n照.png"),
            "attachment; filename=\"a_b_c___.png\"; filename*=UTF-8''a%22b%5Cc%0D%0A%E7%85%A7.png"
        );
    }

    #[test]
    fn a_name_that_could_be_empty_or_a_path_is_refused() {
        for bad in ["", "{ext}", "a/{name}", "{name}\"", "a\\{name}", "{file}", ".."] {
            assert!(Disposition::parse("", bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_name_stays_in_its_quotes_and_can_be_read_back(name in ".{0,80}|[\"\\\\;%\r\n照 a.]{0,40}") {
            let name = safe_name(&name);
            let value = render("{name}", &name);
            assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{value:?}");
            let rest = value.strip_prefix("attachment; filename=\"").unwrap();
            let (plain, rest) = rest.split_once('"').unwrap();
            let read = match rest.strip_prefix("; filename*=UTF-8''") {
                Some(encoded) => percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap(),
                None => plain.into(),
            };
            assert_eq!(read, name);
        }
    }
}
