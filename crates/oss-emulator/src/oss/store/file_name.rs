//! Maps object keys to file names.
//!
//! A key has any 1 to 1023 bytes. A file name has no slash, is shorter, and is case-insensitive on
//! some disks. Plain keys stay readable; all others get a readable prefix and a hash, so that two
//! keys never share a file and no key leaves its directory.

use sha2::{Digest, Sha256};

/// The longest name of a plain key; file systems allow 255, and a sidecar adds its extension.
const MAX_PLAIN: usize = 200;

/// The longest readable prefix before a hash.
const MAX_PREFIX: usize = 80;

/// Replaces the slash; it does not occur in plain keys.
const SLASH: char = '!';

/// Returns the file name of a key.
pub(super) fn file_name(key: &str) -> String {
    if is_plain(key) {
        return key.replace('/', &SLASH.to_string());
    }
    let (prefix, extension) = match key.rsplit_once('.') {
        Some((prefix, extension)) if is_extension(extension) => (prefix, extension),
        _ => (key, ""),
    };
    let prefix: String = prefix.chars().map(readable).take(MAX_PREFIX).collect();
    let digest = Sha256::digest(key.as_bytes());
    let hash = hex::encode(digest.get(..16).unwrap_or_default());
    // The tilde does not occur in plain keys, so a hashed name never equals a plain one.
    let name = format!("{prefix}~{hash}");
    match extension {
        "" => name,
        extension => format!("{name}.{extension}"),
    }
}

/// Returns whether a key can be its own file name on every disk.
fn is_plain(key: &str) -> bool {
    let known = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'-' | b'_' | b'/')
    };
    key.len() <= MAX_PLAIN
        && key.bytes().all(known)
        && !key.starts_with('.')
        && !key.ends_with('.')
        && !is_device(key)
}

/// Returns whether Windows treats the name as a device.
fn is_device(key: &str) -> bool {
    let stem = key.split('.').next().unwrap_or_default();
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
        '/' => SLASH,
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => character,
        _ => '_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn plain_keys_stay_readable() {
        assert_eq!(file_name("photo.png"), "photo.png");
        assert_eq!(file_name("user-dir/2024/a_b.png"), "user-dir!2024!a_b.png");
    }

    #[test]
    fn other_keys_keep_a_prefix_and_their_extension() {
        let name = file_name("Fotos/München 1.JPG");
        assert!(name.starts_with("Fotos!M_nchen_1~"), "{name}");
        assert_eq!(name.rsplit_once('.').unwrap().1, "JPG");
    }

    #[test]
    fn no_two_keys_share_a_file_on_a_case_insensitive_disk() {
        let long = "k".repeat(1023);
        let keys = [
            "a", "A", "a/b", "a!b", "a\\b", "a/B", "..", ".", "a/..", "a/.", "a%2fb", "é",
            "e\u{301}", "con", "con.txt", "com1", "a.", "a..", " a", "a ", "a~b", &long, "a/b/",
            "a//b", ".a",
        ];
        let names: BTreeSet<String> =
            keys.iter().map(|key| file_name(key).to_lowercase()).collect();
        assert_eq!(names.len(), keys.len());
    }

    #[test]
    fn every_file_name_is_short_and_stays_in_its_directory() {
        for key in
            ["../../etc/passwd", "..", "/", "\\", "a/../../b", &"é/".repeat(300), "\0", "C:x"]
        {
            let name = file_name(key);
            assert!(name.len() <= MAX_PLAIN, "{name}");
            assert!(!name.contains(['/', '\\', ':', '\0']), "{name}");
            assert!(!name.starts_with('.'), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn two_keys_have_two_file_names(left in r"[aA./!~\\-]{1,6}", right in r"[aA./!~\\-]{1,6}") {
            let names = [&left, &right].map(|key| file_name(key).to_lowercase());
            proptest::prop_assert_eq!(names[0] == names[1], left == right);
        }
    }
}
