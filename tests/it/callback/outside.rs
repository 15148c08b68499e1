//! The world outside: where OSS has its keys, and the application's back end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use tokio::time::Instant;

use crate::callback::openssl;
use crate::support::script::{ScriptedResponse, SentRequest};

/// One of the two, and what it was asked.
#[derive(Debug)]
pub(crate) struct Host {
    says: Mutex<ScriptedResponse>,
    elsewhere: Mutex<Option<(String, ScriptedResponse)>>,
    after: Mutex<Duration>,
    asked: Mutex<Vec<SentRequest>>,
}

/// The network: calls to `notify.example` reach the back end, all others OSS.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) oss: Host,
    pub(crate) back_end: Host,
}

impl Host {
    fn new(says: ScriptedResponse) -> Self {
        Self {
            says: Mutex::new(says),
            elsewhere: Mutex::default(),
            after: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// Answers so from now on.
    pub(crate) fn says(&self, line: ScriptedResponse) {
        *self.says.lock().unwrap() = line;
    }

    /// Answers with this status and body.
    pub(crate) fn answers(&self, status: u16, body: impl Into<Bytes>) {
        self.says(ScriptedResponse::answer(status, &[], body));
    }

    /// Answers so at every address but this one.
    pub(crate) fn says_except_at(&self, url: &str, line: ScriptedResponse) {
        *self.elsewhere.lock().unwrap() = Some((url.to_owned(), line));
    }

    /// Answers only after this time.
    pub(crate) fn takes(&self, time: Duration) {
        *self.after.lock().unwrap() = time;
    }

    pub(crate) fn sent(&self) -> Vec<SentRequest> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The addresses that were asked.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.sent().iter().map(|asked| asked.request.uri().to_string()).collect()
    }

    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let at = Instant::now();
        let elsewhere = self.elsewhere.lock().unwrap().clone();
        let elsewhere = elsewhere.filter(|(url, _)| *url != request.uri().to_string());
        let line = elsewhere.map_or_else(|| self.says.lock().unwrap().clone(), |(_, line)| line);
        let after = *self.after.lock().unwrap();
        self.asked.lock().unwrap().push(SentRequest { request, limits, at });
        Box::pin(async move {
            if after >= limits.timeout {
                tokio::time::sleep(limits.timeout).await;
                return Err(SendError::TimedOut);
            }
            tokio::time::sleep(after).await;
            match line {
                ScriptedResponse::Answer(answer) if answer.body().len() > limits.max_body => {
                    Err(SendError::TooLong)
                }
                ScriptedResponse::Answer(answer) => Ok(answer),
                ScriptedResponse::Error(error) => Err(error),
                ScriptedResponse::Timeout => {
                    tokio::time::sleep(limits.timeout).await;
                    Err(SendError::TimedOut)
                }
                ScriptedResponse::Forever => std::future::pending().await,
            }
        })
    }
}

impl Outside {
    /// OSS gives its key, the back end answers nothing in particular.
    pub(crate) fn new() -> Arc<Self> {
        let key = openssl::oss().public.clone();
        Arc::new(Self {
            oss: Host::new(ScriptedResponse::answer(200, &[], key)),
            back_end: Host::new(ScriptedResponse::answer(204, &[], "")),
        })
    }
}

impl HttpClient for Outside {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        match request.uri().host() {
            Some("notify.example") => self.back_end.send(request, limits),
            _ => self.oss.send(request, limits),
        }
    }
}
