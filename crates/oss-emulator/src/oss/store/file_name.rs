//! Maps object keys to paths in the directory of a bucket.
//!
//! A developer should find a file under its own name, so a key is its own path where every disk allows it.
//! All other keys get a readable prefix and a hash. Two keys can still need one path, such as `a` and
//! `a/b`, or `a` and `A` on some disks; then the store uses the hashed name for the second one.

use sha2::{Digest, Sha256};

/// The longest key in bytes that is a path; some systems limit a whole path to 260 characters.
const MAX_PLAIN: usize = 200;

/// The longest readable prefix of a hashed name in characters.
const MAX_PREFIX: usize = 40;

/// Characters that some system does not allow in names. The tilde marks a hashed name.
const RESERVED: &str = "\\:*?\"<>|~";

/// Returns the path of a key, with `/` between its parts; `None` if the key cannot be a path on every disk.
pub(super) fn plain_path(key: &str) -> Option<&str> {
    (key.len() <= MAX_PLAIN && key.split('/').all(is_name)).then_some(key)
}

/// Returns a name for any key. A plain path never equals it, because it contains a tilde.
pub(super) fn hashed_name(key: &str) -> String {
    let (prefix, extension) = match key.rsplit_once('.') {
        Some((prefix, extension)) if is_extension(extension) => (prefix, extension),
        _ => (key, ""),
    };
    let prefix: String = prefix.chars().map(readable).take(MAX_PREFIX).collect();
    let name = format!("{prefix}~{}", hash(key));
    match extension {
        "" => name,
        extension => format!("{name}.{extension}"),
    }
}

/// Returns the hash of a key, in 32 hex digits.
pub(super) fn hash(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    hex::encode(digest.get(..16).unwrap_or_default())
}

/// Returns whether a part of a key is a name that every disk allows and that is not hidden.
fn is_name(part: &str) -> bool {
    let is_allowed = |character: char| {
        !character.is_control()
            && !RESERVED.contains(character)
            && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    !part.is_empty()
        && part.chars().all(is_allowed)
        && !part.starts_with(['.', ' '])
        && !part.ends_with(['.', ' '])
        && !is_device(&part.to_ascii_lowercase())
}

/// Returns whether Windows treats the name as a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let numbered = |name: &str| {
        stem.strip_prefix(name).is_some_and(|digit| {
            digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    matches!(stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

fn is_extension(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn readable(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => character,
        _ => '_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_key_is_its_own_path() {
        for key in ["photo.png", "user/2024/a_b.png", "Fotos/München 1.JPG", "照片/图 1.png"] {
            assert_eq!(plain_path(key), Some(key));
        }
    }

    #[test]
    fn a_key_that_some_disk_does_not_allow_is_no_path() {
        let long = "k".repeat(201);
        for key in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            ".",
            "a/..",
            "../../etc/passwd",
            ".a",
            "a/.b",
            "a.",
            "a..",
            " a",
            "a ",
            "a/ b",
            "a\\b",
            "C:x",
            "a~b",
            "a?b",
            "a*b",
            "a|b",
            "con",
            "CON.txt",
            "a/com1",
            "nul.tar.gz",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            &long,
        ] {
            assert_eq!(plain_path(key), None, "{key:?}");
        }
    }

    #[test]
    fn a_hashed_name_keeps_a_prefix_and_the_extension() {
        let name = hashed_name("../München 1?.JPG");
        assert!(name.starts_with("___M_nchen_1_~"), "{name}");
        assert_eq!(name.rsplit_once('.').unwrap().1, "JPG");
        assert!(hashed_name(&"é/".repeat(500)).len() <= 80);
    }

    proptest::proptest! {
        #[test]
        fn no_name_leaves_its_directory_and_two_keys_have_two_hashed_names(
            left in r"[aA./!~\\ -]{0,6}", right in r"[aA./!~\\ -]{0,6}",
        ) {
            let name = hashed_name(&left);
            proptest::prop_assert!(!name.contains(['/', '\\', ':', '\0']), "{}", name);
            proptest::prop_assert!(!name.starts_with('.'), "{}", name);
            proptest::prop_assert_eq!(plain_path(&name), None);
            proptest::prop_assert_eq!(name == hashed_name(&right), left == right);
            if let Some(path) = plain_path(&left) {
                proptest::prop_assert!(path.split('/').all(|part| part != ".." && !part.is_empty()));
            }
        }
    }
}
