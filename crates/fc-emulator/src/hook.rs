//! The two hooks of an instance: after its start, and before its end.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Uri;
use http::uri::PathAndQuery;
use http_body_util::Full;
use tokio::time::Instant;

use crate::desk::Desk;
use crate::instance::Instance;
use crate::refusal::Refusal;

/// The initializer's path.
pub(crate) const INITIALIZE: &str = "/initialize";

/// The path of the hook before the end.
pub(crate) const PRE_STOP: &str = "/pre-stop";

/// Says what came of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// The status of its answer; none if it did not answer in time.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
}

impl Called {
    /// Tells whether the platform counts it as done.
    #[must_use]
    pub fn is_good(self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Says how an instance went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// The instance.
    pub instance: String,
    /// What came of the hook, if it is switched on.
    pub pre_stop: Option<Called>,
    /// Whether the process ended when it was told to, and did not have to be killed.
    pub by_itself: bool,
}

/// Calls the initializer.
pub(crate) async fn initialize(
    instance: &Instance,
    desk: &Desk,
    limit: Duration,
) -> Result<(), Refusal> {
    let called = call(instance, desk, (Method::POST, INITIALIZE), limit).await;
    instance.set_initialized(called);
    if called.is_good() {
        return Ok(());
    }
    let outcome = match called.status {
        Some(status) => format!("answered {status}"),
        None => format!("did not answer within {} s", limit.as_secs_f32()),
    };
    Err(Refusal::Initialization(format!("the initializer {outcome}; it has to answer 2xx")))
}

/// Calls the hook before the end, if it is switched on, and ends the instance.
pub(crate) async fn say_farewell(
    instance: &Instance,
    desk: &Desk,
    limit: Option<Duration>,
) -> Farewell {
    instance.thaw();
    let pre_stop = match limit {
        Some(limit) => Some(call(instance, desk, (Method::GET, PRE_STOP), limit).await),
        None => None,
    };
    let by_itself = instance.end().await;
    Farewell { instance: instance.id().to_owned(), pre_stop, by_itself }
}

async fn call(
    instance: &Instance,
    desk: &Desk,
    (method, path): (Method, &'static str),
    limit: Duration,
) -> Called {
    let request_id = desk.request_ids.next();
    let request = request(desk, method, path, &request_id, Bytes::new());
    let started = Instant::now();
    instance.under_way().begin(&request_id);
    let answer = tokio::time::timeout(limit, instance.upstream().send(request)).await;
    instance.under_way().end(&request_id);
    let status = answer.ok().and_then(Result::ok).map(|answer| answer.status().as_u16());
    Called { status, took: started.elapsed() }
}

/// Makes a call of the platform's own.
pub(crate) fn request(
    desk: &Desk,
    method: Method,
    path: &'static str,
    request_id: &str,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(PathAndQuery::from_static(path));
    desk.stamp(request.headers_mut(), path, request_id);
    request
}
