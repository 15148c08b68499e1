//! The world outside: where OSS has its keys, and the application's back end.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use oss_upload_signer::net::HttpClient;
use oss_upload_signer::net::RequestLimits;
use oss_upload_signer::net::ResponseFuture;
use oss_upload_signer::net::SendError;
use tokio::time::Instant;

use crate::callback::openssl;
use crate::support::script::Asked;
use crate::support::script::Line;

/// One of the two, and what it was asked.
#[derive(Debug)]
pub(crate) struct Host {
    says: Mutex<Line>,
    elsewhere: Mutex<Option<(String, Line)>>,
    after: Mutex<Duration>,
    asked: Mutex<Vec<Asked>>,
}

/// The network: calls to `notify.example` reach the back end, all others OSS.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) oss: Host,
    pub(crate) back_end: Host,
}

impl Host {
    fn new(says: Line) -> Self {
        Self {
            says: Mutex::new(says),
            elsewhere: Mutex::default(),
            after: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// Answers so from now on.
    pub(crate) fn says(&self, line: Line) {
        *self.says.lock().unwrap() = line;
    }

    /// Answers with this status and body.
    pub(crate) fn answers(&self, status: u16, body: impl Into<Bytes>) {
        self.says(Line::answer(status, &[], body));
    }

    /// Answers so at every address but this one.
    pub(crate) fn says_except_at(&self, url: &str, line: Line) {
        *self.elsewhere.lock().unwrap() = Some((url.to_owned(), line));
    }

    /// Answers only after this time.
    pub(crate) fn takes(&self, time: Duration) {
        *self.after.lock().unwrap() = time;
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The addresses that were asked.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.request.uri().to_string()).collect()
    }

    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let at = Instant::now();
        let elsewhere = self.elsewhere.lock().unwrap().clone();
        let elsewhere = elsewhere.filter(|(url, _)| *url != request.uri().to_string());
        let line = elsewhere.map_or_else(|| self.says.lock().unwrap().clone(), |(_, line)| line);
        let after = *self.after.lock().unwrap();
        self.asked.lock().unwrap().push(Asked { request, limits, at });
        Box::pin(async move {
            if after >= limits.timeout {
                tokio::time::sleep(limits.timeout).await;
                return Err(SendError::TimedOut);
            }
            tokio::time::sleep(after).await;
            match line {
                Line::Answer(answer) if answer.body().len() > limits.max_body => {
                    Err(SendError::TooLong)
                }
                Line::Answer(answer) => Ok(answer),
                Line::Error(error) => Err(error),
                Line::Silence => {
                    tokio::time::sleep(limits.timeout).await;
                    Err(SendError::TimedOut)
                }
                Line::Forever => std::future::pending().await,
            }
        })
    }
}

impl Outside {
    /// OSS gives its key, the back end answers nothing in particular.
    pub(crate) fn new() -> Arc<Self> {
        let key = openssl::oss().public.clone();
        Arc::new(Self {
            oss: Host::new(Line::answer(200, &[], key)),
            back_end: Host::new(Line::answer(204, &[], "")),
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
