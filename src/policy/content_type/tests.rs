//! Content types: their canonical form, the type and the extension of a file, and the conditions.

use super::*;

fn patterns(texts: &[&str]) -> Vec<TypePattern> {
    texts.iter().map(|text| TypePattern::parse(text).unwrap()).collect()
}

#[test]
fn a_type_has_one_canonical_form() {
    for (text, canonical) in [
        ("image/png", "image/png"),
        (" IMAGE/Png\t", "image/png"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("image/svg+XML", "image/svg+xml"),
        ("text/plain;charset=utf-8", "text/plain; charset=utf-8"),
        ("Text/Plain ;\tCharSet=\"UTF-8\"", "text/plain; charset=utf-8"),
        ("text/plain;", "text/plain"),
        ("text/plain; ;;charset=utf-8 ;", "text/plain; charset=utf-8"),
        ("video/mp4; Codecs=avc1.42E01E", "video/mp4; codecs=avc1.42E01E"),
        ("a/b;codecs=C;boundary=B;charset=A", "a/b; boundary=B; charset=a; codecs=C"),
    ] {
        let parsed = ContentType::parse(text).unwrap();
        assert_eq!(parsed.as_str(), canonical, "{text}");
        assert_eq!(ContentType::parse(canonical), Some(parsed), "{text}");
    }
}

#[test]
fn a_text_that_browsers_may_read_as_another_type_is_refused() {
    for bad in [
        "",
        "image",
        "image/",
        "/png",
        "image/*",
        "a b/c",
        "image/p ng",
        "image/png\r\nx: y",
        "image/png\u{0}",
        "图/片",
        "a/b/c",
        "\u{a0}image/png",
        // A browser takes the last type of a list.
        "image/png,text/html",
        "image/png, text/html",
        "image/,text/html",
        "image/png;,text/html",
        "image/png;,text/html;",
        "image/png; ,text/html",
        "image/png; a=b, image/svg+xml",
        "image/png; charset=utf-8, text/html",
        "image/png; charset=utf-8,text/html",
        "image/png; charset=,text/html",
        "image/png; codecs=\"a,text/html\"",
        "image/png; codecs=\"a\\\",text/html\"",
        "image/png; codecs=\"a, text/html",
        "video/webm;codecs=vp8,opus",
        "image/png,",
        ",image/png",
        "image/png;,*/*",
        // Parameters that are not allowed, that occur twice, or that are malformed.
        "image/png; x=text/html",
        "image/png; profile=a",
        "text/html;image/png",
        "image/png; text/html",
        "image/png; charset",
        "image/png; charset=",
        "image/png; charset=\"\"",
        "image/png; charset=\"",
        "image/png; charset=\"a",
        "image/png; charset=a\"",
        "image/png; charset=\"a\"b",
        "image/png; charset=a b",
        "image/png; charset =a",
        "image/png; charset= a",
        "image/png; charset=\"a;charset=b\"",
        "image/png; charset=a; Charset=a",
        "image/png; charset=a/b",
        "image/png; charset=é",
        "image/png; charset*=utf-8''a",
    ] {
        assert_eq!(ContentType::parse(bad), None, "{bad:?}");
    }
    assert!(ContentType::parse(&format!("a/{}", "b".repeat(253))).is_some());
    assert_eq!(ContentType::parse(&format!("a/{}", "b".repeat(254))), None);
}

proptest::proptest! {
    #[test]
    fn an_accepted_type_is_one_type_for_a_browser_too(
        text in "[a-z*]{0,4}[/,;= \"a-z\\\\]{0,12}(; ?(charset|codecs|x)=[a-z,;\"\\\\/ ]{0,8}){0,2}"
    ) {
        if let Some(parsed) = ContentType::parse(&text) {
            assert!(!parsed.as_str().contains([',', '"', '\\']), "{text:?}");
            assert!(text.trim().starts_with(parsed.essence()), "{text:?}");
            assert_eq!(ContentType::parse(parsed.as_str()), Some(parsed), "{text:?}");
        }
    }

    #[test]
    fn parsing_never_panics(text in "(?s).{0,64}") {
        let _ = ContentType::parse(&text);
    }
}

#[test]
fn parameters_and_case_do_not_change_whether_a_type_is_allowed() {
    let allowed = patterns(&["text/plain", "image/*"]);
    let check = |text| is_allowed(&allowed, &ContentType::parse(text).unwrap());
    assert!(check("text/plain;charset=utf-8"));
    assert!(check("Image/PNG"));
    assert!(!check("text/html"));
    assert!(!check("text/plainer"));
    assert!(!check("imagery/png"));
    assert!(!check("text/html;charset=image"));
    assert!(is_allowed(&[], &ContentType::parse("text/html").unwrap()));
}

#[test]
fn the_condition_allows_both_forms_of_writing_parameters() {
    let parsed = |text| ContentType::parse(text).unwrap();
    assert_eq!(parsed("IMAGE/PNG").as_condition(), Condition::Equal("content-type", "image/png"));
    assert_eq!(
        parsed("text/plain;charset=UTF-8").as_condition(),
        Condition::In(
            "content-type",
            vec!["text/plain; charset=utf-8", "text/plain;charset=utf-8"]
        )
    );
}

#[test]
fn a_list_becomes_one_condition_or_none() {
    assert_eq!(as_conditions(&[]), Some(vec![]));
    assert_eq!(
        as_conditions(&patterns(&["image/*"])),
        Some(vec![Condition::StartsWith("content-type", "image/")])
    );
    assert_eq!(
        as_conditions(&patterns(&["image/png", "Image/JPEG"])),
        Some(vec![Condition::In(
            "content-type",
            vec!["image/png", "image/jpeg", "image/jpg", "image/pjpeg"]
        )])
    );
    assert_eq!(as_conditions(&patterns(&["image/*", "text/plain"])), None);
}

#[test]
fn the_tables_are_sorted_and_every_canonical_name_is_final() {
    assert!(ALIASES.is_sorted_by_key(|(alias, _)| alias));
    for (alias, name) in ALIASES {
        assert_eq!(canonical_name(name), None, "{alias}");
        assert_eq!(ContentType::parse(name).unwrap().as_str(), name);
        assert_eq!(ContentType::parse(alias).unwrap().as_str(), name);
    }
    for (content_type, extension) in USUAL_EXTENSIONS {
        let guessed = of_file(None, Some(&format!("a.{extension}"))).unwrap();
        assert_eq!(guessed.as_str(), content_type);
    }
}

#[test]
fn a_named_type_counts_and_otherwise_that_of_the_extension() {
    let named = |text: &str| ContentType::parse(text).unwrap();
    for (content_type, name, expected) in [
        ("image/png", "a.jpg", "image/png"),
        ("IMAGE/JPG", "a", "image/jpeg"),
        ("image/pjpeg; charset=a", "", "image/jpeg; charset=a"),
        ("application/x-zip-compressed", "a.zip", "application/zip"),
        ("application/vnd.ms-excel", "a.CSV", "text/csv"),
        ("application/vnd.ms-excel", "a.xls", "application/vnd.ms-excel"),
        ("application/vnd.ms-excel", "csv", "application/vnd.ms-excel"),
        ("application/wps-office.xlsx", "a.xlsx", XLSX),
        ("application/octet-stream", "a.png", "application/octet-stream"),
    ] {
        let decided = of_file(Some(&named(content_type)), Some(name)).unwrap();
        assert_eq!(decided.as_str(), expected, "{content_type} {name}");
    }
    for (name, expected) in [
        ("IMG_0001.HEIC", Some("image/heic")),
        ("a.heif", Some("image/heif")),
        ("a.mov", Some("video/quicktime")),
        ("a.mkv", Some("video/x-matroska")),
        ("a.csv", Some("text/csv")),
        ("a.docx", Some(DOCX)),
        ("a.xlsx", Some(XLSX)),
        ("a.pptx", Some(PPTX)),
        ("a.tar.gz", Some("application/gzip")),
        ("wx.tmp.JPG", Some("image/jpeg")),
        ("a.m4a", Some("audio/mp4")),
        ("a.m4v", Some("video/mp4")),
        ("a.silk", Some("audio/silk")),
        ("a.ts", Some("video/mp2t")),
        ("a.html", Some("text/html")),
        ("a.svg", Some("image/svg+xml")),
        ("a.unheard-of", None),
        ("png", None),
        (".png", None),
        ("a.", None),
        ("", None),
    ] {
        let decided = of_file(None, Some(name));
        assert_eq!(decided.as_ref().map(ContentType::as_str), expected, "{name}");
    }
    assert_eq!(of_file(None, None), None);
}

#[test]
fn every_type_of_an_extension_is_a_content_type() {
    for extension in [
        "aac", "amr", "apk", "avi", "avif", "bmp", "doc", "flac", "gif", "ico", "jfif", "jpeg",
        "json", "md", "mp3", "mp4", "mpg", "ogg", "opus", "pdf", "ppt", "psd", "rar", "rtf", "tif",
        "txt", "wav", "webm", "webp", "wmv", "xls", "xml", "zip", "7z",
    ] {
        assert!(of_file(None, Some(&format!("a.{extension}"))).is_some(), "{extension}");
    }
}

#[test]
fn a_type_has_the_extension_that_the_route_allows_or_the_usual_one() {
    let of = |text: &str, allowed: &[&str]| {
        let allowed: Vec<_> = allowed.iter().map(|one| (*one).to_owned()).collect();
        extension(&ContentType::parse(text).unwrap(), &allowed).map(str::to_owned)
    };
    for (content_type, expected) in [
        ("image/png", "png"),
        ("image/jpg", "jpg"),
        ("image/webp", "webp"),
        ("image/heic", "heic"),
        ("text/plain; charset=utf-8", "txt"),
        ("text/csv", "csv"),
        ("video/mp4", "mp4"),
        ("video/quicktime", "mov"),
        ("audio/mpeg", "mp3"),
        ("application/pdf", "pdf"),
        ("application/zip", "zip"),
        (DOCX, "docx"),
    ] {
        assert_eq!(of(content_type, &[]).as_deref(), Some(expected), "{content_type}");
    }
    assert_eq!(of("image/jpeg", &["png", "jpeg", "jpg"]).as_deref(), Some("jpeg"));
    assert_eq!(of("image/jpeg", &["png"]).as_deref(), Some("jpg"));
    assert_eq!(of("audio/x-m4a", &["m4a"]).as_deref(), Some("m4a"));
    assert_eq!(of("application/octet-stream", &["bin"]).as_deref(), Some("bin"));
    for none in ["application/octet-stream", "a/b"] {
        assert_eq!(of(none, &["png"]), None, "{none}");
    }
}

#[test]
fn a_route_that_names_one_name_of_a_type_allows_the_others() {
    let allows = |pattern: &str, text: &str| {
        is_allowed(&patterns(&[pattern]), &ContentType::parse(text).unwrap())
    };
    for (pattern, text) in [
        ("image/jpeg", "image/jpg"),
        ("image/jpg", "image/jpeg"),
        ("image/pjpeg", "image/jpg"),
        ("application/zip", "application/x-zip-compressed"),
        ("application/x-zip-compressed", "application/zip"),
        ("video/*", "video/x-m4v"),
    ] {
        assert!(allows(pattern, text), "{pattern} {text}");
    }
    assert!(!allows("image/png", "image/jpg") && !allows("text/csv", EXCEL));
}

#[test]
fn the_condition_allows_the_alias_that_a_browser_writes() {
    let condition = |parsed: &ContentType| serde_json::to_string(&parsed.as_condition()).unwrap();
    assert_eq!(
        condition(&ContentType::parse("image/jpg;charset=a").unwrap()),
        r#"["in","$content-type",["image/jpeg; charset=a","image/jpeg;charset=a","image/jpg; charset=a","image/jpg;charset=a"]]"#
    );
    let excel = ContentType::parse(EXCEL).unwrap();
    assert_eq!(
        condition(&of_file(Some(&excel), Some("a.csv")).unwrap()),
        r#"["in","$content-type",["text/csv","application/vnd.ms-excel"]]"#
    );
    assert_eq!(
        as_conditions(&patterns(&["application/x-zip"])),
        Some(vec![Condition::In(
            "content-type",
            vec!["application/zip", "application/x-zip", "application/x-zip-compressed"]
        )])
    );
}
