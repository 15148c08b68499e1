//! The `StringToSign` that the refusal of a wrong signature brings back, or that a program logs.

use crate::language::Language;

/// The longest text that is shown of a request, in characters.
const MAX_SHOWN: usize = 200;

/// The parts of a `StringToSign` or of a canonical request.
pub(super) struct SignedText {
    is_v4: bool,
    method: Option<String>,
    resource: Option<String>,
    scope: Option<String>,
}

/// Reads a `StringToSign` of a header or a URL, or a canonical request of V4.
pub(super) fn string_to_sign(text: &str) -> Option<SignedText> {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    let first = *lines.first()?;
    if first == "OSS4-HMAC-SHA256" {
        let scope = lines.iter().find(|line| line.ends_with("/aliyun_v4_request"))?;
        return Some(SignedText {
            is_v4: true,
            method: None,
            resource: None,
            scope: Some((*scope).to_owned()),
        });
    }
    let is_method = matches!(first, "GET" | "PUT" | "POST" | "HEAD" | "DELETE" | "OPTIONS");
    let resource = lines.iter().skip(1).rev().find(|line| line.starts_with('/'))?;
    let is_canonical = lines.last() == Some(&"UNSIGNED-PAYLOAD");
    if !is_method || lines.len() < 4 {
        return None;
    }
    let resource = resource.split('?').next().unwrap_or_default();
    Some(SignedText {
        is_v4: is_canonical,
        method: Some(first.to_owned()),
        resource: Some(resource.to_owned()),
        scope: None,
    })
}

/// Describes a text that was signed.
pub(super) fn describe(text: &SignedText, language: Language) -> Vec<String> {
    let version = if text.is_v4 { "V4" } else { "V1" };
    let request: Vec<String> = [&text.method, &text.resource, &text.scope]
        .into_iter()
        .flatten()
        .map(|part| shown(part))
        .collect();
    let request = request.join(" ");
    vec![
        language.choose(
            format!(
                "This StringToSign belongs to a header or URL signature ({version}): {request}. The request \
                 was no form upload."
            ),
            format!("该 StringToSign 属于请求头或 URL 签名（{version}）：{request}。该请求不是表单上传。"),
        ),
        form_hint(language),
    ]
}

/// Says how a form is signed instead.
pub(super) fn form_hint(language: Language) -> String {
    language.choose(
        "  For a form, send POST to / of the bucket's host; the text that is signed is the base64 policy \
         and nothing else."
            .to_owned(),
        "  表单上传应向存储空间域名的根路径 / 发送 POST；其签名内容只有 base64 编码的 policy。".to_owned(),
    )
}

/// Shortens a text from outside.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_to_sign_is_told_from_a_policy() {
        let v1 = "PUT\n\nimage/png\nWed, 27 Nov 2024 06:09:41 GMT\n/b/a.png";
        assert!(string_to_sign(v1).is_some());
        let v4 =
            "OSS4-HMAC-SHA256\n20241127T060941Z\n20241127/cn-hangzhou/oss/aliyun_v4_request\n00";
        assert!(string_to_sign(v4).is_some());
        for text in ["eyJleHBpcmF0aW9uIjoi", "PUT", "PUT\n/a", "GET\na\nb\nc", ""] {
            assert!(string_to_sign(text).is_none(), "{text}");
        }
    }
}
