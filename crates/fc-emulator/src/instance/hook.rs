//! The requests that the platform makes by itself: the two lifecycle hooks of an instance, and events.

use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http_body_util::Full;
use tokio::time::Instant;

use crate::headers::{Invocation, PlatformHeaders};
use crate::instance::log::InFlightRequests;
use crate::upstream::Upstream;

/// The kind of a request that the platform makes by itself.
#[derive(Clone, Debug)]
pub(crate) struct PlatformRequest {
    method: Method,
    path: &'static str,
}

impl PlatformRequest {
    /// Called after the start of an instance, before its first request.
    pub(crate) const INITIALIZE: Self = Self { method: Method::POST, path: "/initialize" };

    /// Called before an instance is ended.
    pub(crate) const PRE_STOP: Self = Self { method: Method::GET, path: "/pre-stop" };

    /// An event of the `InvokeFunction` API.
    pub(crate) const INVOKE: Self = Self { method: Method::POST, path: "/invoke" };
}

/// The result of a hook or a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookResult {
    /// The status of the response; `None` without a response in time.
    pub status: Option<u16>,
    /// How long the response took.
    pub duration: Duration,
}

impl HookResult {
    /// Returns whether the platform counts a hook as successful.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// How an instance was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopReport {
    /// The id of the instance.
    pub instance: String,
    /// The result of the pre-stop hook, if it is on.
    pub pre_stop: Option<HookResult>,
    /// Whether the process ended after SIGTERM. Otherwise it was killed.
    pub ended_by_itself: bool,
}

/// Calls a hook of an instance.
pub(super) async fn call(
    hook: &PlatformRequest,
    upstream: &Upstream,
    in_flight: &InFlightRequests,
    headers: &PlatformHeaders,
    timeout: Duration,
) -> HookResult {
    let request_id = headers.next_request_id();
    let request = request(hook, headers, &request_id, Bytes::new());
    let started = Instant::now();
    in_flight.insert(&request_id);
    let response = tokio::time::timeout(timeout, upstream.send(request)).await;
    in_flight.remove(&request_id);
    let status = response.ok().and_then(Result::ok).map(|response| response.status().as_u16());
    HookResult { status, duration: started.elapsed() }
}

/// Builds such a request, with the platform's headers.
pub(crate) fn request(
    hook: &PlatformRequest,
    headers: &PlatformHeaders,
    request_id: &str,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = hook.method.clone();
    *request.uri_mut() = Uri::from(PathAndQuery::from_static(hook.path));
    let (control_path, path) = (hook.path, hook.path);
    let invocation = Invocation { control_path, path, request_id, retry_count: 0 };
    headers.apply(request.headers_mut(), &invocation);
    request
}
