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
//! What costs nothing is looked at first. The network is used only for somebody who shows a receipt that was
//! sealed here, so strangers cannot make us call out at all.
//!
//! Neither proof would do alone. The signature only says that OSS made this call: anyone can have OSS call
//! here from a bucket of theirs and write the body. The receipt only says what was granted, and the
//! uploader has it from the start. Together they say that OSS called on behalf of somebody who was granted
//! this object. Who has a grant and a bucket could still report an upload that did not happen, of the object
//! that was granted to them and of nothing else: where that matters, the back end looks (`HEAD`).

pub mod event;
pub mod public_key;
pub mod refused;
pub mod webhook;

mod replay;
mod signature;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::callback::event::Event;
use crate::callback::public_key::PublicKeys;
use crate::callback::refused::Refused;
use crate::callback::replay::Replays;
use crate::callback::signature::Proof;
use crate::callback::webhook::Message;
use crate::callback::webhook::SigningKey;
use crate::net::HttpClient;
use crate::receipt::Receipt;
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
    /// What addresses of OSS's public keys begin with; where none is named, the two that OSS documents.
    pub key_urls: Vec<String>,
}

/// A callback as it arrived. Shows no header and no body.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The route that its path names.
    pub route: &'a str,
    /// The path, as it was received.
    pub path: &'a str,
    /// The query, as it was received.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, as it was received.
    pub body: &'a [u8],
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("route", &self.route).finish_non_exhaustive()
    }
}

/// Verifies callbacks, and tells the back ends.
#[derive(Debug)]
pub struct Completion {
    receipt_keys: Vec<Secret>,
    public_url: Option<String>,
    public_keys: PublicKeys,
    notify: BTreeMap<String, String>,
    signing_key: Option<SigningKey>,
    replays: Replays,
}

impl Completion {
    /// Takes the settings, which have been checked; fetches nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let signing_key = options.webhook_secret.as_ref().and_then(SigningKey::parse);
        Self {
            receipt_keys: options.receipt_keys,
            public_url: options.public_url,
            public_keys: PublicKeys::new(options.key_urls),
            notify: options.notify,
            signing_key,
            replays: Replays::default(),
        }
    }

    /// Gives the key that new receipts are sealed with.
    #[must_use]
    pub fn sealing_key(&self) -> Option<&Secret> {
        self.receipt_keys.first()
    }

    /// Gives `https://host` of this function, where it is known.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// Verifies a callback and tells the route's back end of it; gives the JSON that OSS passes on.
    pub async fn complete(
        &self,
        call: &Call<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Bytes, Refused> {
        let deadline = Instant::now() + BUDGET;
        let mut is_proved = false;
        let answer = timeout_at(deadline, async {
            let proof = Proof::read(call, &self.public_keys)?;
            let event = Event::read(call.headers, call.body)?;
            let receipt = Receipt::open(&event.receipt, &self.receipt_keys)?;
            self.public_keys.verify(&proof, now, http).await?;
            is_proved = true;
            receipt.check(call.route, &event.stored(), now)?;
            let message = Message::new(&event, &receipt);
            match self.notify.get(call.route) {
                Some(url) => self.tell_once(&message, url, now, (deadline, http)).await,
                None => Ok(message.own_answer()),
            }
        });
        match answer.await {
            Ok(answer) => answer,
            Err(_) if is_proved => Err(Refused::NotifyTimedOut),
            Err(_) => Err(Refused::KeyUnavailable { retry_after: 1 }),
        }
    }

    /// Tells a back end, unless it has been told: then its answer of that time is the answer.
    async fn tell_once(
        &self,
        message: &Message<'_>,
        url: &str,
        now: Timestamp,
        (deadline, http): (Instant, &dyn HttpClient),
    ) -> Result<Bytes, Refused> {
        let id = message.id();
        let slot = self.replays.slot(&id);
        let mut known = slot.lock().await;
        if let Some(answer) = known.as_ref() {
            return Ok(answer.clone());
        }
        let key = self
            .signing_key
            .as_ref()
            .ok_or(Refused::NotifyFailed("there is no secret to sign with".to_owned()))?;
        let request = message.request(&id, url, key, now)?;
        let answer = webhook::send(request, deadline, http).await?;
        Ok(known.insert(answer.unwrap_or_else(|| message.own_answer())).clone())
    }
}
