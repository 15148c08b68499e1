//! Uploads in a HAR, as browsers save their network log, or in one entry of it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::explain::capture::{
    Capture, CapturedAnswer, CapturedBody, CapturedFile, Head, Item, field, is_upload,
};
use crate::explain::{lines, multipart, signed};
use oss_upload_signer::time::Timestamp;

/// The most entries that are read.
const MAX_ENTRIES: usize = 20_000;

/// The uploads of a log, and the preflight requests that were refused.
#[derive(Default)]
pub(super) struct Log {
    pub(super) uploads: Vec<Capture>,
    /// Refused preflight requests that no upload followed: the URL without its query, and the response.
    pub(super) refused_preflights: Vec<(String, CapturedAnswer)>,
    /// The bodies of all responses, in which a signer's response may be found.
    pub(super) responses: Vec<String>,
}

/// Reads a log. Returns `None` if this is neither a HAR nor an entry of one.
pub(super) fn read(json: &Value) -> Option<Log> {
    let entries = json.pointer("/log/entries").or_else(|| json.get("entries")).unwrap_or(json);
    let entries = match entries {
        Value::Array(entries) => entries.as_slice(),
        entry => std::slice::from_ref(entry),
    };
    let mut log = Log::default();
    let mut preflights: BTreeMap<String, CapturedAnswer> = BTreeMap::new();
    let mut is_log = json.pointer("/log/entries").is_some();
    for entry in entries.iter().take(MAX_ENTRIES) {
        let Some(request) = entry.get("request").filter(|one| one.get("url").is_some()) else {
            continue;
        };
        is_log = true;
        let head = head(request);
        let url = text(request, "url").split(['?', '#']).next().unwrap_or_default().to_owned();
        let answer = answer(entry);
        if head.method == "OPTIONS" {
            preflights.insert(url, answer);
            continue;
        }
        let body = body(request.get("postData"));
        if is_of_oss(&head, &body, &answer) {
            log.uploads.push(Capture {
                head: Some(head),
                body,
                preflight: preflights.remove(&url),
                answer: entry.get("response").map(|_| answer),
                sent_at: Timestamp::parse_rfc3339(text(entry, "startedDateTime")),
                ..Capture::default()
            });
        } else {
            log.responses.push(answer.text);
        }
    }
    let refused = preflights
        .into_iter()
        .filter(|(url, answer)| !answer.is_success() && (is_oss_url(url) || is_oss_answer(answer)));
    log.refused_preflights.extend(refused);
    is_log.then_some(log)
}

/// Returns whether a request is one to OSS that stores something, or one that is signed.
fn is_of_oss(head: &Head, body: &CapturedBody, answer: &CapturedAnswer) -> bool {
    if !matches!(head.method.as_str(), "POST" | "PUT") {
        return signed::request(head).is_some();
    }
    let items = match body {
        CapturedBody::Bytes(bytes) => {
            multipart::items(bytes, &multipart::boundary_of(bytes).unwrap_or_default())
        }
        CapturedBody::Form(items) | CapturedBody::NoForm(items) => items.clone(),
    };
    let host = head.header("host").unwrap_or_default();
    // A call of a signer may carry a policy too, but not with a key and a signature to one URL.
    let is_form = is_upload(&items) && field(&items, "policy").is_some();
    is_form || is_oss_url(&format!("https://{host}/")) || is_oss_answer(answer)
}

fn is_oss_url(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    let is_oss = host.split('.').any(|label| label == "oss" || label.starts_with("oss-"));
    host.ends_with(".aliyuncs.com") && is_oss
}

fn is_oss_answer(answer: &CapturedAnswer) -> bool {
    answer.header("x-oss-request-id").is_some() || answer.header("server") == Some("AliyunOSS")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn head(request: &Value) -> Head {
    let method = match text(request, "method") {
        "" if request.get("postData").is_some() => "POST",
        "" => "GET",
        method => method,
    };
    Head::of_url(method, text(request, "url"), headers(request))
}

fn headers(message: &Value) -> Vec<(String, String)> {
    let headers = message.get("headers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let headers = headers.iter().map(|one| (text(one, "name"), text(one, "value")));
    headers
        .map(|(name, value)| {
            // The pseudo-header of HTTP/2.
            let name = if name == ":authority" { "Host" } else { name };
            (name.to_owned(), value.to_owned())
        })
        .filter(|(name, _)| !name.starts_with(':'))
        .collect()
}

fn answer(entry: &Value) -> CapturedAnswer {
    let Some(response) = entry.get("response") else {
        return CapturedAnswer::default();
    };
    let content = response.get("content").unwrap_or(&Value::Null);
    let mut body = text(content, "text").to_owned();
    if text(content, "encoding") == "base64"
        && let Ok(bytes) = STANDARD.decode(&body)
    {
        body = String::from_utf8_lossy(&bytes).into_owned();
    }
    let status = response.get("status").and_then(Value::as_u64).unwrap_or_default();
    CapturedAnswer {
        status: u16::try_from(status).unwrap_or_default(),
        headers: headers(response),
        text: body,
    }
}

fn body(data: Option<&Value>) -> CapturedBody {
    let Some(data) = data else {
        return CapturedBody::Bytes(Vec::new());
    };
    let body = text(data, "text");
    let params = data.get("params").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_encoded = text(data, "mimeType").starts_with("application/x-www-form-urlencoded");
    if !params.is_empty() && !body.starts_with("--") {
        let items = params.iter().map(param).collect();
        return if is_encoded { CapturedBody::NoForm(items) } else { CapturedBody::Form(items) };
    }
    lines::body(body.as_bytes().to_vec())
}

fn param(param: &Value) -> Item {
    let (name, value) = (text(param, "name"), text(param, "value"));
    if !name.eq_ignore_ascii_case("file") {
        return Item::field(name, value);
    }
    let some = |name: &str| Some(text(param, name)).filter(|one| !one.is_empty());
    Item::File(CapturedFile {
        name: some("fileName").map(str::to_owned),
        content_type: some("contentType").map(str::to_owned),
        size: None,
    })
}
