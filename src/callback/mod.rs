//! Upload callbacks: OSS reports a stored object, and the application's back end gets a webhook.
//!
//! The signature of OSS is verified, then the stored object is compared with the receipt of its grant, then the
//! webhook is sent. The response of the back end goes back through OSS to the uploader. The HTTP side is
//! `http::callback`.
//!
//! | file | owns |
//! |---|---|
//! | `event` | the content of a callback: a form or JSON |
//! | `signed` | the signature of a callback, and the text that it signs |
//! | `public_keys` | OSS's public keys: which URLs are accepted, and the cache |
//! | `receipt` | the signed text that states what was granted |
//! | `upload_token` | the signed text that is the state of an upload in parts |
//! | `webhook` | the message to the back end, and its response |
//! | `deduplicator` | responses to webhooks that have been sent |
//!
//! Everything that needs no network is checked first: the receipt, its expiry, the route, the bucket and the key.
//! The network is used only for a callback about an object that was granted here, so strangers cannot make the
//! function send requests.
//!
//! Signature and receipt are both necessary. The signature proves only that OSS sends this request: anyone can make
//! OSS send one from a bucket of their own, with any body. The receipt proves only what was granted, and the
//! uploader has had it from the start. Together they prove that OSS sends the request for an upload under this
//! grant. A caller who has a grant and a bucket of their own can still report an upload that did not happen, with
//! any entity tag and image, but only for the object that was granted to them. Where that matters, the back end
//! checks the object (`HEAD`). The variables are those of the grant, because the receipt contains their hash.
//!
//! A verified callback is always reported, also if size, type or variables differ from the grant: then as
//! `upload.mismatched`. Otherwise an uploader could choose a type that the function refuses, and an object would be
//! stored without a report.

pub mod event;
pub mod public_keys;
pub mod receipt;
pub mod upload_token;
pub mod webhook;

mod deduplicator;
mod signed;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::callback::deduplicator::Deduplicator;
use crate::callback::event::UploadEvent;
use crate::callback::public_keys::PublicKeys;
use crate::callback::receipt::{Receipt, ReceiptError, ReceiptMismatch, Variables};
use crate::callback::signed::SignedCallback;
use crate::callback::webhook::{WebhookDelivery, WebhookKey, WebhookMessage};
use crate::net::HttpClient;
use crate::secret::Secret;
use crate::store::SharedStore;
use crate::time::Timestamp;

/// The time for one callback. OSS waits for five seconds, including the way to the function and back.
const TIME_LIMIT: Duration = Duration::from_secs(4);

/// The settings of upload callbacks.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The keys of receipts. The first one signs, all of them verify, so that keys can be rotated.
    pub receipt_keys: Vec<Secret>,
    /// `https://host` at which OSS reaches this function. Without it, the platform's host name in each request.
    pub public_url: Option<String>,
    /// The URL of the back end, by route.
    pub webhook_urls: BTreeMap<String, String>,
    /// The secret that signs webhooks, `whsec_…`.
    pub webhook_secret: Option<Secret>,
    /// The beginnings of accepted URLs of OSS's public keys; empty for the two that OSS documents. The name of the file
    /// is the documented one in any case.
    pub key_urls: Vec<String>,
}

/// A callback as it was received. `Debug` shows neither headers nor body.
#[derive(Clone, Copy)]
pub struct CallbackRequest<'a> {
    /// The route in the path.
    pub route: &'a str,
    /// The names of the custom variables that this route sets, without `x:`.
    pub variables: &'a [&'a str],
    /// The path as it was received.
    pub path: &'a str,
    /// The query as it was received.
    pub query: Option<&'a str>,
    /// The headers as they were received.
    pub headers: &'a HeaderMap,
    /// The body as it was received.
    pub body: &'a [u8],
}

impl fmt::Debug for CallbackRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CallbackRequest")
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

/// The reason why a callback is not answered with success. The texts are for the log; none contains what a client
/// has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackError {
    /// OSS has not signed this request, or the signature cannot be read: check who sends it.
    SignatureInvalid(&'static str),
    /// The key that verifies the signature cannot be fetched: check that the function reaches the internet.
    KeyUnavailable {
        /// Seconds after which another attempt may succeed.
        retry_after: u64,
    },
    /// The body is not the one that the route's forms define: compare the route's `body` with the default.
    Malformed(&'static str),
    /// The receipt was not signed with a key of this function, or is for another object.
    Receipt(ReceiptError),
    /// The object is at the granted key and differs from the grant: delete it if it is not wanted.
    Mismatched(Box<Mismatched>),
    /// The webhook could not be sent, or the back end has not confirmed it: check the back end.
    NotifyFailed(String),
    /// The back end has not answered in time, and may have received the webhook: check the back end.
    NotifyTimedOut,
}

/// An object at the granted key that differs from the grant. It names the object, because without a back end the
/// log is the only report of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatched {
    /// The properties that differ.
    pub mismatches: Vec<ReceiptMismatch>,
    /// The id of the receipt.
    pub receipt_id: String,
    /// The object's key.
    pub key: String,
    /// The result of the webhook; `None` if the route has no back end.
    pub webhook: Option<Result<(), CallbackError>>,
}

impl From<ReceiptError> for CallbackError {
    fn from(refused: ReceiptError) -> Self {
        Self::Receipt(refused)
    }
}

/// Verifies upload callbacks and sends webhooks.
#[derive(Debug)]
pub struct UploadCallback {
    receipt_keys: Vec<Secret>,
    public_url: Option<String>,
    public_keys: PublicKeys,
    webhook_urls: BTreeMap<String, String>,
    webhook_key: Option<WebhookKey>,
    deduplicator: Deduplicator,
}

impl UploadCallback {
    /// Takes the settings, which have been validated. Fetches nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let webhook_key = options.webhook_secret.as_ref().and_then(WebhookKey::parse);
        Self {
            receipt_keys: options.receipt_keys,
            public_url: options.public_url,
            public_keys: PublicKeys::new(options.key_urls),
            webhook_urls: options.webhook_urls,
            webhook_key,
            deduplicator: Deduplicator::default(),
        }
    }

    /// Shares the responses of back ends with all other instances.
    #[must_use]
    pub fn with_store(mut self, store: Arc<SharedStore>) -> Self {
        self.deduplicator.store = Some(store);
        self
    }

    /// Returns the key that signs new receipts.
    #[must_use]
    pub fn receipt_key(&self) -> Option<&Secret> {
        self.receipt_keys.first()
    }

    /// Returns `https://host` of this function, if it is configured.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// Verifies a callback and sends the webhook of its route. Returns the JSON that OSS passes on to the uploader.
    pub async fn complete(
        &self,
        request: &CallbackRequest<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Bytes, CallbackError> {
        let deadline = Instant::now() + TIME_LIMIT;
        let signed = SignedCallback::read(request)?;
        let not_oss = CallbackError::SignatureInvalid("the URL of the key is not one of OSS's");
        let key_url = self.public_keys.parse_url(&signed.key_url).ok_or(not_oss)?;
        let mut event = UploadEvent::read(request.headers, request.body)?;
        let receipt = Receipt::verify(&event.receipt, &self.receipt_keys)?;
        receipt.check_location(request.route, &event.stored_object(), now)?;
        let no_key = CallbackError::KeyUnavailable { retry_after: 1 };
        within(deadline, no_key, self.public_keys.verify(&signed, &key_url, now, http)).await?;
        let mut mismatches = receipt.mismatches(&event.stored_object());
        match granted_variables(&event.variables, &receipt, request.variables) {
            Some(variables) => event.variables = variables,
            None => mismatches.push(ReceiptMismatch::Variables),
        }
        let message = WebhookMessage::new(&event, &receipt);
        let key = self.webhook_key.as_ref();
        let url = self.webhook_urls.get(request.route);
        let delivery = url.map(|url| WebhookDelivery { url, key, now, deadline, http });
        if mismatches.is_empty() {
            return match &delivery {
                Some(delivery) => self.send_once(&message, delivery).await,
                None => Ok(message.default_response()),
            };
        }
        let webhook = match &delivery {
            Some(delivery) => Some(send_mismatched(&message, &mismatches, delivery).await),
            None => None,
        };
        let (receipt_id, key) = (receipt.id.clone(), event.key.clone());
        Err(CallbackError::Mismatched(Box::new(Mismatched {
            mismatches,
            receipt_id,
            key,
            webhook,
        })))
    }

    /// Sends `upload.completed`, unless it has been sent. Then it returns the response of that time.
    async fn send_once(
        &self,
        message: &WebhookMessage<'_>,
        delivery: &WebhookDelivery<'_>,
    ) -> Result<Bytes, CallbackError> {
        within(delivery.deadline, CallbackError::NotifyTimedOut, async {
            let (id, now) = (message.content_id(), delivery.now);
            let slot = self.deduplicator.slot(&id);
            let mut known = slot.lock().await;
            if let Some(response) = known.as_ref() {
                return Ok(response.clone());
            }
            if let Some(response) = self.deduplicator.claim(&id, now).await {
                return Ok(known.insert(response).clone());
            }
            let sent = delivery.send(message.completed(delivery)?).await;
            let response = sent.map(|sent| sent.unwrap_or_else(|| message.default_response()));
            self.deduplicator.share(&id, response.as_ref().ok(), now).await;
            Ok(known.insert(response?).clone())
        })
        .await
    }
}

/// Sends `upload.mismatched`, every time: when the back end has deleted the object, the same upload under the same
/// grant has to be reported again.
async fn send_mismatched(
    message: &WebhookMessage<'_>,
    mismatches: &[ReceiptMismatch],
    delivery: &WebhookDelivery<'_>,
) -> Result<(), CallbackError> {
    within(delivery.deadline, CallbackError::NotifyTimedOut, async {
        delivery.send(message.mismatched(mismatches, delivery)?).await.map(drop)
    })
    .await
}

/// Waits for `work` until the deadline, then returns the error `late`.
async fn within<T>(
    deadline: Instant,
    late: CallbackError,
    work: impl Future<Output = Result<T, CallbackError>>,
) -> Result<T, CallbackError> {
    timeout_at(deadline, work).await.unwrap_or(Err(late))
}

/// Returns the variables that the grant set; `None` if the callback reports other values.
///
/// Variables that the route does not set are dropped. All of them together are tried first, so that a grant from
/// just before a change of the settings is accepted.
fn granted_variables(reported: &Variables, receipt: &Receipt, names: &[&str]) -> Option<Variables> {
    if receipt.variables_hash.is_none() {
        // Issued by an earlier version, which accepted any variables.
        return names.is_empty().then(Variables::new);
    }
    let mut known = reported.clone();
    known.retain(|(name, _)| names.contains(&name.as_str()));
    let is_set = |variables: &&Variables| receipt.has_variables(variables);
    [reported, &known].into_iter().find(is_set).cloned()
}
