//! The log lines of a request.
//!
//! The platform groups log lines by two of its own around every invocation, `FC Invoke Start` and `FC Invoke End`.
//! They are part of its contract and do not depend on the log level. Between them goes one event per request.
//! Never logged: queries, header values, bodies.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use tokio::time::Instant;

use crate::context::{Context, Event, X_FC_REQUEST_ID};
use crate::log::LogWriter;
use crate::options::Options;

/// Names the request in its response. The platform reserves names that begin with `x-fc-`.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The status that is logged when the client has gone before the response.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Where the platform's lines go, and how much of a path is logged.
#[derive(Clone, Debug)]
pub(crate) struct LogTarget {
    writer: LogWriter,
    log_path: for<'a> fn(&'a str) -> Cow<'a, str>,
}

impl LogTarget {
    pub(crate) fn new(options: &Options) -> Self {
        Self { writer: options.log.clone(), log_path: options.log_path }
    }
}

/// One request in progress. Its end is logged when it is dropped, which happens also when the client leaves early.
#[derive(Debug)]
pub(crate) struct RequestLog {
    target: LogTarget,
    method: Method,
    uri: Uri,
    request_id: String,
    /// The platform's word for this kind of invocation; `None` where the platform does not know of it.
    invocation: Option<&'static str>,
    started: Instant,
    status: u16,
}

impl RequestLog {
    /// Takes what will be logged of a request.
    pub(crate) fn start<I>(target: LogTarget, request: &Request<I>, context: &Context) -> Self {
        // An id that was replaced by a local one is not the platform's.
        let given = request.headers().get(X_FC_REQUEST_ID);
        let is_platforms = given.is_some_and(|given| *given == *context.request_id);
        Self {
            target,
            method: request.method().clone(),
            uri: request.uri().clone(),
            request_id: context.request_id.clone(),
            invocation: is_platforms.then(|| invocation(context.event)),
            started: Instant::now(),
            status: CLIENT_CLOSED_REQUEST,
        }
    }

    /// Logs a request around the work that answers it, and names the request in its response.
    ///
    /// Most requests are answered at the first poll; then all their lines are one write. A request that has to wait
    /// is announced before it waits.
    pub(crate) async fn around<B>(self, work: impl Future<Output = Response<B>>) -> Response<B> {
        let mut work = pin!(work);
        let writer = self.target.writer.clone();
        let mut log = Some(self);
        let first_poll = poll_fn(|cx| {
            Poll::Ready(writer.in_one_write(|| {
                if let Some(log) = &log {
                    log.write_platform_line("Start");
                }
                match work.as_mut().poll(cx) {
                    Poll::Ready(response) => Some(finish(log.take(), response)),
                    Poll::Pending => None,
                }
            }))
        });
        if let Some(response) = first_poll.await {
            return response;
        }
        let response = work.await;
        writer.in_one_write(|| finish(log.take(), response))
    }

    fn write_platform_line(&self, moment: &str) {
        if let Some(invocation) = self.invocation {
            let parts = ["FC ", invocation, " ", moment, " RequestId: ", &self.request_id, "\n"];
            self.target.writer.write(parts.concat().as_bytes());
        }
    }

    fn log_request(&self) {
        // Milliseconds with three decimals: more would be noise.
        let duration_ms = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let (method, path) = (self.method.as_str(), (self.target.log_path)(self.uri.path()));
        let Self { status, request_id, .. } = self;
        // Texts as they are: a field that is formatted costs several times as much.
        tracing::info!(
            method,
            path = &*path,
            status,
            duration_ms,
            request_id,
            "{method} {path} answered {status}"
        );
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        self.log_request();
        self.write_platform_line("End");
    }
}

/// Names the request in its response; dropping the log writes its end.
fn finish<B>(log: Option<RequestLog>, mut response: Response<B>) -> Response<B> {
    if let Some(mut log) = log {
        log.status = response.status().as_u16();
        if let Ok(id) = HeaderValue::from_str(&log.request_id) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
    }
    response
}

fn invocation(event: Event) -> &'static str {
    match event {
        Event::Http | Event::Invoke => "Invoke",
        Event::Initialize => "Initialize",
        Event::PreStop => "PreStop",
    }
}
