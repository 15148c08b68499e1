//! Telling the application's back end, as Standard Webhooks has it, and reading its answer.
//!
//! ```text
//! webhook-signature = "v1," base64(HMAC-SHA256(secret, id "." timestamp "." body))
//! ```
//!
//! Said once: nothing is sent again from here. Who was not reached for want of a connection would hardly be a
//! moment later, and OSS does not wait longer; the uploader hears of it, and can hand the receipt to
//! the back end.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::completion::event::Event;
use crate::completion::event::Image;
use crate::completion::refused::Refused;
use crate::crypto;
use crate::http_client::HttpClient;
use crate::http_client::SendError;
use crate::http_client::Terms;
use crate::receipt::Receipt;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest answer of a back end. A page wants a record's id and not a file; OSS would take more, but
/// answers are kept for replays.
const MAX_ANSWER: usize = 64 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What stands before a secret.
const WHSEC: &str = "whsec_";

/// How many bytes a secret may have, as Standard Webhooks has it.
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// What messages are signed with. Shows nothing of it.
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl SigningKey {
    /// Reads `whsec_` and 24 to 64 bytes in base64.
    #[must_use]
    pub fn parse(secret: &Secret) -> Option<Self> {
        let bytes =
            crypto::from_base64(secret.expose().strip_prefix(WHSEC)?).map(Zeroizing::new)?;
        KEY_BYTES.contains(&bytes.len()).then_some(Self(bytes))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        let code = crypto::hmac_sha256(&self.0, &signed);
        format!("v1,{}", crypto::base64(code.as_slice()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}

/// What the back end is told of.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message<'a> {
    /// Left out of the uploader's answer, like the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    key: &'a str,
    bucket: &'a str,
    etag: &'a str,
    size: u64,
    #[serde(rename = "type")]
    content_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a Image>,
    receipt_id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Webhook<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: &'a Message<'a>,
}

impl<'a> Message<'a> {
    pub(super) fn new(event: &'a Event, receipt: &'a Receipt) -> Self {
        Self {
            route: Some(&receipt.route),
            subject: receipt.subject.as_deref(),
            key: &event.key,
            bucket: &event.bucket,
            etag: &event.etag,
            size: event.size,
            content_type: &event.content_type,
            image: event.image.as_ref(),
            receipt_id: &receipt.id,
            variables: &event.variables,
        }
    }

    /// Names the event: the same for a replay, another one for another object under the same receipt, and
    /// for the same object with other content.
    pub(super) fn id(&self) -> String {
        // No key holds a zero byte.
        let event = format!("{}\0{}", self.key, self.etag);
        let code = crypto::hmac_sha256(self.receipt_id.as_bytes(), event.as_bytes());
        format!("msg_{}", crypto::hex(&code[..16]))
    }

    /// Writes what is answered where nobody else has an answer.
    pub(super) fn own_answer(&self) -> Bytes {
        json(&Self { route: None, subject: None, ..self.clone() })
    }

    /// Writes the request to the back end.
    pub(super) fn request(
        &self,
        id: &str,
        url: &str,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Request<Bytes>, Refused> {
        let told = Webhook { kind: "upload.completed", timestamp: now.rfc3339(), data: self };
        let body = json(&told);
        let signature = key.sign(id, now.unix(), &body);
        let failed = || Refused::NotifyFailed("its address cannot be used".to_owned());
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse::<Uri>().map_err(|_| failed())?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ACCEPT, JSON);
        headers.insert("webhook-timestamp", now.unix().into());
        for (name, value) in [("webhook-id", id), ("webhook-signature", &signature)] {
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| failed())?);
        }
        Ok(request)
    }
}

/// Sends the request and reads what the uploader is to be answered; nothing leaves that to us.
pub(super) async fn send(
    request: Request<Bytes>,
    deadline: Instant,
    http: &dyn HttpClient,
) -> Result<Option<Bytes>, Refused> {
    let time = deadline.saturating_duration_since(Instant::now());
    let terms = Terms { time, max_body: MAX_ANSWER, proxy: true };
    match http.send(request, terms).await {
        Ok(answer) => read(answer),
        Err(SendError::TimedOut) => Err(Refused::NotifyTimedOut),
        Err(error) => Err(Refused::NotifyFailed(error.to_string())),
    }
}

fn read(answer: Response<Bytes>) -> Result<Option<Bytes>, Refused> {
    let status = answer.status();
    if !status.is_success() {
        return Err(Refused::NotifyFailed(format!("it answered {}", status.as_u16())));
    }
    let body = answer.into_body();
    if body.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice::<IgnoredAny>(&body) {
        Ok(_) => Ok(Some(body)),
        Err(_) => Err(Refused::NotifyFailed("its answer is not JSON".to_owned())),
    }
}

/// Texts and numbers under text keys: there is nothing here that JSON cannot say.
fn json(value: &impl Serialize) -> Bytes {
    sonic_rs::to_vec(value).unwrap_or_default().into()
}
