//! Recognises what was pasted: a policy, uploads, a refusal, a signed request, or a callback.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::explain::capture::{
    Capture, CapturedAnswer, CapturedBody, Head, Item, decode_base64, field, is_upload,
};
use crate::explain::multipart::BOUNDARY;
use crate::explain::permission::Document;
use crate::explain::refusal::KnownRefusal;
use crate::explain::script::UNKNOWN;
use crate::explain::signed::SignedRequest;
use crate::explain::{curl, har, lines, page, raw, script, signed, signed_text};

/// What is printed for an input that cannot be read.
const UNREADABLE: &str = "this cannot be read. explain reads: a policy (base64 or JSON); an upload (a HAR, a curl command, a raw \
                          request or multipart body, a list of fields as key=value or key: value, URL-encoded text, a signer's JSON, a \
                          JavaScript object or fetch call, an HTML form); a refusal (XML, also inside a log or JSON, an EC, a code, a message); \
                          a presigned URL; a StringToSign";

/// The deepest nesting of one text in another, such as a policy in quotes.
const MAX_NESTING: usize = 4;

/// The deepest level of JSON that is searched, and the most values.
const MAX_DEPTH: usize = 16;
const MAX_VALUES: usize = 100_000;

/// What was pasted. It may carry a token, so it has no `Debug`.
pub(super) enum Input {
    Policy(Document),
    /// Uploads, and refused preflight requests without an upload.
    Uploads(Vec<Capture>, Vec<(String, CapturedAnswer)>),
    Refusal(KnownRefusal),
    Signed(SignedRequest),
    /// The value of a `callback` field.
    Callback(String),
}

impl Input {
    /// Recognises an input, or says what can be read.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            return Err("there is nothing to explain: the input is empty".to_owned());
        }
        if raw::is_request(&text) {
            return Self::request(raw::request(bytes)).ok_or_else(|| UNREADABLE.to_owned());
        }
        if text.starts_with("--") && text.contains('\n') && has_parts(&text) {
            return Ok(Self::upload(raw::body(bytes)));
        }
        Self::of_text(text.trim(), 0)?.ok_or_else(|| UNREADABLE.to_owned())
    }

    fn upload(capture: Capture) -> Self {
        Self::Uploads(vec![capture], Vec::new())
    }

    /// Sorts a request: one that is signed by its URL or its header is no form upload. Returns `None` for
    /// a request that has nothing to do with an upload to OSS.
    fn request(capture: Capture) -> Option<Self> {
        match capture.head.as_ref().and_then(signed::request) {
            Some(signed) => Some(Self::Signed(signed)),
            None => is_to_oss(&capture).then(|| Self::upload(capture)),
        }
    }

    fn of_text(text: &str, nesting: usize) -> Result<Option<Self>, String> {
        if nesting > MAX_NESTING {
            return Ok(None);
        }
        if curl::is_command(text) {
            return curl::read(text).map(Self::request);
        }
        if let Ok(json) = serde_json::from_str::<Value>(text) {
            return match json {
                Value::String(inner) => Self::of_text(inner.trim(), nesting + 1),
                Value::Number(_) | Value::Bool(_) | Value::Null => Ok(None),
                json => Self::of_json(&json, text),
            };
        }
        if is_policy_json(text) {
            // It may still be meant as a policy; the error of the parser says where it breaks.
            return Ok(Some(Self::Policy(Document::Json(text.as_bytes().to_vec()))));
        }
        if let Some(refusal) = KnownRefusal::in_xml(text) {
            return Ok(Some(Self::Refusal(refusal)));
        }
        let unquoted = lines::unquoted(text);
        if unquoted.len() < text.len() {
            return Self::of_text(unquoted.trim(), nesting + 1);
        }
        if let Some(input) = Self::of_script(text)? {
            return Ok(Some(input));
        }
        Ok(Self::of_plain(text))
    }

    /// Recognises plain text: what has neither braces nor tags.
    fn of_plain(text: &str) -> Option<Self> {
        let to_sign = || signed_text::string_to_sign(text).map(SignedRequest::Text);
        let signed = signed::url(text).or_else(to_sign);
        if let Some(signed) = signed {
            return Some(Self::Signed(signed));
        }
        if let Some(input) = of_base64(text) {
            return Some(input);
        }
        if let Some(items) = lines::url_encoded(text) {
            let body = CapturedBody::NoForm(items);
            return Some(Self::upload(Capture { body, ..Capture::default() }));
        }
        if let Some(items) = lines::read(text) {
            let only = |name: &str| field(&items, name).filter(|_| items.len() == 1);
            return Some(match only("policy") {
                Some(policy) => Self::Policy(Document::Base64(policy.to_owned())),
                None => Self::upload(Capture::draft(items)),
            });
        }
        KnownRefusal::in_words(text).map(Self::Refusal)
    }

    /// Recognises HTML and JavaScript.
    fn of_script(text: &str) -> Result<Option<Self>, String> {
        if text.starts_with('<') || text.contains("<form") {
            return Ok(page::read(text)
                .filter(|capture| matches!(&capture.body, CapturedBody::Form(items) if is_upload(items)))
                .map(Self::upload));
        }
        if let Some((url, options)) = script::fetch(text) {
            return Ok(Self::request(of_fetch(&url, &options)));
        }
        let appended = script::appended(text);
        if is_upload(&appended) {
            check_literals(appended.iter().filter_map(|item| match item {
                Item::Field { name, value } => Some((name.as_str(), value.as_str())),
                Item::File(_) => None,
            }))?;
            return Ok(Some(Self::upload(Capture::draft(appended))));
        }
        match script::object(text) {
            Some(json) => Self::of_json(&json, text),
            None => Ok(None),
        }
    }

    fn of_json(json: &Value, text: &str) -> Result<Option<Self>, String> {
        if json.get("expiration").is_some() || json.get("conditions").is_some() {
            return Ok(Some(Self::Policy(Document::Json(text.as_bytes().to_vec()))));
        }
        if let Some(log) = har::read(json) {
            return Self::of_log(log);
        }
        if let Some(url) = json.get("url").and_then(Value::as_str)
            && json.get("body").is_some()
            && json.get("method").is_some()
        {
            return Ok(Self::request(of_fetch(url, json)));
        }
        let values = values(json);
        let texts = || values.iter().filter_map(|value| value.as_str());
        if let Some(refusal) = texts().find_map(KnownRefusal::in_xml) {
            return Ok(Some(Self::Refusal(refusal)));
        }
        if let Some(upload) = values.iter().find_map(|value| of_answer(value)) {
            return upload.map(Some);
        }
        let policy =
            |value: &&Value| value.get("policy").and_then(Value::as_str).map(str::to_owned);
        if let Some(policy) = values.iter().find_map(policy).filter(|policy| policy != UNKNOWN) {
            return Ok(Some(Self::Policy(Document::Base64(policy))));
        }
        let nested = values.iter().find(|value| value.get("conditions").is_some());
        if let Some(policy) = nested {
            return Ok(Some(Self::Policy(Document::Json(policy.to_string().into_bytes()))));
        }
        if json.get("callbackUrl").is_some() || json.get("callbackBody").is_some() {
            let value = STANDARD.encode(json.to_string());
            return Ok(Some(Self::Callback(value)));
        }
        if let Some(signed) = texts().find_map(signed::url) {
            return Ok(Some(Self::Signed(signed)));
        }
        Ok(values
            .iter()
            .find_map(|value| of_error(value))
            .or_else(|| texts().find_map(KnownRefusal::in_words).map(Self::Refusal)))
    }

    fn of_log(log: har::Log) -> Result<Option<Self>, String> {
        if log.uploads.len() == 1 && log.refused_preflights.is_empty() {
            return Ok(log.uploads.into_iter().next().and_then(Self::request));
        }
        if !log.uploads.is_empty() || !log.refused_preflights.is_empty() {
            return Ok(Some(Self::Uploads(log.uploads, log.refused_preflights)));
        }
        // Only the call of the signer was captured.
        let answers = log.responses.iter().rev();
        for json in answers.filter_map(|text| serde_json::from_str::<Value>(text).ok()) {
            if let Some(upload) = values(&json).iter().find_map(|value| of_answer(value)) {
                return upload.map(Some);
            }
        }
        Err("the HAR has no upload: record the log while a file is uploaded, and save it with its contents"
            .to_owned())
    }
}

/// Returns whether a text has the header of a part.
fn has_parts(text: &str) -> bool {
    text.lines().any(|line| line.to_ascii_lowercase().starts_with("content-"))
}

/// Returns whether a request is an upload, or was meant as one: by its fields, its type or its host.
fn is_to_oss(capture: &Capture) -> bool {
    let Some(head) = &capture.head else {
        return true;
    };
    if !matches!(head.method.as_str(), "POST" | "PUT") {
        return false;
    }
    let host = capture.host().unwrap_or_default();
    let is_local = host.ends_with("localhost") || host.parse::<std::net::IpAddr>().is_ok();
    let content_type = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let has_fields = match &capture.body {
        CapturedBody::Bytes(bytes) => bytes.starts_with(b"--"),
        CapturedBody::Form(items) | CapturedBody::NoForm(items) => is_upload(items),
    };
    has_fields
        || is_local
        || host.ends_with(".aliyuncs.com")
        || content_type.starts_with("multipart/")
}

fn is_policy_json(text: &str) -> bool {
    text.starts_with('{') && (text.contains("\"conditions\"") || text.contains("\"expiration\""))
}

/// Recognises a policy or a callback in base64.
fn of_base64(text: &str) -> Option<Input> {
    let is_base64 = |byte: u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/-_=%".contains(&byte)
    };
    if text.len() <= 8
        || !text.bytes().all(is_base64)
        || !text.contains(|one: char| one.is_ascii_alphabetic())
    {
        return None;
    }
    let decoded = decode_base64(text)?;
    let shown = String::from_utf8_lossy(&decoded);
    if !shown.trim_start().starts_with('{') {
        return None;
    }
    if shown.contains("callback") && !shown.contains("\"conditions\"") {
        return Some(Input::Callback(text.to_owned()));
    }
    let text = text.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/");
    Some(Input::Policy(Document::Base64(text.split_whitespace().collect())))
}

/// Lists a value and the values in it, outermost first.
fn values(json: &Value) -> Vec<&Value> {
    let mut level = vec![json];
    let mut all = Vec::new();
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for value in level {
            all.push(value);
            match value {
                Value::Object(members) => next.extend(members.values()),
                Value::Array(items) => next.extend(items),
                _ => {}
            }
            if all.len() > MAX_VALUES {
                return all;
            }
        }
        level = next;
    }
    all
}

/// Reads `{"url", "fields"}`, or an object that itself has the fields of a form.
fn of_answer(json: &Value) -> Option<Result<Input, String>> {
    let inner = ["fields", "formData", "form"].iter().find_map(|name| json.get(name)?.as_object());
    let members = inner.or_else(|| json.as_object())?;
    let has = |name: &str| members.get(name).is_some();
    if !has("policy") || !(inner.is_some() || has("key")) {
        return None;
    }
    let items = lines::members_as_items(members);
    let literal = check_literals(
        members.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))),
    );
    if let Err(reason) = literal {
        return Some(Err(reason));
    }
    let mut capture = Capture::draft(items);
    let url = ["url", "host", "action"].iter().find_map(|name| json.get(name)?.as_str());
    if let Some(url) = url.filter(|url| url.contains('.') && !url.contains(char::is_whitespace)) {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = vec![("Content-Type".to_owned(), content_type)];
        capture.head = Some(Head::of_url("POST", url, headers));
    }
    Some(Ok(Input::upload(capture)))
}

/// Fails if the value of a field is an expression whose result is not in the input.
fn check_literals<'a>(mut fields: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), String> {
    let is_unknown =
        |(name, value): &(&str, &str)| *value == UNKNOWN && !name.eq_ignore_ascii_case("file");
    match fields.find(is_unknown) {
        Some((name, _)) => Err(format!(
            "the value of {name} is an expression; paste the values that are sent, for example from the \
             network tab of the browser"
        )),
        None => Ok(()),
    }
}

/// Reads the arguments of `fetch`.
fn of_fetch(url: &str, options: &Value) -> Capture {
    let text = |name: &str| options.get(name).and_then(Value::as_str);
    let headers = options.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers = headers
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let body = text("body").unwrap_or_default();
    Capture {
        head: Some(Head::of_url(text("method").unwrap_or("GET"), url, headers)),
        body: lines::body(body.as_bytes().to_vec()),
        ..Capture::default()
    }
}

/// Reads an error object as SDKs log it.
fn of_error(json: &Value) -> Option<Input> {
    let text = |names: &[&str]| {
        let lower = |name: &str| name.to_ascii_lowercase();
        let members = json.as_object()?;
        let found = members.iter().find(|(name, _)| names.contains(&lower(name).as_str()));
        found.and_then(|(_, value)| value.as_str())
    };
    let code = text(&["code", "errorcode", "error_code"]);
    let ec = text(&["ec", "eccode", "x-oss-ec"]);
    let is_code = |code: &&str| code.starts_with(|one: char| one.is_ascii_uppercase());
    let is_known =
        ec.is_some() || text(&["hostid", "requestid", "request_id", "message"]).is_some();
    if !is_known {
        return None;
    }
    KnownRefusal::named(code.filter(is_code), ec).map(Input::Refusal)
}
