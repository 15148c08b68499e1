//! The policy: no input causes a panic, a parsed policy can be formatted and parsed again, and a form
//! that passes meets every condition.
//!
//! Input: one byte of relaxations, the document, and then fields as `name=value`, each after a zero.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_emulator::oss::{Relaxation, Strictness, UploadForm};

const BUCKET: &str = "examplebucket";

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let Some((flags, rest)) = input.split_first() else {
        return;
    };
    let mut strictness = Strictness::default();
    for (bit, relaxation) in
        [Relaxation::AnyExpiration, Relaxation::ContentTypeField, Relaxation::UncoveredToken]
            .into_iter()
            .enumerate()
    {
        if flags & (1 << bit) != 0 {
            strictness.relaxed.insert(relaxation);
        }
    }
    let mut items = rest.split(|byte| *byte == 0);
    let document = items.next().unwrap_or_default();
    if let Ok(text) = std::str::from_utf8(document) {
        // The text may be base64 by chance.
        let _ = PostPolicy::decode(text, &strictness);
    }
    let read = PostPolicy::parse(document, &strictness).map_err(|refusal| refusal.kind());
    let decoded = PostPolicy::decode(&STANDARD.encode(document), &strictness);
    assert_eq!(decoded.map_err(|refusal| refusal.kind()), read);
    let Ok(policy) = read else {
        return;
    };
    check_policy(&policy, &strictness);
    check_form(&policy, &form(items, &strictness), &strictness);
}

/// Checks the properties of every policy.
fn check_policy(policy: &PostPolicy, strictness: &Strictness) {
    assert!(!policy.conditions().is_empty());
    assert!(policy.check_expiry(policy.expires_at()).is_ok());
    assert!(policy.check_expiry(policy.expires_at() + 1).is_err());
    let printed: Vec<String> = policy.conditions().iter().map(ToString::to_string).collect();
    // Parsing removes a backslash before a dollar sign, so the formatted policy has none.
    if printed.iter().any(|one| one.contains("\\$")) {
        return;
    }
    let again = format!(
        r#"{{"conditions":[{}],"expiration":"2024-11-27T07:09:41.000Z"}}"#,
        printed.join(",")
    );
    let again = PostPolicy::parse(again.as_bytes(), strictness).unwrap();
    assert_eq!(again.conditions(), policy.conditions());
    assert_eq!(again.sizes(), policy.sizes());
}

/// Builds a form of `name=value` items; some names set the properties of the file part.
fn form<'a>(items: impl Iterator<Item = &'a [u8]>, strictness: &Strictness) -> UploadForm {
    let mut form = UploadForm::new(strictness);
    for item in items.filter_map(|item| std::str::from_utf8(item).ok()) {
        match item.split_once('=') {
            Some(("(file)", value)) => {
                form.set_file(Some("name".to_owned()), Some(value.to_owned()));
            }
            // A second field of the same name is refused, which is not tested here.
            Some((name, value)) => drop(form.push(name, value, strictness)),
            None => {}
        }
    }
    form
}

/// Checks that a form which passes meets each condition.
fn check_form(policy: &PostPolicy, form: &UploadForm, strictness: &Strictness) {
    let expired = policy.evaluate(form, BUCKET, i64::MAX, strictness);
    assert!(expired.is_err());
    let _ = policy.check_cover(form, strictness);
    if policy.evaluate(form, BUCKET, i64::MIN, strictness).is_err() {
        return;
    }
    for condition in policy.conditions() {
        let Some(field) = condition.field() else {
            continue;
        };
        if field.eq_ignore_ascii_case("bucket") {
            assert!(condition.holds(BUCKET));
        } else if field.eq_ignore_ascii_case("content-type") {
            let values = [form.find(field), form.file_type()];
            assert!(values.into_iter().flatten().any(|value| condition.holds(value)));
        } else {
            let value = form.find(field).unwrap();
            assert!(condition.holds(value));
            if let PolicyCondition::Equal(_, wanted) = condition {
                assert_eq!(value, wanted);
            }
        }
    }
}
