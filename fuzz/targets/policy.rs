//! The policy: reading it never panics, what was read can be printed and read again, and a form
//! that passes meets every condition.
//!
//! Input: one byte of leniency, the document, and then fields as `name=value`, each after a zero.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oss_emulator::oss::Form;
use oss_emulator::oss::Judgement;
use oss_emulator::oss::Leniency;
use oss_emulator::oss::policy::Condition;
use oss_emulator::oss::policy::Policy;

const BUCKET: &str = "examplebucket";

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let Some((flags, rest)) = input.split_first() else {
        return;
    };
    let mut judgement = Judgement::default();
    for (bit, leniency) in
        [Leniency::AnyExpiration, Leniency::ContentTypeField, Leniency::UncoveredToken]
            .into_iter()
            .enumerate()
    {
        if flags & (1 << bit) != 0 {
            judgement.lenient.insert(leniency);
        }
    }
    let mut items = rest.split(|byte| *byte == 0);
    let document = items.next().unwrap_or_default();
    if let Ok(text) = std::str::from_utf8(document) {
        // As it is, it may be base64 by chance.
        let _ = Policy::decode(text, &judgement);
    }
    let read = Policy::parse(document, &judgement).map_err(|refusal| refusal.kind());
    let decoded = Policy::decode(&STANDARD.encode(document), &judgement);
    assert_eq!(decoded.map_err(|refusal| refusal.kind()), read);
    let Ok(policy) = read else {
        return;
    };
    check_policy(&policy, &judgement);
    check_form(&policy, &form(items, &judgement), &judgement);
}

/// Checks what holds of every policy.
fn check_policy(policy: &Policy, judgement: &Judgement) {
    assert!(!policy.conditions().is_empty());
    assert!(policy.check_expiry(policy.expires_at()).is_ok());
    assert!(policy.check_expiry(policy.expires_at() + 1).is_err());
    let printed: Vec<String> = policy.conditions().iter().map(ToString::to_string).collect();
    // A backslash before a dollar sign is taken away on every reading, so it does not come back.
    if printed.iter().any(|one| one.contains("\\$")) {
        return;
    }
    let again = format!(
        r#"{{"conditions":[{}],"expiration":"2024-11-27T07:09:41.000Z"}}"#,
        printed.join(",")
    );
    let again = Policy::parse(again.as_bytes(), judgement).unwrap();
    assert_eq!(again.conditions(), policy.conditions());
    assert_eq!(again.sizes(), policy.sizes());
}

/// Makes a form of `name=value` items; the names that are not fields say what the file says.
fn form<'a>(items: impl Iterator<Item = &'a [u8]>, judgement: &Judgement) -> Form {
    let mut form = Form::new(judgement);
    for item in items.filter_map(|item| std::str::from_utf8(item).ok()) {
        match item.split_once('=') {
            Some(("(file)", value)) => {
                form.set_file(Some("name".to_owned()), Some(value.to_owned()));
            }
            // A second one of the same name is refused, and that is another's business.
            Some((name, value)) => drop(form.push(name, value, judgement)),
            None => {}
        }
    }
    form
}

/// Checks that a form which passes meets each condition.
fn check_form(policy: &Policy, form: &Form, judgement: &Judgement) {
    let expired = policy.evaluate(form, BUCKET, i64::MAX, judgement);
    assert!(expired.is_err());
    let _ = policy.check_cover(form, judgement);
    if policy.evaluate(form, BUCKET, i64::MIN, judgement).is_err() {
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
            if let Condition::Equal(_, wanted) = condition {
                assert_eq!(value, wanted);
            }
        }
    }
}
