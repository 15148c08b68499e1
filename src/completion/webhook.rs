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
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::Serializer;
use serde_json::Map;
use serde_json::Value;
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

const JSON: &str = "application/json";

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

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
        Json::Object(self.stored()).write()
    }

    /// Says what is stored.
    fn stored(&self) -> Members<'a> {
        let Self { event, receipt } = *self;
        let mut members = vec![
            ("key", Json::Text(&event.key)),
            ("bucket", Json::Text(&event.bucket)),
            ("etag", Json::Text(&event.etag)),
            ("size", Json::Number(event.size)),
            ("type", Json::Text(&event.content_type)),
        ];
        if let Some(Image { width, height, format }) = &event.image {
            let image = [
                ("width", Json::Number(*width)),
                ("height", Json::Number(*height)),
                ("format", Json::Text(format)),
            ];
            members.push(("image", Json::Object(image.into())));
        }
        members.push(("receipt_id", Json::Text(&receipt.id)));
        if !event.variables.is_empty() {
            let variables = event.variables.iter();
            let variables = variables.map(|(name, value)| (name.as_str(), Json::Text(value)));
            members.push(("variables", Json::Object(variables.collect())));
        }
        members
    }

    /// Says what is stored, for whom and by which route.
    fn told(&self, now: &str) -> Bytes {
        let mut data = vec![("route", Json::Text(&self.receipt.route))];
        data.extend(self.receipt.subject.iter().map(|subject| ("subject", Json::Text(subject))));
        data.extend(self.stored());
        let message = [
            ("type", Json::Text("upload.completed")),
            ("timestamp", Json::Text(now)),
            ("data", Json::Object(data)),
        ];
        Json::Object(message.into()).write()
    }

    /// Writes the request to the back end.
    pub(super) fn request(
        &self,
        id: &str,
        url: &str,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Request<Bytes>, Refused> {
        let body = self.told(&now.rfc3339());
        let timestamp = now.unix().to_string();
        let signature = key.sign(id, &timestamp, &body);
        let failed = || Refused::NotifyFailed("the back end's address cannot be used".to_owned());
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse::<Uri>().map_err(|_| failed())?;
        for (name, value) in [
            (CONTENT_TYPE, JSON),
            (ACCEPT, JSON),
            (WEBHOOK_ID, id),
            (WEBHOOK_TIMESTAMP, &timestamp),
            (WEBHOOK_SIGNATURE, &signature),
        ] {
            let value = HeaderValue::from_str(value).map_err(|_| failed())?;
            request.headers_mut().insert(name, value);
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
    match serde_json::from_slice::<Map<String, Value>>(&body) {
        Ok(_) => Ok(Some(body)),
        Err(_) => Err(Refused::NotifyFailed("the back end's answer is no JSON object".to_owned())),
    }
}

type Members<'a> = Vec<(&'a str, Json<'a>)>;

/// As much of JSON as is told here. One type of value is a tenth of the code of a type for each object.
enum Json<'a> {
    Text(&'a str),
    Number(u64),
    Object(Members<'a>),
}

impl Json<'_> {
    fn write(&self) -> Bytes {
        // Texts and numbers under text keys: there is nothing here that JSON cannot say.
        sonic_rs::to_vec(self).unwrap_or_default().into()
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}
