//! The object's key: required, expanded, and fit to name an object.
//!
//! PostObject page, on `key` and `${filename}`. The policy has seen the key unexpanded;
//! `${filename}` is put in afterwards, and only here. A key is a plain name: `..` and `//` mean
//! nothing in it.

use crate::oss::callback;
use crate::oss::form::Form;
use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The longest key, in bytes.
const MAX_KEY: usize = 1023;

/// What the file part's name is put in for.
const PLACEHOLDER: &str = "${filename}";

/// Returns the `key` field, which must stand before the file.
pub(super) fn required(form: &Form) -> Result<&str, Refusal> {
    form.get("key").ok_or_else(|| {
        Kind::KeyMissing.argument("key", "", "the form has no key field before the file")
    })
}

/// Puts the file name in and checks the result.
pub(super) fn expand(key: &str, form: &Form, judgement: &Judgement) -> Result<String, Refusal> {
    let expanded = if key.contains(PLACEHOLDER) {
        key.replace(PLACEHOLDER, filename(form, judgement)?)
    } else {
        key.to_owned()
    };
    check(&expanded)?;
    Ok(expanded)
}

fn filename<'a>(form: &'a Form, judgement: &Judgement) -> Result<&'a str, Refusal> {
    let name = form.filename().unwrap_or_default();
    if name.is_empty() && !judgement.allows(Leniency::MissingFilename) {
        return Err(Kind::ArgumentInvalid.argument(
            "key",
            PLACEHOLDER,
            "the key uses ${filename}, but the file part has no file name",
        ));
    }
    if judgement.allows(Leniency::FilenameFolders) {
        return Ok(name);
    }
    Ok(name.rsplit(['/', '\\']).next().unwrap_or_default())
}

fn check(key: &str) -> Result<(), Refusal> {
    let reason = if key.is_empty() {
        "the key is empty".to_owned()
    } else if key.len() > MAX_KEY {
        format!("the key has {} bytes; {MAX_KEY} are allowed", key.len())
    } else if key.starts_with(['/', '\\']) {
        "the key begins with a slash or a backslash".to_owned()
    } else if key.chars().any(char::is_control) {
        "the key has a control character, such as a line end".to_owned()
    } else if callback::key::is_reserved(key) {
        "the local OSS keeps the key that signs callbacks below this key's first part".to_owned()
    } else {
        return Ok(());
    };
    Err(Kind::KeyInvalid.because(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(filename: Option<&str>, lenient: &[Leniency]) -> (Form, Judgement) {
        let mut judgement = Judgement::default();
        judgement.lenient.extend(lenient);
        let mut form = Form::new(&judgement);
        form.set_file(filename.map(str::to_owned), None);
        (form, judgement)
    }

    fn expanded(key: &str, filename: Option<&str>, lenient: &[Leniency]) -> Result<String, Kind> {
        let (form, judgement) = with(filename, lenient);
        expand(key, &form, &judgement).map_err(|refusal| refusal.kind())
    }

    #[test]
    fn the_file_name_is_put_in_wherever_it_is_asked_for() {
        let key = expanded("a/${filename}/${filename}", Some("b c.png"), &[]);
        assert_eq!(key, Ok("a/b c.png/b c.png".to_owned()));
    }

    #[test]
    fn folders_in_a_file_name_are_cut_off_unless_they_may_stay() {
        for name in ["C:\\dir\\x.png", "../../x.png", "dir/x.png"] {
            assert_eq!(expanded("a/${filename}", Some(name), &[]), Ok("a/x.png".to_owned()));
        }
        let kept = expanded("a/${filename}", Some("../x.png"), &[Leniency::FilenameFolders]);
        assert_eq!(kept, Ok("a/../x.png".to_owned()));
    }

    #[test]
    fn a_missing_file_name_is_refused_unless_it_may_be_nothing() {
        assert_eq!(expanded("a/${filename}", None, &[]), Err(Kind::ArgumentInvalid));
        let kept = expanded("a/${filename}", None, &[Leniency::MissingFilename]);
        assert_eq!(kept, Ok("a/".to_owned()));
    }

    #[test]
    fn a_key_has_1_to_1023_bytes() {
        assert_eq!(expanded("", None, &[]), Err(Kind::KeyInvalid));
        assert!(expanded(&"k".repeat(1023), None, &[]).is_ok());
        assert_eq!(expanded(&"k".repeat(1024), None, &[]), Err(Kind::KeyInvalid));
        assert_eq!(expanded(&"é".repeat(512), None, &[]), Err(Kind::KeyInvalid));
    }

    #[test]
    fn a_key_begins_with_no_slash_and_holds_no_control_character() {
        for key in ["/a", "\\a", "a\nb", "a\0", "\u{7f}"] {
            assert_eq!(expanded(key, None, &[]), Err(Kind::KeyInvalid), "{key:?}");
        }
    }

    #[test]
    fn dots_are_plain_names() {
        for key in ["..", ".", "../../etc/passwd", "a/../b", "a//b", "a/"] {
            assert_eq!(expanded(key, None, &[]), Ok(key.to_owned()));
        }
    }
}
