//! Recognises the keys that a template renders for one caller.
//!
//! A key matches if there are a name, a time and random bytes with which the template renders exactly this key for this
//! caller. The caller's attributes are fixed texts here, and a segment with one has no other part of variable length, so
//! the key of one caller never matches for another. Parts that come from one value have to agree: `{name}` with `{stem}`
//! and `{ext}`, and each placeholder with itself. Random parts are taken as independent of each other.

use crate::policy::PolicyError;
use crate::policy::key::{
    MAX_EXTENSION_BYTES, MAX_NAME_BYTES, is_extension, safe_name, split_extension,
};
use crate::policy::template::part::TemplatePart;
use crate::policy::template::{ALPHABET, CallerAttributes, MAX_KEY_BYTES};

/// Returns whether the parts can render the key for this caller.
///
/// # Errors
/// The caller lacks an attribute of the template, or it is not allowed in a key.
pub(super) fn matches(
    parts: &[TemplatePart],
    key: &str,
    attributes: &CallerAttributes<'_>,
) -> Result<bool, PolicyError> {
    let pieces: Vec<_> =
        parts.iter().map(|part| KeyPiece::of(part, attributes)).collect::<Result<_, _>>()?;
    Ok(is_plain(key) && KeyValues::default().find(&pieces, key))
}

/// Returns whether a key has only segments with a name. Templates render no other, so this is a second check.
fn is_plain(key: &str) -> bool {
    let is_name = |segment: &str| !matches!(segment, "" | "." | "..");
    key.len() <= MAX_KEY_BYTES
        && !key.contains(|c: char| c.is_control() || c == '\\')
        && key.split('/').all(is_name)
}

/// A part of a template for one caller.
enum KeyPiece<'a> {
    /// A fixed text, or an attribute of the caller.
    Text(&'a str),
    /// A part that is read from the key.
    Part(&'a TemplatePart),
}

impl<'a> KeyPiece<'a> {
    fn of<'caller: 'a>(
        part: &'a TemplatePart,
        attributes: &CallerAttributes<'caller>,
    ) -> Result<Self, PolicyError> {
        Ok(match part {
            TemplatePart::Text(text) => Self::Text(text),
            TemplatePart::Subject => Self::Text(attributes.subject()?),
            TemplatePart::Claim(name) => Self::Text(attributes.claim(name)?),
            part => Self::Part(part),
        })
    }
}

/// The values of placeholders, as far as they have been read.
#[derive(Clone, Default)]
struct KeyValues<'k> {
    year: Option<&'k str>,
    month: Option<&'k str>,
    day: Option<&'k str>,
    uuid: Option<&'k str>,
    name: Option<&'k str>,
    stem: Option<&'k str>,
    /// Without a dot; empty for a name without one.
    extension: Option<&'k str>,
}

impl<'k> KeyValues<'k> {
    /// Reads the rest of a key by the rest of the pieces, and tries every length of a part that has several.
    fn find(&self, pieces: &[KeyPiece<'_>], key: &'k str) -> bool {
        let Some((piece, rest)) = pieces.split_first() else {
            return key.is_empty() && self.is_possible();
        };
        let part = match piece {
            KeyPiece::Text(text) => {
                return key.strip_prefix(text).is_some_and(|key| self.find(rest, key));
            }
            KeyPiece::Part(part) => *part,
        };
        lengths(part, key, rest.is_empty()).any(|length| {
            let Some((text, key)) = key.split_at_checked(length) else { return false };
            self.with(part, text).is_some_and(|values| values.find(rest, key))
        })
    }

    /// Adds the value of a placeholder. Returns `None` if it has another value already, or cannot have this one.
    fn with(&self, part: &TemplatePart, text: &'k str) -> Option<Self> {
        let mut values = self.clone();
        let (slot, value, is_possible) = match part {
            TemplatePart::Year => (&mut values.year, text, is_digits(text)),
            TemplatePart::Month => (&mut values.month, text, is_within(text, 12)),
            TemplatePart::Day => (&mut values.day, text, is_within(text, 31)),
            TemplatePart::Uuid => (&mut values.uuid, text, is_uuid(text)),
            TemplatePart::Name => (&mut values.name, text, safe_name(text) == text),
            TemplatePart::Stem => (&mut values.stem, text, true),
            TemplatePart::Extension { dotted } => {
                let value = if *dotted { text.strip_prefix('.').unwrap_or_default() } else { text };
                let is_whole = !*dotted || text.is_empty() || !value.is_empty();
                (&mut values.extension, value, is_whole && is_lower_extension(value))
            }
            TemplatePart::Random(_) => {
                return text.bytes().all(|byte| ALPHABET.contains(&byte)).then_some(values);
            }
            TemplatePart::Text(_) | TemplatePart::Subject | TemplatePart::Claim(_) => return None,
        };
        if !is_possible || slot.is_some_and(|known| known != value) {
            return None;
        }
        *slot = Some(value);
        Some(values)
    }

    /// Returns whether one file and one day have all the values.
    fn is_possible(&self) -> bool {
        self.is_day() && self.is_file()
    }

    fn is_file(&self) -> bool {
        let has = |name: &str| {
            let (stem, extension) = split_extension(name);
            let extension = extension.unwrap_or_default().to_ascii_lowercase();
            safe_name(name) == name
                && self.stem.is_none_or(|one| one == stem)
                && self.extension.is_none_or(|one| one == extension)
        };
        match (self.name, self.stem, self.extension) {
            (Some(name), _, _) => has(name),
            (None, Some(stem), Some("")) => has(stem),
            (None, Some(stem), Some(extension)) => has(&format!("{stem}.{extension}")),
            // A name without an extension is its own stem; otherwise the shortest extension leaves the most room.
            (None, Some(stem), None) => has(stem) || has(&format!("{stem}.x")),
            (None, None, _) => true,
        }
    }

    fn is_day(&self) -> bool {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u16>().ok());
        let (Some(month), Some(day)) = (number(self.month), number(self.day)) else { return true };
        let days = match (month, number(self.year)) {
            (4 | 6 | 9 | 11, _) => 30,
            (2, Some(year)) if !is_leap(year) => 28,
            (2, _) => 29,
            _ => 31,
        };
        day <= days
    }
}

/// Returns the lengths in bytes that a part can have at the beginning of `key`. The last part has to be the whole rest.
fn lengths(part: &TemplatePart, key: &str, is_last: bool) -> impl Iterator<Item = usize> {
    let (shortest, longest) = match part {
        TemplatePart::Year => (4, 4),
        TemplatePart::Month | TemplatePart::Day => (2, 2),
        TemplatePart::Uuid => (36, 36),
        TemplatePart::Random(count) => (*count, *count),
        TemplatePart::Extension { .. } => (0, MAX_EXTENSION_BYTES + 1),
        _ => (1, MAX_NAME_BYTES),
    };
    // No placeholder has a slash in it.
    let end = key.find('/').unwrap_or(key.len());
    let shortest = if is_last { shortest.max(end) } else { shortest };
    shortest..=longest.min(end)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_within(text: &str, most: u8) -> bool {
    is_digits(text) && text.parse::<u8>().is_ok_and(|number| (1..=most).contains(&number))
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

/// Returns whether a text is a random UUID (version 4) in lower case.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn is_lower_extension(text: &str) -> bool {
    text.is_empty() || is_extension(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::policy::template::{RenderContext, Template};
    use crate::time::Timestamp;

    const UUID: &str = "abababab-abab-4bab-abab-abababababab";

    fn is_match(template: &Template, key: &str, subject: &str, team: &str) -> bool {
        let claim = |name: &str| (name == "team").then_some(team);
        let caller = CallerAttributes { subject: Some(subject), claim: &claim };
        template.matches(key, &caller).unwrap()
    }

    fn of_alice(template: &str, key: &str) -> bool {
        let parsed = if template.ends_with('/') {
            Template::directory(template)
        } else {
            Template::key(template)
        };
        is_match(&parsed.unwrap(), key, "alice", "red")
    }

    #[test]
    fn keys_of_the_template_match() {
        for (template, key) in [
            ("up/{yyyy}/{mm}/{dd}/{uuid}/", &format!("up/2024/02/29/{UUID}/照片 1.png")[..]),
            ("users/{sub}/{uuid}.{ext}", &format!("users/alice/{UUID}.png")),
            ("users/{sub}/{uuid}.{ext}", &format!("users/alice/{UUID}")),
            ("{claim:team}/{sub}/{name}", "red/alice/a.tar.gz"),
            ("a/{stem}-{yyyy}.{ext}", "a/b-2024-2025.jpg"),
            ("a/{stem}-{yyyy}.{ext}", "a/readme-2025"),
            ("{stem}/{stem}{ext}", "a.b/a.bpng"),
            ("{name}/{ext}x", "A.PNG/pngx"),
            ("r/{random:5}-{name}", "r/bxaq0--"),
            ("fixed/key", "fixed/key"),
            ("{stem}", "a "),
        ] {
            assert!(of_alice(template, key), "{template}: {key}");
        }
    }

    #[test]
    fn other_keys_do_not_match() {
        for (template, key) in [
            ("up/{uuid}/", &format!("up/{UUID}")[..]),
            ("up/{uuid}/", &format!("up/{UUID}/")),
            ("up/{uuid}/", &format!("up/{UUID}//a.png")),
            ("up/{uuid}/", &format!("up/{UUID}/..")),
            ("up/{uuid}/", &format!("up/{UUID}/a/b.png")),
            ("up/{uuid}/", &format!("up/{UUID}/a.png ")),
            ("up/{uuid}/", &format!("up/{UUID}/a*.png")),
            ("up/{uuid}/", &format!("up/{UUID}/a\u{202e}.png")),
            ("up/{uuid}/", &format!("up/{UUID}/${{filename}}")),
            ("up/{uuid}/", &format!("up/{}/a.png", UUID.to_uppercase())),
            ("up/{uuid}/", "up/abababab-abab-1bab-abab-abababababab/a.png"),
            ("up/{uuid}/", &format!("/up/{UUID}/a.png")),
            ("up/{uuid}/", &format!("UP/{UUID}/a.png")),
            ("up/{uuid}/", ""),
            ("up/{yyyy}/{mm}/{dd}/", "up/2023/02/29/a"),
            ("up/{yyyy}/{mm}/{dd}/", "up/2024/13/01/a"),
            ("up/{yyyy}/{mm}/{dd}/", "up/2024/04/31/a"),
            ("up/{yyyy}/{mm}/{dd}/", "up/2024/00/10/a"),
            ("up/{yyyy}/{mm}/{dd}/", "up/+024/01/10/a"),
            ("users/{sub}/{name}", "users/bob/a.png"),
            ("users/{sub}/{name}", "users/alice/../bob/a.png"),
            ("users/{sub}/{name}", "users/alice%2F../a.png"),
            ("users/{sub}/{name}", "users/alic/a.png"),
            ("users/{sub}/{name}", "users/alice2/a.png"),
            ("{sub}{yyyy}/{name}", "alice22024/a"),
            ("a/{stem}.{ext}", "a/b.PNG"),
            ("a/{stem}.{ext}", "a/b."),
            ("{name}/{stem}", "a.png/b"),
            ("{uuid}/{uuid}", &format!("{UUID}/{}", UUID.replacen('a', "c", 1))),
            ("r/{random:5}/x", "r/bxaqi/x"),
            ("r/{random:5}/x", "r/bxaq/x"),
            ("fixed/key", "fixed/key2"),
            ("a/{name}", &format!("a/{}", "照".repeat(67))),
        ] {
            assert!(!of_alice(template, key), "{template}: {key}");
        }
    }

    #[test]
    fn a_caller_without_an_attribute_is_an_error() {
        let template = Template::key("users/{sub}/{name}").unwrap();
        let unknown = PolicyError::CallerUnknown { placeholder: "sub".to_owned() };
        assert_eq!(template.matches("users/a/b", &CallerAttributes::NONE), Err(unknown));
        let star = CallerAttributes { subject: Some("*"), ..CallerAttributes::NONE };
        assert!(template.matches("users/*/b", &star).is_err());
    }

    #[test]
    fn a_long_key_is_decided_soon() {
        let template = Template::key("{stem}-{stem}{ext}-{name}").unwrap();
        let key = "-".repeat(600);
        let started = std::time::Instant::now();
        for _ in 0..3 {
            assert!(!is_match(&template, &key, "alice", "red"));
        }
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }

    fn segment() -> impl Strategy<Value = String> {
        let fixed = select(vec!["a", "b-", "{yyyy}", "{mm}{dd}", "{uuid}", "{random:4}", "照"]);
        let own = select(vec!["{sub}", "{claim:team}", "x{sub}", "{claim:team}{yyyy}"]);
        let file = select(vec![
            "{name}",
            "{stem}.{ext}",
            "{stem}",
            "f{ext}",
            "{stem}-{name}",
            "{name}{uuid}",
        ]);
        prop_oneof![
            2 => fixed.prop_map(str::to_owned),
            2 => own.prop_map(str::to_owned),
            2 => file.prop_map(str::to_owned),
        ]
    }

    fn template() -> impl Strategy<Value = Template> {
        let segments = proptest::collection::vec(segment(), 1..5);
        segments.prop_filter_map("a valid template", |parts| Template::key(&parts.join("/")).ok())
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-cA-C.-]{1,8}",
            ".{0,12}",
            "[a-z]{1,4}\\.[a-zA-Z]{1,4}",
            "照片 [0-9]\\.(png|JPG)"
        ]
    }

    fn subject() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ab2]{1,3}",
            "[a-z0-9@.]{2,9}",
            select(vec!["a2024", "2024", "用户", "x", "xa"]).prop_map(str::to_owned)
        ]
        .prop_filter("no dots alone", |text| !text.trim_matches('.').is_empty())
    }

    proptest! {
        #[test]
        fn what_a_template_renders_it_matches_for_this_caller_only(
            template in template(),
            name in name(),
            subjects in (subject(), subject()),
            teams in (subject(), subject()),
            random in any::<[u8; 16]>(),
            time in 0i64..4_000_000_000,
        ) {
            let claim = |name: &str| (name == "team").then_some(teams.0.as_str());
            let caller = CallerAttributes { subject: Some(&subjects.0), claim: &claim };
            let now = Timestamp::from_unix(time).unwrap();
            let context = RenderContext { now, random: &random, attributes: caller };
            let key = template.render(&context, &safe_name(&name)).unwrap();
            prop_assert!(is_match(&template, &key, &subjects.0, &teams.0), "{template}: {key}");
            let text = template.to_string();
            let is_other = text.contains("{sub}") && subjects.0 != subjects.1
                || text.contains("{claim:team}") && teams.0 != teams.1;
            prop_assert_eq!(
                is_match(&template, &key, &subjects.1, &teams.1), !is_other, "{} {}", template, key
            );
        }

        #[test]
        fn a_damaged_key_never_matches(template in template(), name in name(), random in any::<[u8; 16]>()) {
            let claim = |name: &str| (name == "team").then_some("red");
            let caller = CallerAttributes { subject: Some("alice"), claim: &claim };
            let now = Timestamp::from_unix(1_732_687_781).unwrap();
            let context = RenderContext { now, random: &random, attributes: caller };
            let key = template.render(&context, &safe_name(&name)).unwrap();
            for bad in [
                format!("/{key}"),
                format!("{key}/"),
                format!("../{key}"),
                key.replace('/', "//"),
                key.replace('/', "/./"),
                format!("{key}/../{key}"),
                format!("{key}\0"),
                format!("{key}\\"),
            ] {
                prop_assert!(bad == key || !is_match(&template, &bad, "alice", "red"), "{template}: {bad:?}");
            }
        }
    }
}
