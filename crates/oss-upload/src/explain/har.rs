//! Forms in JSON: a HAR or one entry of it, as browsers save them, and what signers answer.

use serde_json::Value;

use crate::explain::form::{Captured, CapturedFile};
use crate::explain::multipart;

/// Finds the form: the first entry that posts one, else the fields of a signer's answer.
pub(super) fn read(json: &Value) -> Option<Captured> {
    let entries = json.pointer("/log/entries").and_then(Value::as_array);
    let entries = entries.map_or(std::slice::from_ref(json), Vec::as_slice);
    entries.iter().find_map(entry).or_else(|| answer(json))
}

fn entry(entry: &Value) -> Option<Captured> {
    let data = entry.pointer("/request/postData")?;
    let mut captured = params(data).or_else(|| {
        let text = data.get("text")?.as_str()?;
        let mut captured = multipart::read(text.as_bytes()).ok()?;
        // Browsers leave the file's bytes out, so its size says nothing.
        if let Some(file) = &mut captured.file {
            file.size = None;
        }
        Some(captured)
    })?;
    let url = entry.pointer("/request/url").and_then(Value::as_str).unwrap_or_default();
    captured.host = host(url);
    let content = entry.pointer("/response/content/text").and_then(Value::as_str);
    captured.refusal = content.filter(|text| text.contains("<Code>")).map(str::to_owned);
    Some(captured)
}

fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', ':', '?']).next().map(str::to_owned)
}

fn params(data: &Value) -> Option<Captured> {
    let params = data.get("params")?.as_array().filter(|params| !params.is_empty())?;
    let mut captured = Captured::default();
    for param in params {
        let text = |name: &str| param.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = text("name")?;
        if name.eq_ignore_ascii_case("file") {
            captured.file = Some(CapturedFile {
                name: text("fileName"),
                content_type: text("contentType"),
                size: None,
            });
            break;
        }
        captured.fields.push((name, text("value").unwrap_or_default()));
    }
    Some(captured)
}

/// Reads `{"url", "fields"}`, alone or as the first of `uploads`.
fn answer(json: &Value) -> Option<Captured> {
    let upload = json.pointer("/uploads/0").unwrap_or(json);
    let fields = upload.get("fields")?.as_object()?;
    let field = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    Some(Captured {
        host: upload.get("url").and_then(Value::as_str).and_then(host),
        fields: fields.iter().map(field).collect::<Option<_>>()?,
        ..Captured::default()
    })
}
