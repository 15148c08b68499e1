//! A network that answers what it was told to, counts, and can be held.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use tokio::sync::Semaphore;

type Outcome = Result<Response<Bytes>, SendError>;

/// A network by script; a call that the script does not foresee fails the test.
#[derive(Debug)]
pub(super) struct Network {
    script: Mutex<VecDeque<Outcome>>,
    calls: Mutex<Vec<String>>,
    open: Semaphore,
}

impl Network {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::default(),
            calls: Mutex::default(),
            open: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    /// Answers nobody before [`Network::release`].
    pub(super) fn held() -> Arc<Self> {
        let network = Self::new();
        network.open.forget_permits(Semaphore::MAX_PERMITS);
        network
    }

    pub(super) fn release(&self, count: usize) {
        self.open.add_permits(count);
    }

    pub(super) fn will(&self, outcome: Outcome) {
        self.script.lock().unwrap().push_back(outcome);
    }

    pub(super) fn will_answer(&self, status: u16, body: &str, cache: &str) {
        let answer = Response::builder().status(status).header("cache-control", cache);
        self.will(Ok(answer.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()));
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    pub(super) fn urls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl HttpClient for Network {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        assert!(limits.max_body <= 256 * 1024 && limits.timeout.as_secs() <= 3, "{limits:?}");
        self.calls.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        Box::pin(async {
            self.open.acquire().await.unwrap().forget();
            self.script.lock().unwrap().pop_front().unwrap()
        })
    }
}
