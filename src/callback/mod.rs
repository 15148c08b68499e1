//! An object is stored: is it true, was it granted, and who is told?
//!
//! OSS calls; its signature is verified, then what the receipt allows is compared with what is stored,
//! then the application's back end is told, and what that answers goes back through OSS to the uploader.
//! The HTTP face of it is `routes/callback`; what a receipt says is `receipt`.
//!
//! | file | owns |
//! |---|---|
//! | `event` | what OSS says of the object, in either way of writing it |
//! | `signature` | the proof that OSS says it |
//! | `public_key` | the keys of that proof: which addresses are believed, and what is kept of them |
//! | `webhook` | telling the back end, and reading its answer |
//! | `replay` | answers of those who were told already |
//! | `refused` | why it did not come to that |
//!
//! What needs no network is checked first: the receipt, its expiry, the route, the bucket and the key. The
//! network is used only for a callback about an object that was granted here, so strangers cannot make the
//! function call out at all.
//!
//! Neither proof would do alone. The signature only says that OSS made this call: anyone can have OSS call
//! here from a bucket of theirs and write the body. The receipt only says what was granted, and the
//! uploader has it from the start. Together they say that OSS called on behalf of somebody who was granted
//! this object. Who has a grant and a bucket could still report an upload that did not happen, with any entity
//! tag and image, of the object that was granted to them and of nothing else: where that matters, the back end
//! looks (`HEAD`). The variables are the grant's, since the receipt holds their hash.
//!
//! A callback that is proved is always reported, also where size, type or variables are not those of the
//! grant: then as `upload.mismatched`. Otherwise an uploader could choose a type that the function refuses, and
//! have an object stored of which the back end never hears.

pub mod event;
pub mod public_keys;
pub mod receipt;
pub mod webhook;

mod deduplicator;
mod signed;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::callback::deduplicator::Deduplicator;
use crate::callback::event::Event;
use crate::callback::public_keys::PublicKeys;
use crate::callback::receipt::{Receipt, ReceiptError, ReceiptMismatch, Variables};
use crate::callback::signed::SignedCallback;
use crate::callback::webhook::{WebhookKey, WebhookMessage};
use crate::net::HttpClient;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The time for everything. OSS waits five seconds, and the way here and back is part of them.
const BUDGET: Duration = Duration::from_secs(4);

/// How callbacks are made and verified, and who is told of them.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The keys of receipts; the first one signs, all of them verify, so that one can follow another.
    pub receipt_keys: Vec<Secret>,
    /// `https://host` of this function, where OSS reaches it; without it the platform's name in each call.
    pub public_url: Option<String>,
    /// The back ends that are told, by route.
    pub notify: BTreeMap<String, String>,
    /// What messages to back ends are signed with, `whsec_…`.
    pub webhook_secret: Option<Secret>,
    /// What addresses of OSS's public keys begin with; where none is named, the two that OSS documents. The name of
    /// the file is the documented one in any case.
    pub key_urls: Vec<String>,
}

/// A callback as it arrived. Shows no header and no body.
#[derive(Clone, Copy)]
pub struct CallbackRequest<'a> {
    /// The route that its path names.
    pub route: &'a str,
    /// The names of the variables that this route sets, without `x:`.
    pub variables: &'a [&'a str],
    /// The path, as it was received.
    pub path: &'a str,
    /// The query, as it was received.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, as it was received.
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

/// Says why a callback came to nothing. The texts go to the log; none shows what a caller sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackError {
    /// OSS has not signed this call, or it cannot be told; look who calls.
    SignatureInvalid(&'static str),
    /// The key to tell with cannot be fetched; look whether the function reaches the internet.
    KeyUnavailable {
        /// After how many seconds asking again may help.
        retry_after: u64,
    },
    /// The body is not what the route's forms order; compare the route's `body` with the function's.
    Malformed(&'static str),
    /// The receipt was not sealed here, or not for this object.
    Receipt(ReceiptError),
    /// The object lies where it was granted and is not what was granted; delete it if it does not fit.
    Mismatched(Box<Mismatched>),
    /// The back end was not told, or has not said that it understood; look there.
    NotifyFailed(String),
    /// The back end did not answer in time, and may have been told; look there.
    NotifyTimedOut,
}

/// An object that lies where it was granted and is not what was granted. It names the object, since without
/// a back end the log is the only place where somebody can learn of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatched {
    /// In what it differs.
    pub mismatches: Vec<ReceiptMismatch>,
    /// The receipt's id.
    pub receipt_id: String,
    /// The object's key.
    pub key: String,
    /// What became of the webhook; `None` where the route has no back end.
    pub webhook: Option<Result<(), CallbackError>>,
}

impl From<ReceiptError> for CallbackError {
    fn from(refused: ReceiptError) -> Self {
        Self::Receipt(refused)
    }
}

/// Verifies callbacks, and tells the back ends.
#[derive(Debug)]
pub struct UploadCallback {
    receipt_keys: Vec<Secret>,
    public_url: Option<String>,
    public_keys: PublicKeys,
    notify: BTreeMap<String, String>,
    signing_key: Option<WebhookKey>,
    replays: Deduplicator,
}

impl UploadCallback {
    /// Takes the settings, which have been checked; fetches nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let signing_key = options.webhook_secret.as_ref().and_then(WebhookKey::parse);
        Self {
            receipt_keys: options.receipt_keys,
            public_url: options.public_url,
            public_keys: PublicKeys::new(options.key_urls),
            notify: options.notify,
            signing_key,
            replays: Deduplicator::default(),
        }
    }

    /// Gives the key that new receipts are sealed with.
    #[must_use]
    pub fn receipt_key(&self) -> Option<&Secret> {
        self.receipt_keys.first()
    }

    /// Gives `https://host` of this function, where it is known.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// Verifies a callback and sends the route's back end a webhook; gives the JSON that OSS passes on.
    pub async fn complete(
        &self,
        call: &CallbackRequest<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Bytes, CallbackError> {
        let deadline = Instant::now() + BUDGET;
        let proof = SignedCallback::read(call)?;
        let key_url = self.public_keys.address(&proof.key_url);
        let not_oss = CallbackError::SignatureInvalid("the key is not at an address of OSS");
        let key_url = key_url.ok_or(not_oss)?;
        let mut event = Event::read(call.headers, call.body)?;
        let receipt = Receipt::verify(&event.receipt, &self.receipt_keys)?;
        receipt.check_location(call.route, &event.stored(), now)?;
        let no_key = CallbackError::KeyUnavailable { retry_after: 1 };
        within(deadline, no_key, self.public_keys.verify(&proof, &key_url, now, http)).await?;
        let mut mismatches = receipt.mismatches(&event.stored());
        match granted_variables(&event.variables, &receipt, call.variables) {
            Some(variables) => event.variables = variables,
            None => mismatches.push(ReceiptMismatch::Variables),
        }
        let message = WebhookMessage::new(&event, &receipt);
        let url = self.notify.get(call.route);
        let network = (deadline, http);
        if mismatches.is_empty() {
            return match url {
                Some(url) => self.tell_once(&message, url, now, network).await,
                None => Ok(message.own_answer()),
            };
        }
        let webhook = match url {
            Some(url) => Some(self.report(&message, &mismatches, (url, now), network).await),
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

    /// Sends `upload.completed`, unless it has been sent: then the answer of that time is the answer.
    async fn tell_once(
        &self,
        message: &WebhookMessage<'_>,
        url: &str,
        now: Timestamp,
        (deadline, http): (Instant, &dyn HttpClient),
    ) -> Result<Bytes, CallbackError> {
        within(deadline, CallbackError::NotifyTimedOut, async {
            let slot = self.replays.slot(&message.content_id());
            let mut known = slot.lock().await;
            if let Some(answer) = known.as_ref() {
                return Ok(answer.clone());
            }
            let request = message.completed(url, self.signing_key()?, now)?;
            let answer = webhook::send(request, deadline, http).await?;
            Ok(known.insert(answer.unwrap_or_else(|| message.own_answer())).clone())
        })
        .await
    }

    /// Sends `upload.mismatched`, each time: after the back end has deleted the object, the same upload under
    /// the same grant has to be reported again.
    async fn report(
        &self,
        message: &WebhookMessage<'_>,
        mismatches: &[ReceiptMismatch],
        (url, now): (&str, Timestamp),
        (deadline, http): (Instant, &dyn HttpClient),
    ) -> Result<(), CallbackError> {
        within(deadline, CallbackError::NotifyTimedOut, async {
            let request = message.mismatched(mismatches, url, self.signing_key()?, now)?;
            webhook::send(request, deadline, http).await.map(drop)
        })
        .await
    }

    fn signing_key(&self) -> Result<&WebhookKey, CallbackError> {
        let missing = || CallbackError::NotifyFailed("there is no secret to sign with".to_owned());
        self.signing_key.as_ref().ok_or_else(missing)
    }
}

/// Waits until the deadline, then returns `late`.
async fn within<T>(
    deadline: Instant,
    late: CallbackError,
    work: impl Future<Output = Result<T, CallbackError>>,
) -> Result<T, CallbackError> {
    timeout_at(deadline, work).await.unwrap_or(Err(late))
}

/// Returns the variables that the grant set, or `None` where the callback does not tell them as they were set.
///
/// Names that the route does not set are dropped. All of them together are tried first, so that a grant of the
/// moment before the settings changed still holds.
fn granted_variables(told: &Variables, receipt: &Receipt, names: &[&str]) -> Option<Variables> {
    if receipt.variables_hash.is_none() {
        // Issued by an earlier version, which let the callback say any variable.
        return names.is_empty().then(Variables::new);
    }
    let mut of_route = told.clone();
    of_route.retain(|(name, _)| names.contains(&name.as_str()));
    let is_granted = |variables: &&Variables| receipt.has_variables(variables);
    [told, &of_route].into_iter().find(is_granted).cloned()
}
