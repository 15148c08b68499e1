//! A refusal in words: what OSS said, what causes it, what helps.

use crate::explain::input::Document;
use crate::explain::{View, permission};
use crate::language::Language;
use crate::{oss_errors, xml};
use oss_emulator::oss::{OssError, Strictness};

/// Explains the XML of OSS; a policy in it, as a wrong signature brings one, is explained too.
pub(super) fn explain(document: &str, view: &View) -> Vec<String> {
    let read = |name| xml::child(document, name);
    let code = read("Code").unwrap_or_default();
    let ec = read("EC");
    let mut said = vec![title(&code, ec.as_deref(), view.language)];
    said.extend(advice(&code, ec.as_deref(), view.language));
    // A message may quote the condition that failed, and that one may hold the token.
    let message = read("Message").filter(|message| !message.contains("security-token"));
    let rows = [
        (view.language.choose("OSS says", "OSS 的说明"), message),
        (view.language.choose("argument", "参数"), read("ArgumentName")),
        (view.language.choose("limit", "上限"), read("MaxSizeAllowed")),
        (view.language.choose("request", "请求"), read("RequestId")),
    ];
    let row = |(name, value): (&str, Option<String>)| Some(format!("  {name}: {}", value?));
    said.extend(rows.into_iter().filter_map(row));
    if let Some(policy) = read("StringToSign") {
        said.push(String::new());
        said.extend(explain_document(&Document::Base64(policy), view));
    }
    said
}

/// Explains a policy that came without a form.
pub(super) fn explain_document(document: &Document, view: &View) -> Vec<String> {
    match document.parse(&Strictness::default()) {
        Ok(policy) => permission::explain(&policy, view),
        Err(refused) => from_judge(&refused, view.language),
    }
}

/// Explains what the judge says of a policy or a form.
pub(super) fn from_judge(refusal: &OssError, language: Language) -> Vec<String> {
    let mut said = vec![title(refusal.code(), refusal.ec(), language)];
    let specific = language.choose(Some(format!("  {}", refusal.reason())), None);
    let advice = advice(refusal.code(), refusal.ec(), language);
    // In English the judge's own reason says more than the table's cause.
    let skip = specific.iter().count().min(advice.len().saturating_sub(1));
    said.extend(specific);
    said.extend(advice.into_iter().skip(skip));
    said
}

/// Names the refusal.
pub(super) fn title(code: &str, ec: Option<&str>, language: Language) -> String {
    let ec = ec.map(|ec| format!(" ({ec})")).unwrap_or_default();
    language.choose(format!("OSS refuses: {code}{ec}"), format!("OSS 拒绝：{code}{ec}"))
}

/// Gives cause and remedy, if the table knows them.
pub(super) fn advice(code: &str, ec: Option<&str>, language: Language) -> Vec<String> {
    let Some(entry) = oss_errors::find(ec, code) else {
        return vec![
            language.choose(
                "  The table does not know this code; look it up in the documentation of OSS."
                    .to_owned(),
                "  表中没有这个错误码，请查阅 OSS 文档。".to_owned(),
            ),
        ];
    };
    [entry.cause, entry.remedy].map(|said| format!("  {}", said.in_language(language))).into()
}
