//! Telling the application's back end, as Standard Webhooks has it, and reading its answer.
//!
//! ```text
//! webhook-signature = "v1," base64(HMAC-SHA256(secret, id "." timestamp "." body))
//! ```
//!
//! Two events are reported: `upload.completed`, and `upload.mismatched` for an object that is not what was
//! granted. The second has no member of the first, so that a reader that does not look at the type finds no key.
//!
//! Said once: nothing is sent again from here. Who was not reached for want of a connection would hardly be a
//! moment later, and OSS does not wait longer; the uploader hears of it, and can hand the receipt to
//! the back end.

use std::fmt;
use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::callback::CallbackError;
use crate::callback::event::{Event, Image};
use crate::callback::receipt::{Receipt, ReceiptMismatch, ReceiptScope};
use crate::crypto;
use crate::net::{HttpClient, RequestLimits, SendError};
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
pub struct WebhookKey(Zeroizing<Vec<u8>>);

impl WebhookKey {
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

impl fmt::Debug for WebhookKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookKey(…)")
    }
}

/// What the back end is told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct WebhookMessage<'a> {
    event: &'a Event,
    receipt: &'a Receipt,
}

impl<'a> WebhookMessage<'a> {
    pub(super) fn new(event: &'a Event, receipt: &'a Receipt) -> Self {
        Self { event, receipt }
    }

    /// Names the event, which the back end does once. Where the receipt stands for one upload, it is one event
    /// whatever entity tag is told. Else it is another one for another object under the same receipt, and for
    /// the same object with other content.
    fn id(&self) -> String {
        // No key holds a zero byte.
        let event = format!("{}\0{}", self.event.key, self.event.etag);
        let event = if self.receipt.once { "" } else { &event };
        message_id(&self.receipt.id, event)
    }

    /// Names the event and everything that is told of the object. Under one [`Self::id`] another content is
    /// sent again, since the object can have been deleted and uploaded anew in the meantime.
    pub(super) fn content_id(&self) -> String {
        let Event { key, etag, size, content_type, .. } = self.event;
        message_id(&self.receipt.id, &format!("{key}\0{etag}\0{size}\0{content_type}"))
    }

    /// Names a mismatch at this moment: each is another event, since the one before may have been dealt with.
    fn mismatch_id(&self, now: Timestamp) -> String {
        message_id(&format!("{}.mismatched", self.content_id()), &now.unix().to_string())
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

    /// Says what was granted and what is stored instead. No variable and no image: nothing vouches for them.
    fn mismatch(&self, mismatches: &[ReceiptMismatch]) -> Object {
        let Self { event, receipt } = *self;
        let mut granted = match &receipt.scope {
            ReceiptScope::Key(key) => texts(&[("key", key.as_str())]),
            ReceiptScope::Prefix(prefix) => texts(&[("prefix", prefix.as_str())]),
        };
        granted.insert("min".to_owned(), receipt.min_size.into());
        granted.insert("max".to_owned(), receipt.max_size.into());
        if !receipt.types.is_empty() {
            granted.insert("types".to_owned(), receipt.types.clone().into());
        }
        let mut stored = texts(&[
            ("bucket", &event.bucket),
            ("key", &event.key),
            ("etag", &event.etag),
            ("type", &event.content_type),
        ]);
        stored.insert("size".to_owned(), event.size.into());
        let words: Vec<_> = mismatches.iter().map(|one| one.as_str()).collect();
        let mut data = texts(&[("receipt_id", receipt.id.as_str())]);
        data.insert("mismatches".to_owned(), words.into());
        data.insert("granted".to_owned(), granted.into());
        data.insert("stored".to_owned(), stored.into());
        data
    }

    /// Writes the request that says `upload.completed`.
    pub(super) fn completed(
        &self,
        url: &str,
        key: &WebhookKey,
        now: Timestamp,
    ) -> Result<Request<Bytes>, CallbackError> {
        let body = self.body("upload.completed", self.stored(), now);
        request(&self.id(), url, (key, now), body)
    }

    /// Writes the request that says `upload.mismatched`.
    pub(super) fn mismatched(
        &self,
        mismatches: &[ReceiptMismatch],
        url: &str,
        key: &WebhookKey,
        now: Timestamp,
    ) -> Result<Request<Bytes>, CallbackError> {
        let body = self.body("upload.mismatched", self.mismatch(mismatches), now);
        request(&self.mismatch_id(now), url, (key, now), body)
    }

    /// Writes a message with this data, and for whom and by which route it was granted.
    fn body(&self, kind: &str, mut data: Object, now: Timestamp) -> Bytes {
        let Receipt { route, subject, .. } = self.receipt;
        data.insert("route".to_owned(), route.as_str().into());
        if let Some(subject) = subject {
            data.insert("subject".to_owned(), subject.as_str().into());
        }
        let mut message = texts(&[("type", kind), ("timestamp", &now.rfc3339())]);
        message.insert("data".to_owned(), data.into());
        write(message)
    }
}

fn message_id(key: &str, event: &str) -> String {
    let code = crypto::hmac_sha256(key.as_bytes(), event.as_bytes());
    format!("msg_{}", crypto::hex(&code[..16]))
}

/// Writes the request to the back end.
fn request(
    id: &str,
    url: &str,
    (key, now): (&WebhookKey, Timestamp),
    body: Bytes,
) -> Result<Request<Bytes>, CallbackError> {
    let timestamp = now.unix().to_string();
    let signature = key.sign(id, &timestamp, &body);
    let request = Request::post(url)
        .header("content-type", JSON)
        .header("accept", JSON)
        .header("webhook-id", id)
        .header("webhook-timestamp", &timestamp)
        .header("webhook-signature", &signature);
    let failed =
        |_| CallbackError::NotifyFailed("the back end's address cannot be used".to_owned());
    request.body(body).map_err(failed)
}

/// Sends the request and reads what the uploader is to be answered; nothing leaves that to us.
pub(super) async fn send(
    request: Request<Bytes>,
    deadline: Instant,
    http: &dyn HttpClient,
) -> Result<Option<Bytes>, CallbackError> {
    let time = deadline.saturating_duration_since(Instant::now());
    let limits = RequestLimits { timeout: time, max_body: MAX_ANSWER, use_proxy: true };
    match http.send(request, limits).await {
        Ok(answer) => read(answer),
        Err(SendError::TimedOut) => Err(CallbackError::NotifyTimedOut),
        Err(error) => Err(CallbackError::NotifyFailed(format!("the back end: {error}"))),
    }
}

fn read(answer: Response<Bytes>) -> Result<Option<Bytes>, CallbackError> {
    let status = answer.status();
    if !status.is_success() {
        return Err(CallbackError::NotifyFailed(format!(
            "the back end answered {}",
            status.as_u16()
        )));
    }
    let body = answer.into_body();
    if body.is_empty() {
        return Ok(None);
    }
    // An object, since that is what every reader of JSON on the way takes.
    if serde_json::from_slice::<Value>(&body).is_ok_and(|answer| answer.is_object()) {
        Ok(Some(body))
    } else {
        Err(CallbackError::NotifyFailed("the back end's answer is no JSON object".to_owned()))
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
