//! Telling the application's back end, as Standard Webhooks has it, and reading its answer.
//!
//! ```text
//! webhook-signature = "v1," base64(HMAC-SHA256(secret, id "." timestamp "." body))
//! ```
//!
//! Said once: nothing is sent again from here. Who was not reached for want of a connection would hardly be a
//! moment later, and OSS does not wait longer; the uploader hears of it, and can hand the receipt to
//! the back end.

use std::fmt;
use std::ops::RangeInclusive;

use bytes::Bytes;
use http::Request;
use http::Response;
use serde_json::Map;
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::callback::event::Event;
use crate::callback::event::Image;
use crate::callback::refused::Refused;
use crate::crypto;
use crate::net::HttpClient;
use crate::net::RequestLimits;
use crate::net::SendError;
use crate::receipt::Receipt;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest answer of a back end. A page wants a record's id and not a file; OSS would take more, but
/// answers are kept for replays.
const MAX_ANSWER: usize = 64 * 1024;

const JSON: &str = "application/json";

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

    /// Tells whether all bytes of the key are the same, so that anybody can guess it.
    #[must_use]
    pub fn is_one_byte_repeated(&self) -> bool {
        self.0.iter().all(|byte| Some(byte) == self.0.first())
    }

    fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    event: &'a Event,
    receipt: &'a Receipt,
}

impl<'a> Message<'a> {
    pub(super) fn new(event: &'a Event, receipt: &'a Receipt) -> Self {
        Self { event, receipt }
    }

    /// Names the event: the same for a replay, another one for another object under the same receipt, and
    /// for the same object with other content.
    pub(super) fn id(&self) -> String {
        // No key holds a zero byte.
        let event = format!("{}\0{}", self.event.key, self.event.etag);
        let code = crypto::hmac_sha256(self.receipt.id.as_bytes(), event.as_bytes());
        format!("msg_{}", crypto::hex(&code[..16]))
    }

    /// Writes what is answered where nobody else has an answer.
    pub(super) fn own_answer(&self) -> Bytes {
        write(self.stored())
    }

    /// Says what is stored.
    fn stored(&self) -> Object {
        let Self { event, receipt } = *self;
        let mut stored = texts(&[
            ("key", &event.key),
            ("bucket", &event.bucket),
            ("etag", &event.etag),
            ("type", &event.content_type),
            ("receipt_id", &receipt.id),
        ]);
        stored.insert("size".to_owned(), event.size.into());
        if let Some(Image { width, height, format }) = &event.image {
            let mut image = texts(&[("format", format.as_str())]);
            image.insert("width".to_owned(), (*width).into());
            image.insert("height".to_owned(), (*height).into());
            stored.insert("image".to_owned(), image.into());
        }
        if !event.variables.is_empty() {
            let variables = event.variables.iter();
            let variables: Vec<_> =
                variables.map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let variables = texts(&variables);
            stored.insert("variables".to_owned(), variables.into());
        }
        stored
    }

    /// Says what is stored, for whom and by which route.
    fn told(&self, now: Timestamp) -> Bytes {
        let Receipt { route, subject, .. } = self.receipt;
        let mut data = self.stored();
        data.insert("route".to_owned(), route.as_str().into());
        if let Some(subject) = subject {
            data.insert("subject".to_owned(), subject.as_str().into());
        }
        let mut message = texts(&[("type", "upload.completed"), ("timestamp", &now.rfc3339())]);
        message.insert("data".to_owned(), data.into());
        write(message)
    }

    /// Writes the request to the back end.
    pub(super) fn request(
        &self,
        id: &str,
        url: &str,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Request<Bytes>, Refused> {
        let body = self.told(now);
        let timestamp = now.unix().to_string();
        let signature = key.sign(id, &timestamp, &body);
        let request = Request::post(url)
            .header("content-type", JSON)
            .header("accept", JSON)
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", &signature);
        let failed = |_| Refused::NotifyFailed("the back end's address cannot be used".to_owned());
        request.body(body).map_err(failed)
    }
}

/// Sends the request and reads what the uploader is to be answered; nothing leaves that to us.
pub(super) async fn send(
    request: Request<Bytes>,
    deadline: Instant,
    http: &dyn HttpClient,
) -> Result<Option<Bytes>, Refused> {
    let time = deadline.saturating_duration_since(Instant::now());
    let limits = RequestLimits { timeout: time, max_body: MAX_ANSWER, use_proxy: true };
    match http.send(request, limits).await {
        Ok(answer) => read(answer),
        Err(SendError::TimedOut) => Err(Refused::NotifyTimedOut),
        Err(error) => Err(Refused::NotifyFailed(format!("the back end: {error}"))),
    }
}

fn read(answer: Response<Bytes>) -> Result<Option<Bytes>, Refused> {
    let status = answer.status();
    if !status.is_success() {
        return Err(Refused::NotifyFailed(format!("the back end answered {}", status.as_u16())));
    }
    let body = answer.into_body();
    if body.is_empty() {
        return Ok(None);
    }
    // An object, since that is what every reader of JSON on the way takes.
    if serde_json::from_slice::<Value>(&body).is_ok_and(|answer| answer.is_object()) {
        Ok(Some(body))
    } else {
        Err(Refused::NotifyFailed("the back end's answer is no JSON object".to_owned()))
    }
}

type Object = Map<String, Value>;

fn texts(members: &[(&str, &str)]) -> Object {
    let mut object = Object::new();
    for (name, value) in members {
        object.insert((*name).to_owned(), (*value).into());
    }
    object
}

fn write(object: Object) -> Bytes {
    Value::from(object).to_string().into()
}
