//! Templates: what they become, and which are refused.

use super::*;

fn now() -> Timestamp {
    Timestamp::from_unix(1_732_687_781).unwrap()
}

fn anonymous() -> RenderContext<'static> {
    RenderContext::anonymous(now(), &[0xab; 16])
}

fn attributes(subject: &str) -> CallerAttributes<'_> {
    CallerAttributes { subject: Some(subject), claim: &|name| (name == "team").then_some("red") }
}

fn key(template: &str, name: &str) -> String {
    Template::key(template).unwrap().render(&anonymous(), name).unwrap()
}

fn of(template: &str, subject: &str) -> Result<String, PolicyError> {
    let context = RenderContext { attributes: attributes(subject), ..anonymous() };
    Template::key(template).unwrap().render(&context, "a.png")
}

#[test]
fn placeholders_are_replaced_by_the_time_and_the_random_bytes() {
    let rendered =
        |template| Template::directory(template).unwrap().render_directory(&anonymous()).unwrap();
    assert_eq!(
        rendered("up/{yyyy}/{mm}/{dd}/{uuid}/"),
        "up/2024/11/27/abababab-abab-4bab-abab-abababababab/"
    );
    assert_eq!(rendered("照片/{yyyy}{mm}{dd}/"), "照片/20241127/");
    assert_eq!(rendered("plain/"), "plain/");
    assert_eq!(rendered("r/{random:4}/"), "r/bxaq/");
}

#[test]
fn a_key_may_contain_the_file_name() {
    assert_eq!(key("a/{name}", "照片.JPG"), "a/照片.JPG");
    assert_eq!(key("a/{stem}-{yyyy}.{ext}", "照片.JPG"), "a/照片-2024.jpg");
    assert_eq!(key("a/{random:5}.{ext}", "readme"), "a/bxaqt", "the dot goes with the extension");
    assert_eq!(key("{ext}x/{stem}{ext}", "a.b.PNG"), "pngx/a.bpng");
    assert_eq!(key("fixed", "a.png"), "fixed");
}

#[test]
fn all_random_characters_are_different_bits() {
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
fn a_key_with_enough_randomness_is_unique() {
    let is_unique = |text| Template::directory(text).unwrap().is_unique();
    assert!(is_unique("a/{uuid}/"));
    assert!(is_unique("a/{random:16}/"));
    assert!(!is_unique("a/{random:15}/"));
    assert!(!is_unique("a/{yyyy}/{mm}/{dd}/"));
}

#[test]
fn a_directory_that_allows_more_than_it_says_is_refused() {
    let error = |text: &str| Template::directory(text).unwrap_err();
    assert_eq!(error("photos"), TemplateError::NoTrailingSlash);
    assert_eq!(error(""), TemplateError::NoTrailingSlash);
    for text in ["/", "/a/", "a//b/", "a/../b/", "./", "a/..{sub}/../"] {
        assert_eq!(error(text), TemplateError::BadSegment, "{text}");
    }
    for (text, character) in [("${filename}/", '$'), ("a*/", '*'), ("a\n/", '\n'), ("a\\b/", '\\')]
    {
        assert_eq!(error(text), TemplateError::BadCharacter(character));
    }
    assert_eq!(error(&format!("{}/", "a".repeat(512))), TemplateError::TooLong);
    assert_eq!(error("a/{name}/"), TemplateError::FileInDirectory);
}

#[test]
fn a_key_that_may_be_invalid_or_shared_is_refused() {
    let error = |text: &str| Template::key(text).unwrap_err();
    assert_eq!(error("a/"), TemplateError::TrailingSlash);
    for text in ["", "/a", "a//b", "..", "{ext}", "a/.{ext}", "a/..{ext}", "a/{ext}/b"] {
        assert_eq!(error(text), TemplateError::BadSegment, "{text}");
    }
    for text in ["{sub}-{name}", "{sub}{claim:team}/a", "a/{claim:x}.{ext}"] {
        assert_eq!(error(text), TemplateError::CallerNotAlone, "{text}");
    }
    assert_eq!(error("{random:20}/{random:6}"), TemplateError::TooMuchRandomness);
    assert_eq!(error(&"{name}/".repeat(6)[..41]), TemplateError::TooLong);
}

#[test]
fn a_value_may_contain_attributes_of_the_caller_and_the_date() {
    let context = RenderContext { attributes: attributes("alice"), ..anonymous() };
    let value = |text: &str| Template::value(text).unwrap().render(&context, "").unwrap();
    assert_eq!(value("/{sub}/{claim:team}-{sub}//{yyyy}"), "/alice/red-alice//2024");
    assert_eq!(value("a b/../照片?*\"\\"), "a b/../照片?*\"\\");
    let error = |text: &str| Template::value(text).unwrap_err();
    assert_eq!(error(""), TemplateError::Empty);
    assert_eq!(error("${object}"), TemplateError::BadCharacter('$'));
    assert_eq!(error("a\nb"), TemplateError::BadCharacter('\n'));
    for text in ["{name}", "{stem}", "a.{ext}"] {
        assert_eq!(error(text), TemplateError::FileInValue, "{text}");
    }
    assert_eq!(error(&"{sub}".repeat(8)), TemplateError::TooLong);
}

#[test]
fn an_unknown_placeholder_is_an_error_with_its_name() {
    let error = |text: &str| Template::directory(text).unwrap_err();
    assert_eq!(error("a/{user}/"), TemplateError::UnknownPlaceholder("user".into()));
    assert_eq!(error("a/{uuid/"), TemplateError::UnknownPlaceholder("uuid/".into()));
    assert_eq!(error("a/uuid}/"), TemplateError::UnknownPlaceholder("}".into()));
    for name in ["random", "random:3", "random:26", "random:x", "claim:", "claim"] {
        let unknown = TemplateError::UnknownPlaceholder(name.into());
        assert_eq!(error(&format!("{{{name}}}/")), unknown);
    }
}

#[test]
fn attributes_of_a_caller_are_unchanged_or_refused() {
    assert_eq!(of("u/{sub}/{claim:team}/{name}", "alice@b.c").unwrap(), "u/alice@b.c/red/a.png");
    assert_eq!(of("u/{sub}/x", "用户 1").unwrap(), "u/用户 1/x");
    for bad in ["", ".", "..", "a/b", "a\\b", "*", "a?", "${filename}", "a\n", "a\u{202e}b", "a\"b"]
    {
        let unusable = PolicyError::CallerUnusable { placeholder: "sub".into() };
        assert_eq!(of("u/{sub}/x", bad), Err(unusable), "{bad:?}");
    }
    assert!(of("u/{sub}/x", &"a".repeat(129)).is_err());
    let unknown =
        |placeholder: &str| Err(PolicyError::CallerUnknown { placeholder: placeholder.to_owned() });
    let template = Template::directory("u/{sub}/").unwrap();
    assert_eq!(template.render_directory(&anonymous()), unknown("sub"));
    assert_eq!(of("u/{claim:other}/x", "a"), unknown("claim:other"));
}

#[test]
fn a_form_without_a_file_name_needs_a_template_that_ends_in_the_name() {
    for text in ["a/{name}", "a/{uuid}/b/{name}"] {
        assert!(Template::key(text).unwrap().render_directory(&anonymous()).is_ok(), "{text}");
    }
    for text in
        ["a/{stem}.{ext}", "a/{random:16}-{name}", "{stem}/{name}", "{name}", "x{name}", "a/b"]
    {
        let error = Template::key(text).unwrap().render_directory(&anonymous());
        assert_eq!(error, Err(PolicyError::NameRequired), "{text}");
    }
}

#[test]
fn the_prefix_is_the_directory_of_all_keys_of_a_caller() {
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
fn debug_output_does_not_show_attributes() {
    assert_eq!(format!("{:?}", attributes("marker")), "CallerAttributes { .. }");
}
