//! The test harness of a rehearsal: a pool of instances, two gateways in front of it, credentials that are
//! recognisable in responses and logs, and what all responses have shown so far.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Request};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;

use crate::config::{FunctionConfig, RoleCredentials};
use crate::gateway::{Gateway, GatewayOptions};
use crate::instance::Instance;
use crate::pool::InstancePool;
use crate::rehearsal::request::{TestRequest, TestResponse};

/// The access key id in the environment of every instance.
pub(super) const ENVIRONMENT_KEY: &str = "STS.RehearsalEnvironmentKey";

/// The access key id in the headers at first.
pub(super) const HEADER_KEY: &str = "STS.RehearsalHeaderKey";

/// The access key id in the headers after the check of freezing.
pub(super) const NEW_HEADER_KEY: &str = "STS.RehearsalNewHeaderKey";

/// Part of every access key secret, and of no other text.
const SECRET_MARK: &str = "RehearsalKeySecret";

/// Part of every security token, and of no other text.
const TOKEN_MARK: &str = "RehearsalSecurityToken";

/// Returns credentials with this access key id. They are valid nowhere.
pub(super) fn credentials(access_key_id: &str) -> RoleCredentials {
    let name = access_key_id.trim_start_matches("STS.Rehearsal");
    RoleCredentials {
        access_key_id: access_key_id.to_owned(),
        access_key_secret: format!("{SECRET_MARK}{name}"),
        security_token: format!("{TOKEN_MARK}{name}"),
    }
}

/// Returns whether a line of a log contains a secret or a token.
pub(super) fn contains_secret(line: &str) -> bool {
    line.contains(SECRET_MARK) || line.contains(TOKEN_MARK)
}

/// What all responses together have shown.
#[derive(Debug, Default)]
pub(super) struct Observations {
    /// The largest headers of a response, in bytes.
    pub(super) max_header_bytes: usize,
    pub(super) removed_headers: Vec<HeaderName>,
    /// The path of a response whose headers were too large.
    pub(super) oversized_headers: Option<String>,
    /// The path of a response with a secret in its body.
    pub(super) leaked_secret: Option<String>,
    pub(super) slowest: Duration,
}

/// The test harness.
#[derive(Debug)]
pub(super) struct Harness {
    pub(super) pool: InstancePool,
    /// A gateway with credentials in the headers, as for `custom` and `custom.debian10`.
    pub(super) gateway: Gateway,
    /// A gateway with empty credentials in the headers, as for newer runtimes.
    pub(super) gateway_without_credentials: Gateway,
    /// The requests to send; at least one.
    pub(super) requests: Vec<TestRequest>,
    observations: Mutex<Observations>,
}

impl Harness {
    pub(super) fn new(mut config: FunctionConfig, mut requests: Vec<TestRequest>) -> Self {
        config.credentials = Some(credentials(ENVIRONMENT_KEY));
        if requests.is_empty() {
            requests.push(TestRequest::get("/"));
        }
        let pool = InstancePool::new(config);
        let gateway = gateway(&pool, |_| {});
        let gateway_without_credentials = Gateway::new(GatewayOptions::for_pool(&pool));
        let observations = Mutex::default();
        Self { pool, gateway, gateway_without_credentials, requests, observations }
    }

    /// Returns the request for checks that need one request only.
    pub(super) fn request(&self) -> TestRequest {
        self.requests.first().cloned().unwrap_or_else(|| TestRequest::get("/"))
    }

    /// Returns the instance that handles requests; it is started if there is none.
    pub(super) async fn instance(&self) -> Result<Arc<Instance>, String> {
        self.gateway.warm_up().await.map_err(|error| error.to_string())?;
        let mut instances = self.pool.instances().into_iter();
        let healthy = instances.find(|instance| !instance.is_unhealthy());
        healthy.ok_or_else(|| "no instance runs".to_owned())
    }

    /// Sends a request through a gateway and reads the whole response.
    pub(super) async fn send(
        &self,
        gateway: &Gateway,
        request: Request<Full<Bytes>>,
    ) -> TestResponse {
        let path = request.uri().path().to_owned();
        let started = Instant::now();
        let (parts, body) = gateway.handle(request).await.into_parts();
        let mut response = TestResponse {
            status: parts.status.as_u16(),
            report: parts.extensions.get().cloned(),
            headers: parts.headers,
            body: Bytes::new(),
            duration: started.elapsed(),
        };
        match body.collect().await {
            Ok(body) => response.body = body.to_bytes(),
            // A response that is cut off counts as none.
            Err(_) => response.report = None,
        }
        response.duration = started.elapsed();
        self.observe(&response, path);
        response
    }

    pub(super) fn observations(&self) -> MutexGuard<'_, Observations> {
        // No change can panic half way, so the value under a poisoned lock is still good.
        self.observations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, response: &TestResponse, path: String) {
        let mut observations = self.observations();
        if response.gateway_error().is_some_and(|(code, _)| code == "BadResponse") {
            observations.oversized_headers = Some(path.clone());
        }
        let Some(report) = &response.report else {
            return;
        };
        observations.max_header_bytes = observations.max_header_bytes.max(report.header_bytes);
        observations.slowest = observations.slowest.max(response.duration);
        for name in &report.removed_headers {
            if !observations.removed_headers.contains(name) {
                observations.removed_headers.push(name.clone());
            }
        }
        if response.contains(SECRET_MARK) {
            observations.leaked_secret = Some(path);
        }
    }
}

/// Creates a gateway in front of a pool, with credentials in the headers and with changed options.
pub(super) fn gateway(pool: &InstancePool, change: impl FnOnce(&mut GatewayOptions)) -> Gateway {
    let mut options = GatewayOptions::for_pool(pool);
    options.credentials = Some(credentials(HEADER_KEY));
    change(&mut options);
    Gateway::new(options)
}
