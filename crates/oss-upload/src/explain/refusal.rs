//! A refusal in words: what OSS said, what causes it, what helps.

use crate::explain::permission::{self, Document};
use crate::explain::{View, signed_text};
use crate::language::Language;
use crate::{oss_errors, xml};
use oss_emulator::oss::{OssError, OssErrorKind};

/// How often escapes are removed from a text before its XML is looked for.
const MAX_ESCAPES: usize = 4;

/// The escapes of JSON, HTML and URLs in which the XML of a refusal may be wrapped.
const ESCAPES: [(&str, &str); 13] = [
    ("\\\\", "\\"),
    ("\\\"", "\""),
    ("\\n", "\n"),
    ("\\u003c", "<"),
    ("\\u003C", "<"),
    ("\\u003e", ">"),
    ("\\u003E", ">"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&amp;", "&"),
    ("%3C", "<"),
    ("%3E", ">"),
];

/// What a refusal is known by.
#[derive(Default)]
pub(super) struct KnownRefusal {
    code: Option<String>,
    ec: Option<String>,
    message: Option<String>,
    /// The whole XML document.
    document: Option<String>,
}

impl KnownRefusal {
    /// Finds the XML of a refusal in a text, also behind a head, in a log line, or with escapes.
    pub(super) fn in_xml(text: &str) -> Option<Self> {
        let mut text = text.to_owned();
        for _ in 0..MAX_ESCAPES {
            if text.contains("<Code>") {
                break;
            }
            for (escape, character) in ESCAPES {
                text = text.replace(escape, character);
            }
        }
        let at = text.find("<Code>")?;
        let start = text[..at].rfind("<Error").unwrap_or(at);
        let document = text.split_off(start);
        Some(Self {
            code: xml::child(&document, "Code"),
            ec: xml::child(&document, "EC").or_else(|| find_ec(&text)),
            message: xml::child(&document, "Message"),
            document: Some(document),
        })
    }

    /// Finds a refusal that is named without its XML: by its EC, its code, or its message.
    pub(super) fn in_words(text: &str) -> Option<Self> {
        let whole = text.trim().trim_matches(['"', '\'', '.', ',', ';']);
        let code = labelled(text, "code").or_else(|| Some(whole.to_owned()));
        let code = code.filter(|code| oss_errors::table().iter().any(|entry| entry.code == *code));
        let ec = find_ec(text).filter(|ec| {
            ec == whole || oss_errors::table().iter().any(|one| one.ec.as_ref() == Some(ec))
        });
        let message = labelled(text, "message");
        let known = known_message(text);
        if code.is_none() && ec.is_none() && known.is_none() {
            return None;
        }
        let ec = ec.or_else(|| known.and_then(|kind| kind.because("").ec()).map(str::to_owned));
        let code = code.or_else(|| known.map(|kind| kind.because("").code().to_owned()));
        Some(Self { code, ec, message, document: None })
    }

    /// Reads a refusal of which code and EC are known.
    pub(super) fn named(code: Option<&str>, ec: Option<&str>) -> Option<Self> {
        let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let refusal = Self { code: owned(code), ec: owned(ec), ..Self::default() };
        (refusal.code.is_some() || refusal.ec.is_some()).then_some(refusal)
    }
}

/// Finds an EC: four digits, a hyphen and eight digits.
fn find_ec(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let starts = bytes.iter().enumerate().filter(|(at, byte)| **byte == b'-' && *at >= 4);
    let is_ec = |at: usize| {
        (at - 4..at).all(is_digit)
            && (at + 1..at + 9).all(is_digit)
            && !is_digit(at + 9)
            && !(at > 4 && is_digit(at - 5))
    };
    let (at, _) = starts.into_iter().find(|(at, _)| is_ec(*at))?;
    text.get(at - 4..at + 9).map(str::to_owned)
}

/// Finds `code: X`, `"Code": "X"`, `code=X` and the like.
fn labelled(text: &str, label: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    for (at, _) in lower.match_indices(label) {
        let after = text.get(at + label.len()..)?;
        let after = after.trim_start_matches(['"', '\'', ' ']);
        let Some(value) = after.strip_prefix([':', '=']) else { continue };
        let value = value.trim_start_matches(['"', '\'', ' ']);
        let end = value.find(|one: char| match label {
            "code" => !one.is_ascii_alphanumeric(),
            _ => matches!(one, '\n' | '"' | '\''),
        });
        let value = value.get(..end.unwrap_or(value.len()))?;
        if value.starts_with(|one: char| one.is_ascii_uppercase()) {
            return Some(value.to_owned());
        }
    }
    None
}

/// Finds the message of a refusal; the longest one counts.
fn known_message(text: &str) -> Option<OssErrorKind> {
    const FRAGMENTS: [(&str, OssErrorKind); 4] = [
        ("policy expired", OssErrorKind::PolicyExpired),
        ("policy condition failed", OssErrorKind::ConditionFailed),
        ("extra input fields", OssErrorKind::ExtraFields),
        ("specified endpoint", OssErrorKind::WrongEndpoint),
    ];
    let text = text.to_lowercase();
    let fragment = FRAGMENTS.iter().find(|(fragment, _)| text.contains(fragment));
    let message =
        |kind: &OssErrorKind| kind.because("").message().trim_end_matches('.').to_lowercase();
    let whole = || {
        let kinds = OssErrorKind::ALL.iter().filter(|kind| kind.because("").status() != 500);
        // Of two kinds with the same message, the first one.
        let named = kinds.filter(|kind| text.contains(&message(kind)));
        named.min_by_key(|kind| std::cmp::Reverse(message(kind).len()))
    };
    fragment.map(|(_, kind)| *kind).or_else(|| whole().copied())
}

/// Explains a refusal; a policy in it, as a wrong signature brings one, is explained too.
pub(super) fn explain(refusal: &KnownRefusal, view: &View) -> Vec<String> {
    let document = refusal.document.as_deref().unwrap_or_default();
    let read = |name| xml::child(document, name);
    let (code, ec, message) =
        (refusal.code.as_deref(), refusal.ec.as_deref(), refusal.message.as_deref());
    let entry = oss_errors::find(ec, code.unwrap_or_default(), message);
    let code = code.or_else(|| entry.as_ref().map(|entry| entry.code.as_str())).unwrap_or_default();
    let mut said = vec![title(code, ec, view.language)];
    said.extend(advice(code, ec, message, view.language));
    // A message may quote the condition that failed, and that one may hold the token.
    let message = message.filter(|message| !message.contains("security-token"));
    let rows = [
        (view.language.choose("OSS says", "OSS 的说明"), message.map(str::to_owned)),
        (view.language.choose("endpoint to use", "应使用的 Endpoint"), read("Endpoint")),
        (view.language.choose("argument", "参数"), read("ArgumentName")),
        (view.language.choose("limit", "上限"), read("MaxSizeAllowed")),
        (view.language.choose("action", "操作"), read("AuthAction")),
        (view.language.choose("denied by", "拒绝来源"), read("PolicyType")),
        (view.language.choose("request", "请求"), read("RequestId")),
    ];
    let row = |(name, value): (&str, Option<String>)| Some(format!("  {name}: {}", value?));
    said.extend(rows.into_iter().filter_map(row));
    if let Some(text) = raw_child(document, "StringToSign") {
        said.push(String::new());
        said.extend(signed_text(&text, view));
    }
    said
}

/// Returns the text of a child with its line ends, which the text to sign consists of.
fn raw_child(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.replace("&amp;", "&").trim().to_owned()).filter(|text| !text.is_empty())
}

fn signed_text(text: &str, view: &View) -> Vec<String> {
    match signed_text::string_to_sign(text) {
        Some(signed) => signed_text::describe(&signed, view.language),
        None => explain_policy(&Document::Base64(text.to_owned()), view),
    }
}

/// Explains a policy that came without a form.
pub(super) fn explain_policy(document: &Document, view: &View) -> Vec<String> {
    match document.parse(&view.strictness) {
        Ok(policy) => permission::explain(&policy, view),
        Err(refused) => of_error(&refused, view.language),
    }
}

/// Explains an error of the local OSS.
pub(super) fn of_error(error: &OssError, language: Language) -> Vec<String> {
    let mut said = vec![title(error.code(), error.ec(), language)];
    let specific = language.choose(Some(format!("  {}", error.reason())), None);
    let advice = advice(error.code(), error.ec(), Some(error.message()), language);
    // In English the reason says more than the table's cause.
    let skip = specific.iter().count().min(advice.len().saturating_sub(1));
    said.extend(specific);
    said.extend(advice.into_iter().skip(skip));
    said
}

/// Names a refusal.
pub(super) fn title(code: &str, ec: Option<&str>, language: Language) -> String {
    let ec = ec.map(|ec| format!(" ({ec})")).unwrap_or_default();
    let name = format!("{code}{ec}");
    let name = name.trim_start();
    language.choose(format!("OSS refuses: {name}"), format!("OSS 拒绝：{name}"))
}

/// Returns cause and remedy, if the table knows them.
pub(super) fn advice(
    code: &str,
    ec: Option<&str>,
    message: Option<&str>,
    language: Language,
) -> Vec<String> {
    let Some(entry) = oss_errors::find(ec, code, message) else {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ec_is_found_in_any_text() {
        assert_eq!(find_ec("x-oss-ec: 0006-00000227\r\n").as_deref(), Some("0006-00000227"));
        for text in
            ["10006-00000227", "0006-000002270", "006-00000227", "0006-0000022", "-", "é-00000000"]
        {
            assert_eq!(find_ec(text), None, "{text}");
        }
    }

    #[test]
    fn xml_is_found_behind_every_escape() {
        let xml =
            "<Error><Code>AccessDenied</Code><Message>a</Message><EC>0006-00000227</EC></Error>";
        let json = serde_json::json!({"data": xml}).to_string();
        let twice = serde_json::json!({"log": json}).to_string();
        let unicode = xml.replace('<', "\\u003c").replace('>', "\\u003e");
        let html = xml.replace('<', "&lt;").replace('>', "&gt;");
        for text in
            [xml, &json, &twice, &unicode, &html, &format!("HTTP/1.1 403 Forbidden\r\n\r\n{xml}")]
        {
            let refusal = KnownRefusal::in_xml(text).unwrap();
            assert_eq!(refusal.code.as_deref(), Some("AccessDenied"), "{text}");
            assert_eq!(refusal.ec.as_deref(), Some("0006-00000227"), "{text}");
        }
        assert!(KnownRefusal::in_xml("no xml").is_none());
    }

    #[test]
    fn a_refusal_is_known_by_its_words() {
        for (text, code, ec) in [
            ("0006-00000227", None, Some("0006-00000227")),
            ("AccessDenied", Some("AccessDenied"), None),
            ("Policy expired", Some("AccessDenied"), Some("0006-00000213")),
            (
                "{'Code': 'InvalidArgument', 'EC': '0002-00000715'}",
                Some("InvalidArgument"),
                Some("0002-00000715"),
            ),
            (
                "The signing region in credential is invalid.",
                Some("InvalidArgument"),
                Some("0002-00000715"),
            ),
        ] {
            let refusal = KnownRefusal::in_words(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((refusal.code.as_deref(), refusal.ec.as_deref()), (code, ec), "{text}");
        }
        for text in
            ["hello", "call 0012-12345678", "AccessDeniedException", "code: 42", "error code: Foo"]
        {
            assert!(KnownRefusal::in_words(text).is_none(), "{text}");
        }
    }
}
