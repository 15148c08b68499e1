//! Where a route's objects go: a directory or a whole key with placeholders.
//!
//! `uploads/{yyyy}/{mm}/{dd}/{uuid}/` becomes a directory of its own for each grant. With `{uuid}`
//! nobody can guess or overwrite another's object; without it uploads share one directory. A
//! directory is a key whose last part is `{name}`.
//!
//! | placeholder | becomes |
//! |---|---|
//! | `{yyyy}`, `{mm}`, `{dd}` | the day of the grant, in UTC |
//! | `{uuid}` | a random UUID |
//! | `{random:n}` | 4 to 25 random letters and digits, without those that look alike |
//! | `{name}` | the file's name, made safe; `file` when none is known |
//! | `{stem}` | the same without its extension |
//! | `{ext}` | the extension in lower case; without one, nothing, and a dot before it goes too |
//! | `{sub}`, `{claim:x}` | what the caller has proved; who has not, is refused |

pub mod context;
pub mod error;

mod part;

use std::fmt;

use crate::policy::error::PolicyError;
use crate::policy::key::split_extension;
use crate::policy::template::context::{CallerAttributes, RandomBytes, RenderContext};
use crate::policy::template::error::TemplateError;
use crate::policy::template::part::Part;

/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 512;

/// The longest key that OSS takes, in bytes.
const MAX_KEY_BYTES: usize = 1023;

/// Digits and letters without `i`, `l`, `o` and `u`, of which nobody knows which is which.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A template, checked: whatever is filled in, it makes a key that OSS takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

impl Template {
    /// Reads a directory such as `photos/{yyyy}/{uuid}/`, in which a file keeps its name.
    pub fn directory(text: &str) -> Result<Self, TemplateError> {
        if !text.ends_with('/') {
            return Err(Self::too_long(text).unwrap_or(TemplateError::NoTrailingSlash));
        }
        let mut parts = Self::parts(text)?;
        if parts.iter().any(Part::is_of_file) {
            return Err(TemplateError::FileInDirectory);
        }
        parts.push(Part::Name);
        part::check(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Reads a whole key such as `users/{sub}/{uuid}.{ext}`.
    pub fn key(text: &str) -> Result<Self, TemplateError> {
        if text.ends_with('/') {
            return Err(TemplateError::TrailingSlash);
        }
        let parts = Self::parts(text)?;
        part::check(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Reads the value of a variable such as `{claim:team}-{yyyy}`. It names no object, so a slash means
    /// nothing in it; it is told beside the object, so it does not speak of the file.
    pub fn value(text: &str) -> Result<Self, TemplateError> {
        let parts = Self::parts_without(text, |c| c == '$')?;
        part::check_value(&parts)?;
        Ok(Self { text: text.to_owned(), parts })
    }

    fn too_long(text: &str) -> Option<TemplateError> {
        (text.len() > MAX_TEMPLATE_BYTES).then_some(TemplateError::TooLong)
    }

    fn parts(text: &str) -> Result<Vec<Part>, TemplateError> {
        // `$` would start OSS's own `${filename}`; `*` and `?` are wildcards in a RAM resource.
        Self::parts_without(text, |c| matches!(c, '\\' | '$' | '*' | '?' | '"'))
    }

    fn parts_without(text: &str, bad: impl Fn(char) -> bool) -> Result<Vec<Part>, TemplateError> {
        if let Some(error) = Self::too_long(text) {
            return Err(error);
        }
        if let Some(character) = text.chars().find(|c| c.is_control() || bad(*c)) {
            return Err(TemplateError::BadCharacter(character));
        }
        part::parse(text)
    }

    /// Tells whether each grant gets a key that no other grant has.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.parts.iter().any(Part::is_unique)
    }

    /// Tells whether the file's name has a say in the key.
    #[must_use]
    pub fn names_file(&self) -> bool {
        self.parts.iter().any(Part::is_of_file)
    }

    /// Tells whether only callers who have shown who they are get a key.
    #[must_use]
    pub fn names_caller(&self) -> bool {
        self.parts.iter().any(Part::is_of_caller)
    }

    /// Fills in the key of a file whose name has been made safe.
    pub fn render(&self, context: &RenderContext<'_>, name: &str) -> Result<String, PolicyError> {
        let key = String::with_capacity(self.text.len() + name.len() + 48);
        fill(key, &self.parts, context, name)
    }

    /// Fills in the directory for a form whose file nobody has named, and which may use any name in
    /// it. That is no wider than the rule only where the name is all that is left open.
    pub fn render_directory(&self, context: &RenderContext<'_>) -> Result<String, PolicyError> {
        let Some((Part::Name, parts @ [.., Part::Text(last)])) = self.parts.split_last() else {
            return Err(PolicyError::NameRequired);
        };
        if !last.ends_with('/') || parts.iter().any(Part::is_of_file) {
            return Err(PolicyError::NameRequired);
        }
        let directory = String::with_capacity(self.text.len() + 48);
        fill(directory, parts, context, "")
    }

    /// Fills in what all keys of this one caller begin with, up to its last `/`, for a permission that
    /// is the caller's own.
    ///
    /// # Errors
    /// The caller has not shown what the key speaks of, or that cannot stand in a key. It is never
    /// left out, since what is left would be everybody's.
    pub fn own_prefix(&self, attributes: &CallerAttributes<'_>) -> Result<String, PolicyError> {
        for part in &self.parts {
            match part {
                Part::Subject => attributes.subject().map(drop)?,
                Part::Claim(name) => attributes.claim(name).map(drop)?,
                _ => {}
            }
        }
        Ok(self.prefix(attributes))
    }

    /// Tells whether no two callers share such a beginning.
    #[must_use]
    pub fn has_own_prefix(&self) -> bool {
        let one = CallerAttributes { subject: Some("a"), claim: &|_| Some("a") };
        let other = CallerAttributes { subject: Some("b"), claim: &|_| Some("b") };
        self.prefix(&one) != self.prefix(&other)
    }

    /// Fills in what all keys of a caller begin with: everything before the first part that differs
    /// from grant to grant or from day to day, up to its last `/`. It is empty where nothing stands
    /// before. What a caller has not proved ends it too.
    #[must_use]
    pub fn prefix(&self, attributes: &CallerAttributes<'_>) -> String {
        let mut prefix = String::new();
        for part in &self.parts {
            let fixed = match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Subject => attributes.subject().ok(),
                Part::Claim(name) => attributes.claim(name).ok(),
                _ => None,
            };
            let Some(fixed) = fixed else { break };
            prefix.push_str(fixed);
        }
        prefix.truncate(prefix.rfind('/').map_or(0, |slash| slash + 1));
        prefix
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Writes the parts behind what stands in `key` already.
fn fill(
    mut key: String,
    parts: &[Part],
    context: &RenderContext<'_>,
    name: &str,
) -> Result<String, PolicyError> {
    let date = context.now.date();
    let mut bits = u128::from_be_bytes(*context.random);
    for part in parts {
        match part {
            Part::Text(text) => key.push_str(text),
            Part::Year => key.push_str(&date[..4]),
            Part::Month => key.push_str(&date[4..6]),
            Part::Day => key.push_str(&date[6..]),
            Part::Uuid => write_uuid(&mut key, context.random),
            Part::Random(count) => write_random(&mut key, *count, &mut bits),
            Part::Name => key.push_str(name),
            Part::Stem => key.push_str(split_extension(name).0),
            Part::Extension { dotted } => write_extension(&mut key, *dotted, name),
            Part::Subject => key.push_str(context.attributes.subject()?),
            Part::Claim(claim) => key.push_str(context.attributes.claim(claim)?),
        }
    }
    Ok(key)
}

fn write_extension(target: &mut String, dotted: bool, name: &str) {
    if let (_, Some(extension)) = split_extension(name) {
        target.extend(dotted.then_some('.'));
        target.extend(extension.chars().map(|c| c.to_ascii_lowercase()));
    }
}

/// Writes five bits a character, and leaves the rest for the next.
fn write_random(target: &mut String, count: usize, bits: &mut u128) {
    for _ in 0..count {
        target.push(char::from(ALPHABET[(*bits & 31) as usize]));
        *bits >>= 5;
    }
}

/// Writes a random UUID (version 4, RFC 9562).
fn write_uuid(target: &mut String, random: &RandomBytes) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in random.iter().enumerate() {
        let byte = match index {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            target.push('-');
        }
        target.push(char::from(DIGITS[usize::from(byte >> 4)]));
        target.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_732_687_781).unwrap()
    }

    fn anonymous() -> RenderContext<'static> {
        RenderContext::anonymous(now(), &[0xab; 16])
    }

    fn attributes(subject: &str) -> CallerAttributes<'_> {
        CallerAttributes {
            subject: Some(subject),
            claim: &|name| (name == "team").then_some("red"),
        }
    }

    fn key(template: &str, name: &str) -> String {
        Template::key(template).unwrap().render(&anonymous(), name).unwrap()
    }

    fn of(template: &str, subject: &str) -> Result<String, PolicyError> {
        let context = RenderContext { attributes: attributes(subject), ..anonymous() };
        Template::key(template).unwrap().render(&context, "a.png")
    }

    #[test]
    fn placeholders_are_filled_from_one_moment_and_one_throw() {
        let rendered = |template| {
            Template::directory(template).unwrap().render_directory(&anonymous()).unwrap()
        };
        assert_eq!(
            rendered("up/{yyyy}/{mm}/{dd}/{uuid}/"),
            "up/2024/11/27/abababab-abab-4bab-abab-abababababab/"
        );
        assert_eq!(rendered("照片/{yyyy}{mm}{dd}/"), "照片/20241127/");
        assert_eq!(rendered("plain/"), "plain/");
        assert_eq!(rendered("r/{random:4}/"), "r/bxaq/");
    }

    #[test]
    fn a_key_speaks_of_the_file() {
        assert_eq!(key("a/{name}", "照片.JPG"), "a/照片.JPG");
        assert_eq!(key("a/{stem}-{yyyy}.{ext}", "照片.JPG"), "a/照片-2024.jpg");
        assert_eq!(
            key("a/{random:5}.{ext}", "readme"),
            "a/bxaqt",
            "the dot goes with the extension"
        );
        assert_eq!(key("{ext}x/{stem}{ext}", "a.b.PNG"), "pngx/a.bpng");
        assert_eq!(key("fixed", "a.png"), "fixed");
    }

    #[test]
    fn random_characters_are_all_of_the_throw_and_come_but_once() {
        let random = std::array::from_fn(|index| u8::try_from(index * 7 + 1).unwrap());
        let rendered = |template: &str| {
            let context = RenderContext::anonymous(now(), &random);
            Template::key(template).unwrap().render(&context, "").unwrap()
        };
        let whole = rendered("{random:25}");
        assert_eq!(whole.len(), 25);
        assert_eq!(rendered("{random:10}{random:15}"), whole);
        assert!(whole.bytes().all(|byte| ALPHABET.contains(&byte)));
    }

    #[test]
    fn only_enough_randomness_makes_a_key_unique() {
        let is_unique = |text| Template::directory(text).unwrap().is_unique();
        assert!(is_unique("a/{uuid}/"));
        assert!(is_unique("a/{random:16}/"));
        assert!(!is_unique("a/{random:15}/"));
        assert!(!is_unique("a/{yyyy}/{mm}/{dd}/"));
    }

    #[test]
    fn a_template_that_could_admit_more_than_it_says_is_refused() {
        let refused = |text: &str| Template::directory(text).unwrap_err();
        assert_eq!(refused("photos"), TemplateError::NoTrailingSlash);
        assert_eq!(refused(""), TemplateError::NoTrailingSlash);
        for text in ["/", "/a/", "a//b/", "a/../b/", "./", "a/..{sub}/../"] {
            assert_eq!(refused(text), TemplateError::BadSegment, "{text}");
        }
        for (text, character) in
            [("${filename}/", '$'), ("a*/", '*'), ("a\n/", '\n'), ("a\\b/", '\\')]
        {
            assert_eq!(refused(text), TemplateError::BadCharacter(character));
        }
        assert_eq!(refused(&format!("{}/", "a".repeat(512))), TemplateError::TooLong);
        assert_eq!(refused("a/{name}/"), TemplateError::FileInDirectory);
    }

    #[test]
    fn a_key_that_could_be_none_or_somebody_elses_is_refused() {
        let refused = |text: &str| Template::key(text).unwrap_err();
        assert_eq!(refused("a/"), TemplateError::TrailingSlash);
        for text in ["", "/a", "a//b", "..", "{ext}", "a/.{ext}", "a/..{ext}", "a/{ext}/b"] {
            assert_eq!(refused(text), TemplateError::BadSegment, "{text}");
        }
        for text in ["{sub}-{name}", "{sub}{claim:team}/a", "a/{claim:x}.{ext}"] {
            assert_eq!(refused(text), TemplateError::CallerNotAlone, "{text}");
        }
        assert_eq!(refused("{random:20}/{random:6}"), TemplateError::TooMuchRandomness);
        assert_eq!(refused(&"{name}/".repeat(6)[..41]), TemplateError::TooLong);
    }

    #[test]
    fn a_value_speaks_of_the_caller_and_the_moment() {
        let context = RenderContext { attributes: attributes("alice"), ..anonymous() };
        let value = |text: &str| Template::value(text).unwrap().render(&context, "").unwrap();
        assert_eq!(value("/{sub}/{claim:team}-{sub}//{yyyy}"), "/alice/red-alice//2024");
        assert_eq!(value("a b/../照片?*\"\\"), "a b/../照片?*\"\\");
        let refused = |text: &str| Template::value(text).unwrap_err();
        assert_eq!(refused(""), TemplateError::Empty);
        assert_eq!(refused("${object}"), TemplateError::BadCharacter('$'));
        assert_eq!(refused("a\nb"), TemplateError::BadCharacter('\n'));
        for text in ["{name}", "{stem}", "a.{ext}"] {
            assert_eq!(refused(text), TemplateError::FileInValue, "{text}");
        }
        assert_eq!(refused(&"{sub}".repeat(8)), TemplateError::TooLong);
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        let refused = |text: &str| Template::directory(text).unwrap_err();
        assert_eq!(refused("a/{user}/"), TemplateError::UnknownPlaceholder("user".into()));
        assert_eq!(refused("a/{uuid/"), TemplateError::UnknownPlaceholder("uuid/".into()));
        assert_eq!(refused("a/uuid}/"), TemplateError::UnknownPlaceholder("}".into()));
        for name in ["random", "random:3", "random:26", "random:x", "claim:", "claim"] {
            let unknown = TemplateError::UnknownPlaceholder(name.into());
            assert_eq!(refused(&format!("{{{name}}}/")), unknown);
        }
    }

    #[test]
    fn a_callers_facts_stand_in_the_key_as_they_are_or_not_at_all() {
        assert_eq!(
            of("u/{sub}/{claim:team}/{name}", "alice@b.c").unwrap(),
            "u/alice@b.c/red/a.png"
        );
        assert_eq!(of("u/{sub}/x", "用户 1").unwrap(), "u/用户 1/x");
        for bad in
            ["", ".", "..", "a/b", "a\\b", "*", "a?", "${filename}", "a\n", "a\u{202e}b", "a\"b"]
        {
            let unusable = PolicyError::CallerUnusable { placeholder: "sub".into() };
            assert_eq!(of("u/{sub}/x", bad), Err(unusable), "{bad:?}");
        }
        assert!(of("u/{sub}/x", &"a".repeat(129)).is_err());
        let unknown = |placeholder: &str| {
            Err(PolicyError::CallerUnknown { placeholder: placeholder.to_owned() })
        };
        let template = Template::directory("u/{sub}/").unwrap();
        assert_eq!(template.render_directory(&anonymous()), unknown("sub"));
        assert_eq!(of("u/{claim:other}/x", "a"), unknown("claim:other"));
    }

    #[test]
    fn a_file_without_a_name_has_a_directory_only_where_the_name_is_all_that_is_open() {
        for text in ["a/{name}", "a/{uuid}/b/{name}"] {
            assert!(Template::key(text).unwrap().render_directory(&anonymous()).is_ok(), "{text}");
        }
        for text in
            ["a/{stem}.{ext}", "a/{random:16}-{name}", "{stem}/{name}", "{name}", "x{name}", "a/b"]
        {
            let refused = Template::key(text).unwrap().render_directory(&anonymous());
            assert_eq!(refused, Err(PolicyError::NameRequired), "{text}");
        }
    }

    #[test]
    fn the_prefix_is_what_all_keys_of_a_caller_begin_with() {
        for (text, known, unknown) in [
            ("users/{sub}/{yyyy}/{uuid}/", "users/alice/", "users/"),
            ("{claim:team}/{sub}/", "red/alice/", ""),
            ("users/{sub}-{uuid}/", "users/", "users/"),
            ("a/b/", "a/b/", "a/b/"),
            ("{yyyy}/", "", ""),
        ] {
            let template = Template::directory(text).unwrap();
            assert_eq!(template.prefix(&attributes("alice")), known, "{text}");
            assert_eq!(template.prefix(&CallerAttributes::NONE), unknown, "{text}");
            assert_eq!(
                template.prefix(&CallerAttributes { subject: Some("*"), ..CallerAttributes::NONE }),
                unknown
            );
        }
        assert_eq!(Template::key("a/{sub}/x-{name}").unwrap().prefix(&attributes("b")), "a/b/");
    }

    #[test]
    fn nobody_learns_from_a_debug_text_who_asked() {
        assert_eq!(format!("{:?}", attributes("marker")), "CallerAttributes { .. }");
    }
}
