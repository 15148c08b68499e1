//! A scripted HTTP client for tests, which records the requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::credentials::FetchRequest;
#[cfg(feature = "local-credentials")]
use crate::credentials::{
    ProviderContext,
    providers::{ecs_metadata, local::profile_source::ProfileContext},
};
use crate::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use crate::time::Timestamp;

/// The outcome of one request.
pub(super) type Outcome = Result<(u16, String), SendError>;

/// Returns the outcomes in order; a request beyond the last one panics.
#[derive(Debug, Default)]
pub(super) struct ScriptedHttp {
    outcomes: Mutex<VecDeque<Outcome>>,
    calls: Mutex<Vec<RecordedRequest>>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordedRequest {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) limits: RequestLimits,
}

impl ScriptedHttp {
    pub(super) fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Arc<Self> {
        let outcomes = Mutex::new(outcomes.into_iter().collect());
        Arc::new(Self { outcomes, calls: Mutex::default() })
    }

    /// The requests so far.
    pub(super) fn calls(&self) -> Vec<RecordedRequest> {
        self.calls.lock().unwrap().clone()
    }

    /// The requests so far, as `GET http://host/path`.
    pub(super) fn lines(&self) -> Vec<String> {
        self.calls().iter().map(|call| format!("{} {}", call.method, call.url)).collect()
    }
}

impl HttpClient for ScriptedHttp {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        self.calls.lock().unwrap().push(RecordedRequest {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: request.headers().iter().map(|(k, v)| (k.to_string(), text(v))).collect(),
            body: request.body().clone(),
            limits,
        });
        let outcome = self.outcomes.lock().unwrap().pop_front().expect("an unexpected request");
        Box::pin(async {
            let (status, body) = outcome?;
            Ok(Response::builder().status(status).body(Bytes::from(body)).unwrap())
        })
    }
}

/// A response with a status and a body.
#[expect(clippy::unnecessary_wraps, reason = "an outcome can also be a failure")]
pub(super) fn answer(status: u16, body: &str) -> Outcome {
    Ok((status, body.to_owned()))
}

/// A moment before the end of every key in the tests.
pub(super) fn now() -> Timestamp {
    Timestamp::from_unix(1_893_553_445).unwrap() // 2030-01-02T03:04:05Z
}

/// A fetch with a long limit.
pub(super) fn request() -> FetchRequest<'static> {
    FetchRequest { platform_keys: None, now: now(), timeout: Duration::from_mins(1) }
}

/// A context whose client expects no request.
#[cfg(feature = "local-credentials")]
pub(super) fn profile_context() -> ProfileContext {
    profile_context_with(ScriptedHttp::new([]))
}

/// A context with this client.
#[cfg(feature = "local-credentials")]
pub(super) fn profile_context_with(http: Arc<ScriptedHttp>) -> ProfileContext {
    ProfileContext {
        context: ProviderContext { http, random: Arc::new(|| Ok([7; 16])) },
        sts_endpoint: "https://sts.example.test".into(),
        session_name: "from-settings".into(),
        metadata: Some(ecs_metadata::EcsMetadataOptions {
            base_url: ecs_metadata::ADDRESS.into(),
            role: None,
            token_only: false,
        }),
    }
}

/// Returns the STS vector with this id.
pub(super) fn vector(id: &str) -> serde_json::Value {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/sts.json")).unwrap();
    let vectors = all["vectors"].as_array().unwrap();
    vectors.iter().find(|vector| vector["id"] == id).unwrap().clone()
}
