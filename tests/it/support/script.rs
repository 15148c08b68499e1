//! A network that says what a test has it say, and remembers what it was asked.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use http::Request;
use http::Response;
use oss_upload_signer::credentials::Means;
use oss_upload_signer::net::HttpClient;
use oss_upload_signer::net::RequestLimits;
use oss_upload_signer::net::ResponseFuture;
use oss_upload_signer::net::SendError;
use tokio::time::Instant;

/// What comes of one request.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// An answer.
    Answer(Response<Bytes>),
    /// No answer.
    Error(SendError),
    /// No answer as long as the caller waits, as a well-behaved network tells it.
    Silence,
    /// No answer ever, whatever was agreed.
    Forever,
}

impl Line {
    pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        Self::Answer(answer.body(body.into()).unwrap())
    }
}

/// One request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) request: Request<Bytes>,
    pub(crate) limits: RequestLimits,
    pub(crate) at: Instant,
}

impl Asked {
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

/// The network. It panics when it is asked more often than it has lines.
#[derive(Debug, Default)]
pub(crate) struct Script {
    lines: Mutex<VecDeque<Line>>,
    asked: Mutex<Vec<Asked>>,
}

impl Script {
    pub(crate) fn new(lines: impl IntoIterator<Item = Line>) -> Arc<Self> {
        Arc::new(Self { lines: Mutex::new(lines.into_iter().collect()), ..Self::default() })
    }

    /// Everything that was asked, once all that was to be asked has been.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        assert!(self.lines.lock().unwrap().is_empty(), "not all lines were asked for");
        self.asked.lock().unwrap().clone()
    }

    /// This network, and dice that count: 1, 2, 3, …
    pub(crate) fn means(self: &Arc<Self>) -> Means {
        let count = Mutex::new(0_u128);
        Means {
            http: Arc::clone(self) as Arc<dyn HttpClient>,
            draw: Arc::new(move || {
                let mut count = count.lock().unwrap();
                *count += 1;
                // From both ends, since pauses are made of the first bytes.
                Ok((*count | *count << 120).to_be_bytes())
            }),
        }
    }
}

impl HttpClient for Script {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        self.asked.lock().unwrap().push(Asked { request, limits, at: Instant::now() });
        let line = self.lines.lock().unwrap().pop_front().unwrap();
        Box::pin(async move {
            match line {
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
