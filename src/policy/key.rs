//! Object keys: what an object may be called, and a safe name made of a file's own.
//!
//! OSS takes 1 to 1023 bytes of UTF-8 that do not begin with `/` or `\`. A directory
//! ([`crate::policy::template`]) and a name made here always fit.

/// The longest file name in a key, in bytes; what is longer is cut before its extension.
const MAX_NAME_BYTES: usize = 200;

/// The longest extension that survives a cut, in bytes with its dot.
const MAX_EXTENSION_BYTES: usize = 20;

/// Makes a file's own name safe as the last part of a key; a name of which nothing is left is `file`.
///
/// Unicode is kept. Folders go, since a page may send a whole path; control characters and `"` go;
/// `$` becomes `_`, or OSS would fill in `${filename}` after it has checked the policy.
#[must_use]
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last
        .chars()
        .filter(|c| !is_invisible(*c) && *c != '"')
        .map(|c| if matches!(c, '$' | '*' | '?' | '<' | '>' | '|' | ':') { '_' } else { c })
        .collect();
    let trimmed = cleaned.trim().trim_end_matches(['.', ' ']);
    if trimmed.trim_matches('.').is_empty() {
        return "file".to_owned();
    }
    shorten(trimmed)
}

/// Tells the characters that only deceive a reader: controls, and marks that turn the direction
/// of text so that `gpj.exe` reads as `exe.jpg`.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    let extension = match name.rfind('.') {
        Some(dot) if name.len() - dot <= MAX_EXTENSION_BYTES => &name[dot..],
        _ => "",
    };
    let stem = &name[..name.floor_char_boundary(MAX_NAME_BYTES - extension.len())];
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["a.png", "照片 2024.jpg", "Grüße 🌏.txt", ".env", "a+b(1).tar.gz"] {
            assert_eq!(safe_name(name), name);
        }
    }

    #[test]
    fn a_name_cannot_leave_its_directory_or_speak_to_oss() {
        for (name, safe) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\a.png", "a.png"),
            ("${filename}", "_{filename}"),
            ("a\r\n\"b.png", "ab.png"),
            ("exe.\u{202e}gpj", "exe.gpj"),
            ("a.png. ", "a.png"),
            ("x*?.png", "x__.png"),
        ] {
            assert_eq!(safe_name(name), safe);
        }
    }

    #[test]
    fn a_name_of_nothing_is_file() {
        for name in ["", "/", "..", ".", "a/..", " ", "\u{0}", "\u{200b}"] {
            assert_eq!(safe_name(name), "file", "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension_and_whole_characters() {
        let name = format!("{}.jpeg", "照".repeat(200));
        let safe = safe_name(&name);
        assert!(safe.len() <= MAX_NAME_BYTES);
        assert!(safe.ends_with("照.jpeg"));
        assert_eq!(safe_name(&format!("a.{}", "b".repeat(300))).len(), MAX_NAME_BYTES);
    }
}
