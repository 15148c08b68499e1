//! What `dev` adds so that somebody is told on a laptop: an address that the local OSS finds, keys where
//! none are set, and a line on the console for each message to a back end.
//!
//! The keys are those of [`dev_keys`], and are shown; those of the environment never are.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};

use crate::dev_keys::Pair;
use crate::{console, dev_keys};
use oss_upload_signer::config::Settings;
use oss_upload_signer::net::{HttpClient, RequestLimits, ReqwestClient, ResponseFuture, SendError};

/// Has the function called at the page's own address. Only another one of this machine may stand in the
/// settings: a proxy that somebody has put in front.
pub(super) fn bring_home(settings: &mut Settings, page: &str) {
    let url = &mut settings.callback.public_url;
    if !url.as_deref().is_some_and(is_here) {
        *url = Some(page.to_owned());
    }
}

fn is_here(url: &str) -> bool {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split(':').next());
    host.is_some_and(|host| {
        host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.")
    })
}

/// Says who is told of which route, and what a back end needs to believe it.
pub(super) fn announce(settings: &Settings, keys: &[Pair]) {
    let completion = &settings.callback;
    let mut is_told = false;
    for route in &settings.routes {
        let callback = route.callback.as_ref();
        let own = completion.public_url.as_deref();
        let Some(address) = callback.and_then(|one| one.address(&route.name, own)) else {
            continue;
        };
        let notify = completion.notify.get(&route.name);
        let then = notify.map(|url| format!(", then {url}")).unwrap_or_default();
        console::say(&format!("told  {}: {}{then}", route.name, address.replace(';', ", ")));
        is_told = true;
    }
    for (name, value) in keys {
        let is_wanted = match *name {
            dev_keys::WEBHOOK_SECRET => !completion.notify.is_empty(),
            _ => is_told,
        };
        if is_wanted {
            console::say(&format!("env   {name}={value}"));
        }
    }
}

/// The network, which says on the console what back ends answered.
pub(super) struct Aloud(pub(super) ReqwestClient);

impl HttpClient for Aloud {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        if !request.headers().contains_key("webhook-id") {
            return self.0.send(request, limits);
        }
        let mut message = Message::to(&request);
        let sending = self.0.send(request, limits);
        Box::pin(async move {
            let answer = sending.await;
            message.is_answered(&answer);
            answer
        })
    }
}

impl fmt::Debug for Aloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Aloud").field(&self.0).finish()
    }
}

/// A message on its way. It is told of when it is dropped, since the function may stop waiting at any moment.
struct Message {
    url: String,
    outcome: String,
    started: Instant,
}

impl Message {
    fn to(request: &Request<Bytes>) -> Self {
        let outcome = "failed  no answer in time".to_owned();
        Self { url: request.uri().to_string(), outcome, started: Instant::now() }
    }

    fn is_answered(&mut self, answer: &Result<Response<Bytes>, SendError>) {
        self.outcome = match answer {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) => format!("failed  {error}"),
        };
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let spent = self.started.elapsed().as_millis();
        console::say(&format!("webhook  {}  {}  {spent} ms", self.url, self.outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_here() {
        for url in ["http://127.0.0.1:8080", "http://localhost:3000", "http://a.localhost"] {
            assert!(is_here(url), "{url}");
        }
        for url in
            ["https://signer.example.com", "http://localhost.example.com", "https://127.0.0.1"]
        {
            assert!(!is_here(url), "{url}");
        }
    }
}
