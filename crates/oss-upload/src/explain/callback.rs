//! A form's callback in words: who is called, and what is told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::language::Language;

/// The field that orders it.
pub(super) const FIELD: &str = "callback";

/// Explains the field's value; an empty one orders nothing.
pub(super) fn explain(value: &str, language: Language) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let Some(order) = read(value) else {
        return vec![language.choose(
            "The field callback is no base64 of a JSON object; OSS refuses the form.".to_owned(),
            "callback 字段不是 JSON 对象的 base64，OSS 会拒绝该表单。".to_owned(),
        )];
    };
    let text = |name: &str| order[name].as_str().filter(|text| !text.is_empty());
    let Some(address) = text("callbackUrl") else {
        return vec![language.choose(
            "The field callback names no callbackUrl, so nobody is called.".to_owned(),
            "callback 字段没有 callbackUrl，不会发起回调。".to_owned(),
        )];
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
            format!("  It tells ({body_type}): {body}"),
            format!("  内容（{body_type}）：{body}"),
        ),
        None => language.choose(
            "  It has no callbackBody; OSS refuses the form.".to_owned(),
            "  没有 callbackBody，OSS 会拒绝该表单。".to_owned(),
        ),
    });
    said
}

fn read(value: &str) -> Option<Value> {
    let bytes = STANDARD.decode(value.trim()).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}
