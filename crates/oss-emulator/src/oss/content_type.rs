//! Warns of stored content types that browsers interpret as another type.
//!
//! OSS stores any content type that a form sends, and so does the emulator. The developer gets a
//! warning, because a browser may then show the object as a type that was not granted. Sources: the
//! Fetch standard, "extract a MIME type"; the MIME Sniffing standard.

/// The maximum number of characters of a type that a warning quotes.
const MAX_QUOTED: usize = 200;

/// Returns a warning if browsers may show an object of this type as one of another type.
pub(super) fn warning(content_type: &str) -> Option<String> {
    let quoted: String = content_type.chars().take(MAX_QUOTED).collect();
    if let Some((_, last)) = content_type.rsplit_once(',') {
        let last: String = last.trim().chars().take(MAX_QUOTED).collect();
        return Some(format!(
            "the type {quoted:?} is a list, of which browsers take the last type that they can read, \
             here perhaps {last:?}; sign a type without a comma"
        ));
    }
    let essence = content_type.split(';').next().unwrap_or_default();
    let is_type = essence
        .trim_matches([' ', '\t'])
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    (!is_type).then(|| {
        format!(
            "{quoted:?} is no type, so browsers look into the file for one; sign a type such as image/png"
        )
    })
}

/// Returns whether a text is a token of RFC 9110. A stored type must not contain a wildcard.
fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_types_and_an_invalid_type_give_a_warning() {
        for (stored, word) in [
            ("image/png;,text/html", "\"text/html\""),
            ("image/png, text/html", "\"text/html\""),
            ("image/,text/html", "\"text/html\""),
            ("image/png; a=b, image/svg+xml", "\"image/svg+xml\""),
            ("image", "no type"),
            ("image/", "no type"),
            ("*/*", "no type"),
            ("image/p ng", "no type"),
            ("图/片", "no type"),
        ] {
            assert!(warning(stored).unwrap().contains(word), "{stored}");
        }
        for fine in ["image/png", "text/plain; charset=utf-8", "Text/HTML ;a=b", "a/b;"] {
            assert_eq!(warning(fine), None, "{fine}");
        }
    }

    #[test]
    fn a_warning_is_short() {
        assert!(warning(&format!("{},{0}", "x".repeat(9000))).unwrap().len() < 700);
    }
}
