//! A scripted HTTP client, which records the requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use oss_upload_signer::credentials::ProviderContext;
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use tokio::time::Instant;

/// The outcome of one request.
#[derive(Clone, Debug)]
pub(crate) enum ScriptedResponse {
    /// A response.
    Answer(Response<Bytes>),
    /// An error.
    Error(SendError),
    /// A timeout after the limit of the request.
    Timeout,
    /// No response and no timeout either, as from a broken client.
    Forever,
}

impl ScriptedResponse {
    pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        Self::Answer(answer.body(body.into()).unwrap())
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct SentRequest {
    pub(crate) request: Request<Bytes>,
    pub(crate) limits: RequestLimits,
    pub(crate) at: Instant,
}

impl SentRequest {
    /// The parameters of the URL.
    pub(crate) fn query(&self) -> BTreeMap<String, String> {
        parameters(self.request.uri().query().unwrap_or_default().as_bytes())
    }

    /// The parameters of the form.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        parameters(self.request.body())
    }
}

pub(crate) fn parameters(text: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// Returns the outcomes in order; a request beyond the last one panics.
#[derive(Debug, Default)]
pub(crate) struct ScriptedClient {
    outcomes: Mutex<VecDeque<ScriptedResponse>>,
    sent: Mutex<Vec<SentRequest>>,
}

impl ScriptedClient {
    pub(crate) fn new(outcomes: impl IntoIterator<Item = ScriptedResponse>) -> Arc<Self> {
        Arc::new(Self { outcomes: Mutex::new(outcomes.into_iter().collect()), ..Self::default() })
    }

    /// Returns all requests; panics unless every outcome has been used.
    pub(crate) fn sent(&self) -> Vec<SentRequest> {
        assert!(self.outcomes.lock().unwrap().is_empty(), "there are unused outcomes");
        self.sent.lock().unwrap().clone()
    }

    /// Returns a context with this client and with random bytes that count: 1, 2, 3, …
    pub(crate) fn context(self: &Arc<Self>) -> ProviderContext {
        let count = Mutex::new(0_u128);
        ProviderContext {
            http: Arc::clone(self) as Arc<dyn HttpClient>,
            random: Arc::new(move || {
                let mut count = count.lock().unwrap();
                *count += 1;
                // At both ends, because pauses are made from the first bytes.
                Ok((*count | *count << 120).to_be_bytes())
            }),
        }
    }
}

impl HttpClient for ScriptedClient {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        self.sent.lock().unwrap().push(SentRequest { request, limits, at: Instant::now() });
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap();
        Box::pin(async move {
            match outcome {
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
