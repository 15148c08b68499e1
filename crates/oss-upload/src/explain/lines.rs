//! A form as `key=value` lines, as developers print them; the file is written like curl's
//! `file=@a.png`.

use crate::explain::form::{Captured, CapturedFile};

/// Reads the lines; text without any equals sign is no form.
pub(super) fn read(text: &str) -> Option<Captured> {
    let mut captured = Captured::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        if name.eq_ignore_ascii_case("file") {
            captured.file = Some(file(value));
            break;
        }
        captured.fields.push((name.to_owned(), value.to_owned()));
    }
    Some(captured)
}

/// Reads `@photos/a.png;type=image/png`.
fn file(value: &str) -> CapturedFile {
    let (path, content_type) = match value.split_once(";type=") {
        Some((path, content_type)) => (path, Some(content_type.to_owned())),
        None => (value, None),
    };
    let name = path.trim_start_matches('@').rsplit('/').next().filter(|name| !name.is_empty());
    CapturedFile { name: name.map(str::to_owned), content_type, size: None }
}
