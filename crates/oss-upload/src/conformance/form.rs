//! A form that a probe changes in one point before it is sent.
//!
//! The signer and the client of this tool write correct forms only, so a probe needs a writer of its own: each byte
//! of a part, each identity field, and each part of the policy can be replaced, before or after the signature.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;

use crate::conformance::target::MeasuredBucket;
use crate::http_client::WebRequest;
use oss_upload_signer::policy::route::SignatureVersion;
use oss_upload_signer::signing::v1::{SIGNATURE, V1Signer};
use oss_upload_signer::signing::v4::{POLICY, X_OSS_SIGNATURE, encode_policy};
use oss_upload_signer::time::Timestamp;

/// The name of the probe that sends a correct form. It runs first: without it, no other result means anything.
pub(super) const BASELINE: &str = "baseline";

/// The boundary of every form. The content of the files does not contain it.
const BOUNDARY: &str = "oss-upload-conformance-boundary";

/// The content of every file.
pub(super) const CONTENT: &[u8] = b"oss-upload conformance\n";

/// The lifetime of a form.
const LIFETIME: Duration = Duration::from_mins(10);

/// The headers of the file part.
pub(super) const FILE_HEADERS: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"probe.txt\"\r\nContent-Type: text/plain";

/// A form, with everything that a probe can change.
pub(super) struct ProbeForm<'a> {
    pub(super) bucket: &'a MeasuredBucket,
    pub(super) version: SignatureVersion,
    /// The time and the region of the V4 signing key.
    pub(super) signed_at: Timestamp,
    pub(super) region: String,
    /// The fields that identify the signer.
    pub(super) identity: Vec<(&'static str, String)>,
    /// The identity field that the policy does not name.
    pub(super) uncovered: Option<&'static str>,
    pub(super) policy: ProbePolicy,
    pub(super) signature: SentSignature,
    /// The field that carries the signature; the default is the one of the version.
    pub(super) signature_field: Option<&'static str>,
    pub(super) key_field: &'static str,
    pub(super) key: String,
    /// Keys of objects that this form may create, beside `key`.
    pub(super) other_keys: Vec<String>,
    pub(super) parts: Vec<Part>,
    pub(super) files: Vec<Part>,
    pub(super) parts_after_file: Vec<Part>,
    /// Whether the key follows the file.
    pub(super) key_after_file: bool,
    pub(super) wire: Wire,
}

/// What surrounds the parts.
pub(super) struct Wire {
    /// Writes the `Content-Type` of the request for a boundary.
    pub(super) content_type: fn(&str) -> String,
    pub(super) preamble: &'static str,
    /// Whether the body has its closing boundary.
    pub(super) closed: bool,
    /// The pause in the middle of the file.
    pub(super) pause: Option<Duration>,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            content_type: |boundary| format!("multipart/form-data; boundary={boundary}"),
            preamble: "",
            closed: true,
            pause: None,
        }
    }
}

/// The policy of a form.
pub(super) enum ProbePolicy {
    /// A policy with the conditions of the identity fields, and these conditions, as JSON.
    Conditions {
        expiration: String,
        conditions: Vec<String>,
    },
    /// This JSON.
    Json(String),
    /// This value of the field, which is signed as it is.
    Encoded(String),
    Missing,
}

/// The signature that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentSignature {
    Right,
    /// The right one in upper case.
    UpperCase,
    Wrong,
    Empty,
    Missing,
}

/// One part of a body: its header block without the empty line, and its content.
#[derive(Clone)]
pub(super) struct Part {
    headers: Vec<u8>,
    content: Vec<u8>,
}

impl Part {
    pub(super) fn new(headers: impl Into<Vec<u8>>, content: impl Into<Vec<u8>>) -> Self {
        Self { headers: headers.into(), content: content.into() }
    }

    /// Creates a field as browsers write it.
    pub(super) fn field(name: &str, value: impl Into<Vec<u8>>) -> Self {
        Self::new(format!("Content-Disposition: form-data; name=\"{name}\""), value)
    }
}

/// A request that is ready to be sent.
pub(super) struct BuiltProbe {
    pub(super) request: WebRequest,
    /// The length of the body in bytes.
    pub(super) len: u64,
    /// The keys of all objects that the request may create.
    pub(super) keys: Vec<String>,
}

impl<'a> ProbeForm<'a> {
    /// Creates a correct form, whose key ends with the name of the probe.
    pub(super) fn new(bucket: &'a MeasuredBucket, name: &str) -> Self {
        let now = bucket.now();
        let mut form = Self {
            bucket,
            version: SignatureVersion::V4,
            signed_at: now,
            region: bucket.region.clone(),
            identity: Vec::new(),
            uncovered: None,
            policy: ProbePolicy::Conditions {
                expiration: format!("\"{}\"", now.plus(LIFETIME).rfc3339()),
                conditions: vec![
                    format!(r#"{{"bucket":"{}"}}"#, bucket.bucket),
                    format!(r#"["starts-with","$key","{}"]"#, bucket.prefix),
                ],
            },
            signature: SentSignature::Right,
            signature_field: None,
            key_field: "key",
            key: format!("{}{name}.txt", bucket.prefix),
            other_keys: Vec::new(),
            parts: Vec::new(),
            files: vec![Part::new(FILE_HEADERS, CONTENT)],
            parts_after_file: Vec::new(),
            key_after_file: false,
            wire: Wire::default(),
        };
        form.sign_at(now);
        form
    }

    /// Signs at this time, and identifies the signer for it.
    pub(super) fn sign_at(&mut self, time: Timestamp) {
        self.signed_at = time;
        self.identity = self.bucket.signer(time, &self.region).identity_fields();
    }

    /// Signs for this region, and identifies the signer for it.
    pub(super) fn sign_for(&mut self, region: &str) {
        region.clone_into(&mut self.region);
        self.sign_at(self.signed_at);
    }

    /// Signs with V1.
    pub(super) fn sign_v1(&mut self) {
        self.version = SignatureVersion::V1;
        self.identity = self.v1_signer().identity_fields();
    }

    fn v1_signer(&self) -> V1Signer<'a> {
        let credentials = &self.bucket.credentials;
        V1Signer {
            key_id: &credentials.key_id,
            secret: &credentials.secret,
            token: credentials.token.as_ref(),
        }
    }

    /// Replaces the value of an identity field before the policy is written and signed.
    pub(super) fn change_identity(&mut self, name: &str, change: impl Fn(&str) -> String) {
        for (field, value) in &mut self.identity {
            if *field == name {
                *value = change(value);
            }
        }
    }

    /// Leaves an identity field out, also of the policy.
    pub(super) fn remove_identity(&mut self, name: &str) {
        self.identity.retain(|(field, _)| *field != name);
    }

    /// Adds a field before the file.
    pub(super) fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.parts.push(Part::field(name, value));
    }

    /// Adds a condition, as JSON.
    pub(super) fn require(&mut self, condition: impl Into<String>) {
        if let ProbePolicy::Conditions { conditions, .. } = &mut self.policy {
            conditions.push(condition.into());
        }
    }

    /// Replaces the expiration, as JSON.
    pub(super) fn expire(&mut self, json: impl Into<String>) {
        if let ProbePolicy::Conditions { expiration, .. } = &mut self.policy {
            *expiration = json.into();
        }
    }

    /// Lets the form expire after this time.
    pub(super) fn expire_in(&mut self, time: Duration) {
        self.expire(format!("\"{}\"", self.bucket.now().plus(time).rfc3339()));
    }

    /// Replaces the conditions, as one JSON text, and keeps the expiration.
    pub(super) fn replace_conditions(&mut self, json: &str) {
        if let ProbePolicy::Conditions { expiration, .. } = &self.policy {
            let json = format!(r#"{{"expiration":{expiration},"conditions":{json}}}"#);
            self.policy = ProbePolicy::Json(json);
        }
    }

    /// Makes `${filename}` the end of the key, in a directory with the name of the probe.
    pub(super) fn use_file_name(&mut self, names: &[&str]) {
        let directory = self.key.trim_end_matches(".txt").to_owned();
        self.key = format!("{directory}/${{filename}}");
        self.other_keys.extend(names.iter().map(|name| format!("{directory}/{name}")));
    }

    /// Returns the value of the field `policy`.
    fn policy_field(&self) -> Option<String> {
        match &self.policy {
            ProbePolicy::Conditions { expiration, conditions } => {
                let text = |value: &str| serde_json::Value::from(value).to_string();
                let covered = self.identity.iter().filter(|(name, _)| {
                    self.version == SignatureVersion::V4 && self.uncovered != Some(name)
                });
                let identity =
                    covered.map(|(name, value)| format!("{{{}:{}}}", text(name), text(value)));
                let all: Vec<_> = identity.chain(conditions.iter().cloned()).collect();
                let all = all.join(",");
                Some(encode_policy(&format!(
                    r#"{{"expiration":{expiration},"conditions":[{all}]}}"#
                )))
            }
            ProbePolicy::Json(json) => Some(encode_policy(json)),
            ProbePolicy::Encoded(field) => Some(field.clone()),
            ProbePolicy::Missing => None,
        }
    }

    /// Returns the value of the signature field.
    fn signature_value(&self, policy: &str) -> Option<String> {
        let right = match self.version {
            SignatureVersion::V1 => self.v1_signer().sign(policy),
            SignatureVersion::V4 => self.bucket.signer(self.signed_at, &self.region).sign(policy),
        };
        match self.signature {
            SentSignature::Right => Some(right),
            SentSignature::UpperCase => Some(right.to_uppercase()),
            SentSignature::Wrong => Some("0".repeat(right.len())),
            SentSignature::Empty => Some(String::new()),
            SentSignature::Missing => None,
        }
    }

    /// Returns all parts in their order.
    fn all_parts(&self) -> Vec<Part> {
        let key = [Part::field(self.key_field, self.key.as_str())];
        let [before, after] = if self.key_after_file { [&[][..], &key] } else { [&key, &[][..]] };
        let identity = self.identity.iter();
        let mut parts = before.to_vec();
        parts.extend(identity.map(|(name, value)| Part::field(name, value.as_str())));
        let policy = self.policy_field();
        let signature = self.signature_value(policy.as_deref().unwrap_or_default());
        parts.extend(policy.map(|policy| Part::field(POLICY, policy)));
        let field = self.signature_field.unwrap_or(match self.version {
            SignatureVersion::V1 => SIGNATURE,
            SignatureVersion::V4 => X_OSS_SIGNATURE,
        });
        parts.extend(signature.map(|signature| Part::field(field, signature)));
        let rest = self.parts.iter().chain(&self.files).chain(after).chain(&self.parts_after_file);
        parts.extend(rest.cloned());
        parts
    }

    /// Signs the form and writes its body.
    pub(super) fn build(self) -> BuiltProbe {
        let mut body = self.wire.preamble.as_bytes().to_vec();
        for part in self.all_parts() {
            let start = format!("--{BOUNDARY}\r\n");
            let pieces = [start.as_bytes(), &part.headers, b"\r\n\r\n", &part.content, b"\r\n"];
            body.extend(pieces.concat());
        }
        if self.wire.closed {
            body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        }
        let mut keys = self.other_keys;
        keys.push(self.key);
        let content_type = (self.wire.content_type)(BOUNDARY);
        let (url, len) = (format!("{}/", self.bucket.url), body.len() as u64);
        let request = match self.wire.pause {
            None => WebRequest::post(url, &content_type, body),
            Some(pause) => {
                // The pause is before the closing boundary, so every field has arrived.
                let at = body.len() - BOUNDARY.len();
                let body = PausedBody::new(Bytes::from(body), at, pause);
                WebRequest::post_stream(url, &content_type, body)
            }
        };
        BuiltProbe { request, len, keys }
    }
}

/// A body that is sent in two pieces, with a pause between them.
pub(super) struct PausedBody {
    first: Bytes,
    second: Bytes,
    pause: Duration,
    has_length: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl PausedBody {
    pub(super) fn new(mut whole: Bytes, at: usize, pause: Duration) -> Self {
        let second = whole.split_off(at.min(whole.len()));
        Self { first: whole, second, pause, has_length: true, sleep: None }
    }

    /// Hides the length, so that the body is sent in chunks.
    pub(super) fn without_length(self) -> Self {
        Self { has_length: false, ..self }
    }
}

impl http_body::Body for PausedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.second.is_empty() {
            return Poll::Ready(None);
        }
        let pause = self.pause;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        std::task::ready!(sleep.as_mut().poll(context));
        let second = std::mem::take(&mut self.second);
        Poll::Ready(Some(Ok(Frame::data(second))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.second.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.has_length {
            SizeHint::with_exact((self.first.len() + self.second.len()) as u64)
        } else {
            SizeHint::default()
        }
    }
}
