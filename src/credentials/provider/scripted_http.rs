//! A network whose answers a test has written down, and which writes down what it was asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;

use crate::credentials::Errand;
use crate::credentials::Means;
use crate::credentials::provider::plan::Surroundings;
use crate::net::HttpClient;
use crate::net::RequestLimits;
use crate::net::ResponseFuture;
use crate::net::SendError;
use crate::time::Timestamp;

/// What one call is answered with.
pub(super) type Turn = Result<(u16, String), SendError>;

/// Answers in the order of the script; a call beyond its end is a fault of the code under test.
#[derive(Debug, Default)]
pub(super) struct Script {
    turns: Mutex<VecDeque<Turn>>,
    calls: Mutex<Vec<Call>>,
}

/// One call as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) limits: RequestLimits,
}

impl Script {
    pub(super) fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        let turns = Mutex::new(turns.into_iter().collect());
        Arc::new(Self { turns, calls: Mutex::default() })
    }

    /// What was asked so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// What was asked so far, as `GET http://host/path`.
    pub(super) fn lines(&self) -> Vec<String> {
        self.calls().iter().map(|call| format!("{} {}", call.method, call.url)).collect()
    }
}

impl HttpClient for Script {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        self.calls.lock().unwrap().push(Call {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: request.headers().iter().map(|(k, v)| (k.to_string(), text(v))).collect(),
            body: request.body().clone(),
            limits,
        });
        let turn = self.turns.lock().unwrap().pop_front().expect("a call that the script lacks");
        Box::pin(async {
            let (status, body) = turn?;
            Ok(Response::builder().status(status).body(Bytes::from(body)).unwrap())
        })
    }
}

/// An answer with a status and a body.
#[expect(clippy::unnecessary_wraps, reason = "beside it stand the failures to send")]
pub(super) fn answer(status: u16, body: &str) -> Turn {
    Ok((status, body.to_owned()))
}

/// A moment before every end that the tests write.
pub(super) fn now() -> Timestamp {
    Timestamp::from_unix(1_893_553_445).unwrap() // 2030-01-02T03:04:05Z
}

/// An errand without hurry.
pub(super) fn errand() -> Errand<'static> {
    Errand { hint: None, now: now(), patience: Duration::from_mins(1) }
}

/// Means whose network knows only the script.
pub(super) fn means(http: Arc<Script>) -> Means {
    Means { http, draw: Arc::new(|| Ok([7; 16])) }
}

/// Surroundings whose network nobody may use.
pub(super) fn surroundings() -> Surroundings {
    surroundings_with(Script::new([]))
}

/// Surroundings whose network knows only the script.
pub(super) fn surroundings_with(http: Arc<Script>) -> Surroundings {
    Surroundings {
        means: means(http),
        sts_endpoint: "https://sts.example.test".into(),
        session_name: "from-settings".into(),
        metadata: Some(crate::credentials::provider::metadata::MetadataOptions {
            base_url: crate::credentials::provider::metadata::ADDRESS.into(),
            role: None,
            token_only: false,
        }),
    }
}

/// The vector `id` of the STS vectors.
pub(super) fn vector(id: &str) -> serde_json::Value {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/sts.json")).unwrap();
    let vectors = all["vectors"].as_array().unwrap();
    vectors.iter().find(|vector| vector["id"] == id).unwrap().clone()
}
