//! A local cloud without sockets: the function's requests go to the local STS, and the local OSS validates the
//! function's forms.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use oss_emulator::keys::KeyRing;
use oss_emulator::oss::{LocalBucket, Strictness, UploadForm, Validator};
use oss_emulator::sts;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use oss_upload_signer::time::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::support::app::NOW;

/// The role that the function takes.
pub(super) const ROLE_ARN: &str = "acs:ram::1234567890123456:role/oss-uploader";

/// The time of the cloud: paused time from the tests' start time on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn unix(self) -> i64 {
        NOW + i64::try_from(self.0.elapsed().as_secs()).unwrap()
    }

    pub(super) fn now(self) -> Timestamp {
        Timestamp::from_unix(self.unix()).unwrap()
    }
}

/// The cloud around a function.
#[derive(Clone)]
pub(super) struct Cloud {
    pub(super) options: sts::Options,
    sts: Arc<sts::Sts>,
    pub(super) clock: Clock,
}

impl Cloud {
    /// Opens a cloud in which every key may take the role `oss-uploader`.
    pub(super) fn open(change: impl FnOnce(&mut sts::Options)) -> Self {
        let clock = Clock::start();
        let mut options = sts::Options::new(Arc::new(move || clock.unix()), [7; 16]);
        options.roles = vec![sts::RamRole::new("oss-uploader")];
        change(&mut options);
        let sts = Arc::new(sts::Sts::open(options.clone()).unwrap());
        Self { options, sts, clock }
    }

    /// Builds a function whose requests go to this cloud.
    pub(super) fn function(&self, variables: &[(&str, &str)]) -> App {
        let mut environment = Environment::default();
        for (name, value) in variables {
            environment.set(name, *value);
        }
        let settings = Settings::load(&environment, None, self.clock.now()).unwrap();
        let clock = self.clock;
        App::with_http(settings, Arc::new(self.clone())).with_clock(move || clock.now())
    }

    /// Validates a form with the local OSS at a given time; returns the key or the reason.
    pub(super) fn judge(&self, fields: &Value, now: i64) -> Result<String, String> {
        let strictness = Strictness::default();
        let mut form = UploadForm::new(&strictness);
        for (name, value) in fields.as_object().unwrap() {
            form.push(name, value.as_str().unwrap(), &strictness).unwrap();
        }
        form.set_file(Some("a.png".to_owned()), Some("image/png".to_owned()));
        let bucket = LocalBucket { name: "examplebucket".into(), region: "cn-hangzhou".into() };
        let keys = self.ring().all();
        let validator = Validator { bucket: &bucket, keys: &keys, strictness: &strictness, now };
        validator
            .validate(&form)
            .map(|verdict| verdict.key)
            .map_err(|refusal| refusal.reason().to_owned())
    }

    pub(super) fn ring(&self) -> &KeyRing {
        &self.options.ring
    }
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Cloud")
    }
}

/// Every URL leads to the local STS, which is also the metadata service.
impl HttpClient for Cloud {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        Box::pin(async move {
            let asked = async {
                let answer = self.sts.call(request.map(Full::new)).await.map_err(|_| broken())?;
                let (head, body) = answer.into_parts();
                let body = body.collect().await.map_err(|_| broken())?.to_bytes();
                Ok(Response::from_parts(head, body))
            };
            let late = || Err(SendError::TimedOut);
            tokio::time::timeout(limits.timeout, asked).await.unwrap_or_else(|_| late())
        })
    }
}

fn broken() -> SendError {
    SendError::Broken("cut".to_owned())
}

/// Advances the time.
pub(super) async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// Calls a function in process; returns the status and the JSON.
pub(super) async fn answer(app: &Arc<App>, request: Request<Bytes>) -> (u16, Value) {
    let answer = oss_upload_signer::http::service(Arc::clone(app))
        .oneshot(request.map(fc_http::Body::from))
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}
