//! Whether a form would be taken: which condition fails first, and what to change.
//!
//! With the keys that signed it the whole form is judged; without them everything but the
//! signature.

use crate::explain::form::Captured;
use crate::explain::{View, callback, media_type, permission, refusal};
use crate::language::Language;
use crate::signing_context;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_emulator::oss::{
    AccessKey, LocalBucket, OssError, OssErrorKind, Strictness, UploadForm, Validator,
};

/// Explains a form: its policy, the verdict, what came back, and what was not looked at.
pub(super) fn explain(captured: &Captured, view: &View) -> Vec<String> {
    let language = view.language;
    let strictness = Strictness::default();
    let policy = match captured.field("policy").map(|text| PostPolicy::decode(text, &strictness)) {
        Some(Ok(policy)) => policy,
        Some(Err(refused)) => return refusal::from_judge(&refused, language),
        None => {
            let reason = "the form has no policy before the file";
            return refusal::from_judge(&OssErrorKind::PolicyMissing.because(reason), language);
        }
    };
    let (key, note) = key(captured, language);
    let case = Case { captured, view, policy: &policy, strictness: &strictness };
    let mut said = permission::explain(&policy, view);
    if !policy.conditions().iter().any(permission::is_callback) {
        // What the policy does not name is the sender's, and stands only here.
        let sent = captured.field(callback::FIELD).unwrap_or_default();
        said.extend(callback::explain(sent, language));
    }
    said.push(String::new());
    let met = language.choose("The form meets its policy.", "表单满足 policy。");
    match case.judge(key) {
        Ok(()) => said.push(met.to_owned()),
        Err(refused) => said.extend(case.say(&refused)),
    }
    said.push(note);
    said.extend(media_type::of_form(captured, language));
    if let Some(answer) = &captured.refusal {
        said.push(String::new());
        let heard = language.choose("The captured answer:", "捕获的返回：").to_owned();
        said.push(heard);
        said.extend(refusal::explain(answer, view));
    }
    said
}

/// Gives the key that signed the form, if it is in the environment, and says what that means.
fn key(captured: &Captured, language: Language) -> (Option<AccessKey>, String) {
    let signed_by = captured.field("x-oss-credential").and_then(|text| text.split('/').next());
    let signed_by = signed_by.or_else(|| captured.field("OSSAccessKeyId"));
    let Some(keys) = signing_context::environment_credentials() else {
        let note = language.choose(
            "The signature was not checked: the key that signed is not in the environment.",
            "未检查签名：环境变量中没有签名所用的密钥。",
        );
        return (None, note.to_owned());
    };
    if signed_by != Some(keys.key_id.as_str()) {
        let note = language.choose(
            "The signature was not checked: the form was signed with another key than the one in the environment.",
            "未检查签名：签名所用的密钥不是环境变量中的密钥。",
        );
        return (None, note.to_owned());
    }
    let key = AccessKey {
        security_token: keys.token.as_ref().map(|token| token.expose().to_owned()),
        ..AccessKey::new(keys.key_id.clone(), keys.secret.expose())
    };
    let note = language.choose(
        "The signature was checked with the key in the environment.",
        "已用环境变量中的密钥检查签名。",
    );
    (Some(key), note.to_owned())
}

/// One form before the judge.
struct Case<'a> {
    captured: &'a Captured,
    view: &'a View,
    policy: &'a PostPolicy,
    strictness: &'a Strictness,
}

impl Case<'_> {
    fn judge(&self, key: Option<AccessKey>) -> Result<(), OssError> {
        let form = self.form()?;
        let bucket = LocalBucket { name: self.bucket(), region: self.region() };
        let (strictness, now) = (self.strictness, self.view.now.unix());
        if let Some(key) = key {
            Validator { bucket: &bucket, keys: &[key], strictness, now }.validate(&form)?;
        } else {
            if form.get("key").is_none() {
                return Err(
                    OssErrorKind::KeyMissing.because("the form has no key field before the file")
                );
            }
            self.policy.evaluate(&form, &bucket.name, now, strictness)?;
            if form.get("x-oss-signature-version").is_some() {
                self.policy.check_cover(&form, strictness)?;
            }
        }
        self.check_size()
    }

    fn form(&self) -> Result<UploadForm, OssError> {
        let mut form = UploadForm::new(self.strictness);
        for (name, value) in &self.captured.fields {
            form.push(name, value.as_str(), self.strictness)?;
        }
        // A capture without its file is of a form that is still to be sent.
        let file = self.captured.file.as_ref();
        let name = file.map_or(Some("file".to_owned()), |file| file.name.clone());
        form.set_file(name, file.and_then(|file| file.content_type.clone()));
        Ok(form)
    }

    fn check_size(&self) -> Result<(), OssError> {
        let Some(size) = self.captured.file.as_ref().and_then(|file| file.size) else {
            return Ok(());
        };
        let sizes = self.policy.sizes();
        if size > *sizes.end() {
            let reason = format!("the file has {size} bytes; the policy allows {}", sizes.end());
            return Err(OssErrorKind::FileTooLarge.because(reason));
        }
        if size < *sizes.start() {
            let reason = format!("the file has {size} bytes; the policy wants {}", sizes.start());
            return Err(OssErrorKind::FileTooSmall.because(reason));
        }
        Ok(())
    }

    /// The bucket that is posted to; where nothing names it, the policy's own is taken for it.
    fn bucket(&self) -> String {
        let named = self.view.bucket.as_deref().or_else(|| self.captured.bucket());
        let wanted = || {
            self.policy.conditions().iter().find_map(|condition| match condition {
                PolicyCondition::Equal(field, value) if field.eq_ignore_ascii_case("bucket") => {
                    Some(value.as_str())
                }
                _ => None,
            })
        };
        named.or_else(wanted).unwrap_or_default().to_owned()
    }

    fn region(&self) -> String {
        let signed =
            self.captured.field("x-oss-credential").and_then(|text| text.split('/').nth(2));
        self.view.region.as_deref().or(signed).unwrap_or_default().to_owned()
    }

    /// Says which condition fails, what the form has instead, and what to change.
    fn say(&self, refused: &OssError) -> Vec<String> {
        let language = self.view.language;
        let condition = self
            .policy
            .conditions()
            .iter()
            .find(|condition| refused.message().ends_with(&condition.to_string()));
        let Some(condition) = condition else {
            return refusal::from_judge(refused, language);
        };
        let mut said = vec![refusal::title(refused.code(), refused.ec(), language)];
        let first = language.choose("The first condition that fails", "最先不满足的条件");
        said.push(format!("  {first}: {}", permission::quote(condition)));
        if refused.kind() == OssErrorKind::FieldAbsent {
            said.push(self.absence(condition));
            said.extend(
                refusal::advice(refused.code(), refused.ec(), language).into_iter().skip(1),
            );
        } else {
            said.extend(self.difference(condition));
        }
        said
    }

    fn absence(&self, condition: &PolicyCondition) -> String {
        let field = condition.field().unwrap_or_default();
        self.view.language.choose(
            format!("  The form does not send {field} before the file."),
            format!("  表单没有在文件之前发送 {field}。"),
        )
    }

    /// Holds the form against the condition, and says how the two could be brought together.
    fn difference(&self, condition: &PolicyCondition) -> [String; 2] {
        let language = self.view.language;
        let field = condition.field().unwrap_or_default();
        let wish = permission::wish(condition, language);
        if permission::is_secret(condition) {
            return language
                .choose(
                    [
                        "  The form sends another token.",
                        "  Send the token of the very key that signed.",
                    ],
                    ["  表单发送的是另一个令牌。", "  请发送签名所用密钥对应的令牌。"],
                )
                .map(str::to_owned);
        }
        let value = self.value(field, condition);
        language.choose(
            [
                format!("  The policy wants this: {wish}. In the form {field} is {value:?}."),
                format!("  Change the form so that {wish}, or have a policy signed that allows {value:?}."),
            ],
            [
                format!("  policy 要求 {wish}，而表单中 {field} 为 {value:?}。"),
                format!("  修改表单，使 {wish}；或重新签署允许 {value:?} 的 policy。"),
            ],
        )
    }

    /// What the form has where the condition looks.
    fn value(&self, field: &str, condition: &PolicyCondition) -> String {
        if field.eq_ignore_ascii_case("bucket") {
            return self.bucket();
        }
        let part = self.captured.file.as_ref().and_then(|file| file.content_type.as_deref());
        let part = part.filter(|_| field.eq_ignore_ascii_case("content-type"));
        let candidates = [self.captured.field(field), part];
        let failing = candidates.into_iter().flatten().find(|value| !condition.holds(value));
        failing.unwrap_or_default().to_owned()
    }
}
