//! The table of OSS errors: it has every error with an EC, in both languages, and the documents show it
//! unchanged.

use std::collections::BTreeSet;
use std::fs;

use oss_emulator::oss::OssErrorKind;
use oss_upload::language::Language;
use oss_upload::oss_errors;
use oss_upload::oss_errors::MARKERS;

use crate::support::PROJECT;

#[test]
fn every_error_with_an_ec_has_an_entry_of_its_code() {
    for kind in OssErrorKind::ALL {
        let refusal = kind.because("");
        let Some(ec) = refusal.ec() else { continue };
        let entry =
            oss_errors::find(Some(ec), "", None).unwrap_or_else(|| panic!("no entry for {ec}"));
        assert_eq!(entry.code, refusal.code(), "{ec}");
    }
}

#[test]
fn both_languages_have_cause_and_remedy_and_no_ec_occurs_twice() {
    let mut seen = BTreeSet::new();
    for entry in oss_errors::table() {
        let message = entry.message.clone();
        assert!(seen.insert((entry.ec.clone(), entry.code.clone(), message)), "{entry:?} twice");
        let number = (entry.ec.clone(), String::new(), None);
        assert!(entry.ec.is_none() || seen.insert(number), "{entry:?}");
        assert!(entry.ec.is_none() || entry.message.is_none(), "{entry:?}");
        for said in [&entry.cause, &entry.remedy] {
            let (english, chinese) =
                (said.in_language(Language::En), said.in_language(Language::Zh));
            assert!(english.is_ascii() || english.contains('…'), "{english}");
            assert!(english.ends_with('.') && chinese.ends_with('。'), "{entry:?}");
            assert!(chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{chinese}");
        }
    }
    assert!(seen.len() > 100);
}

#[test]
fn an_unknown_ec_is_explained_by_its_code() {
    let code = |ec, code| oss_errors::find(ec, code, None).map(|entry| (entry.ec, entry.code));
    let access_denied = Some((None, "AccessDenied".to_owned()));
    assert_eq!(code(Some("0000-00000000"), "AccessDenied"), access_denied);
    assert_eq!(code(None, "AccessDenied"), access_denied);
    assert_eq!(code(None, "EntityTooLarge").unwrap().0.as_deref(), Some("0006-00000003"));
    assert_eq!(code(None, "NoSuchThing"), None);
}

/// `oss-upload explain --list` prints the table between the markers.
#[test]
fn the_documents_show_the_table_as_it_is() {
    for (document, language) in
        [("docs/oss-errors.md", Language::En), ("docs/zh/oss-errors.md", Language::Zh)]
    {
        let path = format!("{PROJECT}/{document}");
        let text = fs::read_to_string(path).unwrap_or_default();
        let [start, end] = MARKERS;
        let Some((_, rest)) = text.split_once(start) else { continue };
        let (shown, _) = rest.split_once(end).unwrap_or_else(|| panic!("{document} lacks {end}"));
        assert_eq!(
            shown.trim(),
            oss_errors::markdown(language).trim(),
            "{document}: the table is not the one that `oss-upload explain --list` prints"
        );
    }
}

#[test]
fn messages_of_one_code_have_entries_of_their_own() {
    let message = |code, message| oss_errors::find(None, code, Some(message)).unwrap().message;
    let endpoint = "The bucket must be addressed using the Specified Endpoint.";
    assert_eq!(message("AccessDenied", endpoint).as_deref(), Some("specified endpoint"));
    assert_eq!(message("AccessDenied", "no"), None);
    assert_eq!(message("InvalidArgument", endpoint), None);
    let callback = oss_errors::find(None, "CallbackFailed", Some("Error status : -1.")).unwrap();
    assert!(callback.cause.in_language(Language::En).contains("SNI"));
}
