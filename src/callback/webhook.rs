//! Webhooks to the application's back end, as Standard Webhooks defines them.
//!
//! ```text
//! webhook-signature = "v1," base64(HMAC-SHA256(secret, id "." timestamp "." body))
//! ```
//!
//! There are two events: `upload.completed`, and `upload.mismatched` for an object that differs from the grant. The
//! second has no member of the first, so that a reader that ignores the type finds no key.
//!
//! A webhook is sent once. A second attempt would come only moments later and hardly succeed, and OSS does not wait
//! longer. The uploader gets the error, and can send the receipt to the back end.

use std::fmt;
use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::callback::CallbackError;
use crate::callback::event::{ImageInfo, UploadEvent};
use crate::callback::receipt::{Receipt, ReceiptMismatch, ReceiptScope};
use crate::crypto;
use crate::net::{HttpClient, RequestLimits, SendError};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest response of a back end in bytes. A page needs the id of a record and not a file. OSS accepts more,
/// but the deduplicator keeps responses.
const MAX_RESPONSE: usize = 64 * 1024;

const JSON: &str = "application/json";

/// The beginning of every secret.
const SECRET_PREFIX: &str = "whsec_";

/// The allowed length of a secret in bytes, as Standard Webhooks defines it.
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// The key that signs webhooks. `Debug` does not show it.
pub struct WebhookKey(Zeroizing<Vec<u8>>);

impl WebhookKey {
    /// Parses `whsec_` followed by 24 to 64 bytes in base64.
    #[must_use]
    pub fn parse(secret: &Secret) -> Option<Self> {
        let bytes = crypto::from_base64(secret.expose().strip_prefix(SECRET_PREFIX)?)
            .map(Zeroizing::new)?;
        KEY_BYTES.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Returns whether all bytes of the key are equal, so that anyone could guess it.
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

/// The content of a webhook.
#[derive(Clone, Copy, Debug)]
pub(super) struct WebhookMessage<'a> {
    event: &'a UploadEvent,
    receipt: &'a Receipt,
}

impl<'a> WebhookMessage<'a> {
    pub(super) fn new(event: &'a UploadEvent, receipt: &'a Receipt) -> Self {
        Self { event, receipt }
    }

    /// Returns the id of the event, by which the back end recognises repetitions. If the receipt allows one upload
    /// only, there is one event, whatever the entity tag is. Otherwise another object under the same receipt is another
    /// event, and so is the same object with other content.
    fn id(&self) -> String {
        // No key contains a zero byte.
        let event = format!("{}\0{}", self.event.key, self.event.etag);
        let event = if self.receipt.once { "" } else { &event };
        message_id(&self.receipt.id, event)
    }

    /// Returns an id of the event and all reported properties of the object. A webhook with the same [`Self::id`] and
    /// other properties is sent again, because the object may have been deleted and uploaded anew.
    pub(super) fn content_id(&self) -> String {
        let UploadEvent { key, etag, size, content_type, .. } = self.event;
        message_id(&self.receipt.id, &format!("{key}\0{etag}\0{size}\0{content_type}"))
    }

    /// Returns the id of a mismatch at this time. Each one is another event, because the previous one may be settled.
    fn mismatch_id(&self, now: Timestamp) -> String {
        message_id(&format!("{}.mismatched", self.content_id()), &now.unix().to_string())
    }

    /// Returns the response for the uploader if no back end gives one.
    pub(super) fn default_response(&self) -> Bytes {
        write(self.stored_object())
    }

    /// Returns the properties of the stored object.
    fn stored_object(&self) -> Object {
        let Self { event, receipt } = *self;
        let mut stored = texts(&[
            ("key", &event.key),
            ("bucket", &event.bucket),
            ("etag", &event.etag),
            ("type", &event.content_type),
            ("receipt_id", &receipt.id),
        ]);
        stored.insert("size".to_owned(), event.size.into());
        if let Some(ImageInfo { width, height, format }) = &event.image {
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

    /// Returns what was granted and what is stored, without variables and image, which nothing proves here.
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
        let names: Vec<_> = mismatches.iter().map(|one| one.as_str()).collect();
        let mut data = texts(&[("receipt_id", receipt.id.as_str())]);
        data.insert("mismatches".to_owned(), names.into());
        data.insert("granted".to_owned(), granted.into());
        data.insert("stored".to_owned(), stored.into());
        data
    }

    /// Returns the request with `upload.completed`.
    pub(super) fn completed(
        &self,
        delivery: &WebhookDelivery<'_>,
    ) -> Result<Request<Bytes>, CallbackError> {
        let body = self.body("upload.completed", self.stored_object(), delivery.now);
        delivery.request(&self.id(), body)
    }

    /// Returns the request with `upload.mismatched`.
    pub(super) fn mismatched(
        &self,
        mismatches: &[ReceiptMismatch],
        delivery: &WebhookDelivery<'_>,
    ) -> Result<Request<Bytes>, CallbackError> {
        let body = self.body("upload.mismatched", self.mismatch(mismatches), delivery.now);
        delivery.request(&self.mismatch_id(delivery.now), body)
    }

    /// Writes a message with this data, the route and the subject of the grant.
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

/// The destination of one webhook, its key, and the time in which it has to be sent.
#[derive(Clone, Copy)]
pub(super) struct WebhookDelivery<'a> {
    pub(super) url: &'a str,
    /// The signing key; the settings guarantee it if there is a URL.
    pub(super) key: Option<&'a WebhookKey>,
    pub(super) now: Timestamp,
    pub(super) deadline: Instant,
    pub(super) http: &'a dyn HttpClient,
}

impl WebhookDelivery<'_> {
    /// Returns the signed request to the back end.
    fn request(&self, id: &str, body: Bytes) -> Result<Request<Bytes>, CallbackError> {
        let failed = |reason: &str| CallbackError::NotifyFailed(reason.to_owned());
        let key = self.key.ok_or_else(|| failed("there is no secret to sign with"))?;
        let timestamp = self.now.unix().to_string();
        let signature = key.sign(id, &timestamp, &body);
        Request::post(self.url)
            .header("content-type", JSON)
            .header("accept", JSON)
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", &signature)
            .body(body)
            .map_err(|_| failed("the URL of the back end cannot be used"))
    }

    /// Sends the request. Returns the response for the uploader; `None` if the back end's response is empty.
    pub(super) async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Option<Bytes>, CallbackError> {
        let timeout = self.deadline.saturating_duration_since(Instant::now());
        let limits = RequestLimits { timeout, max_body: MAX_RESPONSE, use_proxy: true };
        match self.http.send(request, limits).await {
            Ok(response) => read(response),
            Err(SendError::TimedOut) => Err(CallbackError::NotifyTimedOut),
            Err(error) => Err(CallbackError::NotifyFailed(format!("the back end: {error}"))),
        }
    }
}

fn read(response: Response<Bytes>) -> Result<Option<Bytes>, CallbackError> {
    let status = response.status();
    if !status.is_success() {
        return Err(CallbackError::NotifyFailed(format!(
            "the back end answered {}",
            status.as_u16()
        )));
    }
    let body = response.into_body();
    if body.is_empty() {
        return Ok(None);
    }
    // An object, because every JSON reader on the way accepts one.
    if serde_json::from_slice::<Value>(&body).is_ok_and(|response| response.is_object()) {
        Ok(Some(body))
    } else {
        Err(CallbackError::NotifyFailed("the back end's answer is not a JSON object".to_owned()))
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
