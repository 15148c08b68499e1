//! Object keys: safe file names and their extensions.
//!
//! OSS accepts 1 to 1023 bytes of UTF-8 that do not begin with `/` or `\`. A key that a template
//! ([`crate::policy::template`]) makes of a safe name always fits.

use unicode_normalization::UnicodeNormalization;

/// The longest file name in a key, in bytes. A longer one is shortened before its extension.
pub const MAX_NAME_BYTES: usize = 200;

/// The longest extension that a route can name, or that shortening keeps, in bytes without the dot.
pub const MAX_EXTENSION_BYTES: usize = 19;

/// The name that replaces an empty one.
const NOTHING_LEFT: &str = "file";

/// Makes a file name safe as the last part of a key. An empty result becomes `file`.
///
/// Unicode is kept, in NFC: one system writes `é` as one character, another as two, and both mean the same name.
/// Directories are removed, because a page may send a whole path. Control characters, invisible characters,
/// characters that change the direction of text, and `"` are removed. `$` becomes `_`, because OSS replaces
/// `${filename}` after it has checked the policy.
#[must_use]
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_gone = |c: char| is_invisible(c) || is_variation_selector(c) || c == '"';
    let visible = last.chars().filter(|c| !is_gone(*c));
    // NFC comes in between: removed characters no longer separate others, and a composed character may have to be
    // replaced.
    let cleaned: String = visible.nfc().map(replace).collect();
    let trimmed = trim_end(cleaned.trim());
    let short = shorten(trimmed);
    if short.trim_matches('.').is_empty() { NOTHING_LEFT.to_owned() } else { short }
}

/// Splits a safe name at its extension: ASCII letters and digits after the last dot. A name such as `.env` has no
/// extension, nor has one that ends in other characters.
#[must_use]
pub fn split_extension(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, extension))
            if is_extension(extension) && !stem.trim_matches('.').is_empty() =>
        {
            (stem, Some(extension))
        }
        _ => (name, None),
    }
}

/// Returns whether a text is an extension.
#[must_use]
pub fn is_extension(text: &str) -> bool {
    (1..=MAX_EXTENSION_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns whether a character only deceives a reader: control characters; marks that change the direction of text,
/// so that `gpj.exe` reads as `exe.jpg`; and invisible characters, with which two names look alike. The last are
/// the code points of Unicode with the property `Default_Ignorable_Code_Point`, among them the soft hyphen, the
/// fillers of Hangul, and tags, but without the variation selectors.
pub(super) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e00ff}'
                | '\u{e01f0}'..='\u{e0fff}'
        )
}

/// Returns whether a character selects how the previous one is drawn. An emoji without its selector is the same
/// emoji, in black and white on some systems; a letter with a selector looks like the letter alone, so selectors are
/// removed from file names. A subject may contain them: it is accepted or refused, never changed.
fn is_variation_selector(character: char) -> bool {
    matches!(
        character,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

fn replace(character: char) -> char {
    if matches!(character, '$' | '*' | '?' | '<' | '>' | '|' | ':') { '_' } else { character }
}

fn trim_end(name: &str) -> &str {
    name.trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    let extension = match name.rfind('.') {
        Some(dot) if name.len() - dot <= MAX_EXTENSION_BYTES + 1 => &name[dot..],
        _ => "",
    };
    let stem = &name[..name.floor_char_boundary(MAX_NAME_BYTES - extension.len())];
    trim_end(&format!("{stem}{extension}")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_hangul_and_singletons_are_composed_to_nfc() {
        for (apart, whole) in [
            ("e\u{301}", "\u{e9}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("\u{212b}", "\u{c5}"),
            ("a\u{323}\u{307}", "\u{1ea1}\u{307}"),
            ("a\u{307}\u{323}", "\u{1ea1}\u{307}"),
            ("\u{301}e", "\u{301}e"),
            ("照片", "照片"),
        ] {
            assert_eq!(safe_name(apart), whole, "{apart:?}");
        }
    }

    #[test]
    fn ordinary_names_are_unchanged() {
        for name in ["a.png", "照片 2024.jpg", "Grüße 🌏.txt", ".env", "a+b(1).tar.gz"] {
            assert_eq!(safe_name(name), name);
        }
    }

    #[test]
    fn a_name_cannot_contain_directories_or_variables_of_oss() {
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
    fn two_spellings_of_one_name_become_one() {
        assert_eq!(safe_name("Cafe\u{301}.png"), "Caf\u{e9}.png");
        assert_eq!(safe_name("e\u{200d}\u{301}"), "\u{e9}", "what is removed keeps nothing apart");
        assert_eq!(safe_name("a\u{37e}b"), "a;b");
        assert_eq!(safe_name("ｆｕｌｌ.png"), "ｆｕｌｌ.png", "only what is canonically the same");
    }

    #[test]
    fn invisible_characters_and_direction_marks_are_removed() {
        let alone = [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{180f}',
            '\u{200b}',
            '\u{200e}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{e01ef}',
            '\u{e0fff}',
        ];
        for one in alone {
            assert_eq!(safe_name(&format!("a{one}.p{one}ng")), "a.png", "U+{:04X}", u32::from(one));
            assert_eq!(safe_name(&one.to_string()), "file", "U+{:04X}", u32::from(one));
        }
        assert_eq!(
            safe_name("❤\u{fe0f} 1\u{fe0f}\u{20e3}.png"),
            "❤ 1\u{20e3}.png",
            "an emoji stays one"
        );
        assert_eq!(safe_name("한글 ᄀ각 שלום عربي.png"), "한글 ᄀ각 שלום عربي.png");
    }

    #[test]
    fn an_extension_is_ascii_after_a_stem() {
        for (name, parts) in [
            ("a.PNG", ("a", Some("PNG"))),
            ("a.tar.gz", ("a.tar", Some("gz"))),
            ("照片.jpg", ("照片", Some("jpg"))),
            (".env", (".env", None)),
            ("..png", ("..png", None)),
            ("a", ("a", None)),
            ("a.照片", ("a.照片", None)),
            ("a.b c", ("a.b c", None)),
            ("a.12345678901234567890", ("a.12345678901234567890", None)),
        ] {
            assert_eq!(split_extension(name), parts, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_safe_name_is_safe_and_stays_the_same(
            name in ".{0,300}|[.e\u{301}\u{200d}\u{ad}\u{fe0f}\u{e0041}\u{115f}\u{1161} ]{0,300}"
        ) {
            let safe = safe_name(&name);
            assert_eq!(safe_name(&safe), safe);
            assert!(unicode_normalization::is_nfc(&safe));
            assert!((1..=MAX_NAME_BYTES).contains(&safe.len()));
            assert!(!safe.contains(['/', '\\', '$', '*', '?', '"']), "{safe:?}");
            let hidden = |c: char| is_invisible(c) || is_variation_selector(c);
            assert!(!safe.chars().any(hidden), "{safe:?}");
        }
    }

    #[test]
    fn an_empty_name_becomes_file() {
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
