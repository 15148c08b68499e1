//! Tells what was given: a policy, a form, or a refusal.

use serde_json::Value;

use crate::explain::form::Captured;
use crate::explain::{har, lines, multipart};
use oss_emulator::oss::Strictness;
use oss_emulator::oss::policy::PostPolicy;

const UNKNOWN: &str = "this is neither a policy (base64 or JSON), nor a form (a HAR, a multipart body or key=value \
                       lines), nor the XML of a refusal; --help says more";

/// What was given. It may carry a token, so it has no `Debug`.
pub(super) enum Input {
    /// A policy's text, still in base64 or not.
    Policy(Document),
    Form(Box<Captured>),
    /// The XML in which OSS said no.
    Refusal(String),
}

/// A policy as it was written.
pub(super) enum Document {
    Base64(String),
    Json(Vec<u8>),
}

impl Input {
    /// Looks at the first characters, then at the whole.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err("there is nothing to explain: the input is empty".to_owned());
        }
        if text.starts_with('<') && text.contains("<Code>") {
            return Ok(Self::Refusal(text.to_owned()));
        }
        if text.starts_with('{') {
            return from_json(text);
        }
        if text.starts_with("--") || text.starts_with("POST ") {
            return multipart::read(bytes).map(Self::form);
        }
        if is_base64(text) {
            return Ok(Self::Policy(Document::Base64(text.split_whitespace().collect())));
        }
        lines::read(text).map(Self::form).ok_or_else(|| UNKNOWN.to_owned())
    }

    fn form(captured: Captured) -> Self {
        Self::Form(Box::new(captured))
    }
}

fn from_json(text: &str) -> Result<Input, String> {
    let json = serde_json::from_str::<Value>(text);
    let has = |name: &str| json.as_ref().is_ok_and(|json| json.get(name).is_some());
    let policy = || Ok(Input::Policy(Document::Json(text.as_bytes().to_vec())));
    if has("expiration") || has("conditions") {
        return policy();
    }
    match &json {
        // The documentation's shape: a policy among other things, and not yet a form.
        Ok(json) if json.get("policy").is_some_and(Value::is_string) => {
            let policy = json["policy"].as_str().unwrap_or_default();
            Ok(Input::Policy(Document::Base64(policy.to_owned())))
        }
        Ok(json) => har::read(json).map(Input::form).ok_or_else(|| UNKNOWN.to_owned()),
        // What is broken may still be meant as a policy, and the judge says where it breaks.
        Err(_) if text.contains("\"conditions\"") || text.contains("\"expiration\"") => policy(),
        Err(error) => Err(format!("this looks like JSON and is none: {error}")),
    }
}

/// Tells base64 from `key=value` lines: its only equals signs are at the end.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    body.len() > 8
        && body.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/-_".contains(&byte)
        })
}

impl Document {
    /// Reads the policy, or says with OSS's words why it cannot be read.
    pub(super) fn parse(
        &self,
        strictness: &Strictness,
    ) -> Result<PostPolicy, oss_emulator::oss::OssError> {
        match self {
            Self::Base64(text) => PostPolicy::decode(text, strictness),
            Self::Json(text) => PostPolicy::parse(text, strictness),
        }
    }
}
