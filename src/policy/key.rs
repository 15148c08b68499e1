//! Object keys: what an object may be called, and a safe name made of a file's own.
//!
//! OSS takes 1 to 1023 bytes of UTF-8 that do not begin with `/` or `\`. What a template
//! ([`crate::policy::template`]) makes of a name made here always fits.

use unicode_normalization::UnicodeNormalization;

/// The longest file name in a key, in bytes; what is longer is cut before its extension.
pub const MAX_NAME_BYTES: usize = 200;

/// The longest extension that a route can name, or that survives a cut, in bytes without its dot.
pub const MAX_EXTENSION_BYTES: usize = 19;

/// What a name of which nothing is left becomes.
const NOTHING_LEFT: &str = "file";

/// Makes a file's own name safe as the last part of a key; a name of which nothing is left is `file`.
///
/// Unicode is kept, in NFC: one system writes `é` as one character, another as two, and both mean
/// the same name. Folders go, since a page may send a whole path; control characters, characters that are
/// drawn as nothing or turn the direction of text, and `"` go;
/// `$` becomes `_`, or OSS would fill in `${filename}` after it has checked the policy.
#[must_use]
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_gone = |c: char| is_invisible(c) || is_variation_selector(c) || c == '"';
    let visible = last.chars().filter(|c| !is_gone(*c));
    // Composing comes between: what was removed no longer keeps two characters apart, and a
    // composed character may be one that has to be replaced.
    let cleaned: String = visible.nfc().map(replace).collect();
    let trimmed = trim_end(cleaned.trim());
    let short = shorten(trimmed);
    if short.trim_matches('.').is_empty() { NOTHING_LEFT.to_owned() } else { short }
}

/// Parts a safe name at its extension, which is ASCII letters and digits after the last dot. A
/// name such as `.env` is all stem, and so is one that ends in anything else.
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

/// Tells what counts as an extension.
#[must_use]
pub fn is_extension(text: &str) -> bool {
    (1..=MAX_EXTENSION_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Tells the characters that only deceive a reader: controls; marks that turn the direction of text so that
/// `gpj.exe` reads as `exe.jpg`; and what is drawn as nothing, so that two names look like one. The last are
/// the code points of Unicode with the property `Default_Ignorable_Code_Point`, among them the soft hyphen,
/// the fillers of Hangul, and tags, but for the variation selectors.
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

/// Tells the characters that choose how the one before them is drawn. An emoji without its selector is the
/// same emoji, drawn in black and white by some systems; a name with a selector behind a letter looks like the
/// one without, so they leave file names. A subject may have them: it is refused or taken, never changed.
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
    fn two_spellings_of_one_name_are_one() {
        assert_eq!(safe_name("Cafe\u{301}.png"), "Caf\u{e9}.png");
        assert_eq!(safe_name("e\u{200d}\u{301}"), "\u{e9}", "what is removed keeps nothing apart");
        assert_eq!(safe_name("a\u{37e}b"), "a;b");
        assert_eq!(safe_name("ｆｕｌｌ.png"), "ｆｕｌｌ.png", "only what is canonically the same");
    }

    #[test]
    fn what_is_drawn_as_nothing_or_turns_text_round_leaves_a_name() {
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
    fn an_extension_is_plain_and_leaves_a_stem() {
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
        fn any_name_becomes_one_that_stays(
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
