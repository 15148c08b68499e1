//! The callback of a form in words: the addresses that are called, and the body that is sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::language::Language;
use oss_emulator::oss;

/// The field with the callback.
pub(super) const FIELD: &str = "callback";

/// Explains the value of the field. Without a value there is no callback.
pub(super) fn explain(value: &str, language: Language) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let Some(members) = read(value) else {
        return vec![
            language.choose(
                "The field callback is not the base64 of a JSON object; OSS refuses the form."
                    .to_owned(),
                "callback 字段不是 JSON 对象的 base64，OSS 会拒绝该表单。".to_owned(),
            ),
        ];
    };
    let text = |name: &str| members[name].as_str().filter(|text| !text.is_empty());
    let Some(address) = text("callbackUrl") else {
        return vec![absent(value, &members, language)];
    };
    let addresses =
        address.split(';').collect::<Vec<_>>().join(language.choose(", else ", "，否则 "));
    let host = text("callbackHost").map(|host| {
        language.choose(format!(", under the name {host}"), format!("（Host 为 {host}）"))
    });
    let host = host.unwrap_or_default();
    let mut said = vec![language.choose(
        format!("When the file is stored, OSS calls {addresses}{host}."),
        format!("文件存储后，OSS 回调 {addresses}{host}。"),
    )];
    let body_type = text("callbackBodyType").unwrap_or("application/x-www-form-urlencoded");
    said.push(match text("callbackBody") {
        Some(body) => language.choose(
            format!("  It sends ({body_type}): {body}"),
            format!("  内容（{body_type}）：{body}"),
        ),
        None => language.choose(
            "  It has no callbackBody; OSS refuses the form.".to_owned(),
            "  没有 callbackBody，OSS 会拒绝该表单。".to_owned(),
        ),
    });
    said
}

/// Says that there is no callback, and which member is probably misspelt.
fn absent(value: &str, members: &Value, language: Language) -> String {
    if let Some(warning) = oss::callback_warning(value.trim()) {
        let names = members.as_object().into_iter().flat_map(|all| all.keys().cloned());
        let names = names.collect::<Vec<_>>().join("、");
        return language.choose(
            format!("No callback is sent: {warning}."),
            format!("不会发起回调：callback 字段没有 callbackUrl，只有 {names}；该名称必须写作 callbackUrl。"),
        );
    }
    language.choose(
        "The field callback has no callbackUrl, so OSS sends no callback.".to_owned(),
        "callback 字段没有 callbackUrl，不会发起回调。".to_owned(),
    )
}

fn read(value: &str) -> Option<Value> {
    let bytes = STANDARD.decode(value.trim()).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}
