//! Writes the log lines around a request, and names the request in its answer.
//!
//! The platform groups log lines by two of its own around every invocation, `FC Invoke Start` and
//! `FC Invoke End`; they are part of its contract and do not depend on the log level. Between them
//! goes one event per request with what an operator asks first. Never logged: queries, header
//! values, bodies.

use std::borrow::Cow;
use std::convert::Infallible;
use std::task;
use std::task::Poll;

use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use tokio::time::Instant;
use tower::Service;

use crate::runtime::context::ContextExt;
use crate::runtime::context::Event;
use crate::runtime::layers::Answer;
use crate::runtime::layers::Pending;
use crate::runtime::layers::context::X_FC_REQUEST_ID;
use crate::runtime::log::Sink;
use crate::runtime::options::Options;

/// Names the request in its answer. The platform keeps `x-fc-` names for itself.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is logged in place of a status when the caller has gone before the answer.
const CALLER_HAS_GONE: u16 = 499;

/// Logs every request.
#[derive(Clone)]
pub(crate) struct Trace<S> {
    inner: S,
    lines: Lines,
}

impl<S> Trace<S> {
    pub(crate) fn new(inner: S, options: &Options) -> Self {
        let lines = Lines { log: options.log.clone(), log_path: options.log_path };
        Self { inner, lines }
    }
}

impl<S, I, B> Service<Request<I>> for Trace<S>
where
    S: Service<Request<I>, Response = Answer<B>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Answer<B>;
    type Error = Infallible;
    type Future = Pending<Answer<B>, Infallible>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        let mut visit = Visit::start(self.lines.clone(), &request);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut answer = answer.await?;
            visit.status = answer.status().as_u16();
            if let Ok(id) = HeaderValue::from_str(&visit.request_id) {
                answer.headers_mut().insert(X_REQUEST_ID, id);
            }
            Ok(answer)
        })
    }
}

/// Where lines go and how much of a path they show.
#[derive(Clone)]
struct Lines {
    log: Sink,
    log_path: for<'a> fn(&'a str) -> Cow<'a, str>,
}

/// One request under way. Its end is logged when it is dropped, which happens also when the
/// caller goes away in the middle.
struct Visit {
    lines: Lines,
    method: Method,
    uri: Uri,
    request_id: String,
    /// What the platform calls the invocation, if the platform knows of it.
    name: Option<&'static str>,
    started: Instant,
    status: u16,
}

impl Visit {
    fn start<I>(lines: Lines, request: &Request<I>) -> Self {
        let context = request.context();
        let request_id = context.map_or_else(String::new, |context| context.request_id.clone());
        // An id that was replaced by a local one is not the platform's.
        let given = request.headers().get(X_FC_REQUEST_ID);
        let name = context
            .filter(|_| given.is_some_and(|given| *given == *request_id))
            .map(|context| name(context.event));
        let visit = Self {
            lines,
            method: request.method().clone(),
            uri: request.uri().clone(),
            request_id,
            name,
            started: Instant::now(),
            status: CALLER_HAS_GONE,
        };
        if let Some(line) = visit.platform_line("Start") {
            visit.lines.log.write(line.as_bytes());
        }
        visit
    }

    fn platform_line(&self, moment: &str) -> Option<String> {
        let request_id = &self.request_id;
        let line = |name| format!("FC {name} {moment} RequestId: {request_id}\n");
        self.name.map(line)
    }

    fn log_request(&self) {
        // Three places behind the point are microseconds; the rest would be noise.
        let duration_ms = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let path = (self.lines.log_path)(self.uri.path());
        let Self { method, status, request_id, .. } = self;
        tracing::info!(
            %method,
            %path,
            status,
            duration_ms,
            request_id,
            "{method} {path} answered {status} in {duration_ms} ms"
        );
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let end = self.platform_line("End").unwrap_or_default();
        // Two lines, one write.
        let log = &self.lines.log;
        log.together(|| self.log_request(), end.as_bytes());
    }
}

fn name(event: Event) -> &'static str {
    match event {
        Event::Http | Event::Invoke => "Invoke",
        Event::Initialize => "Initialize",
        Event::PreStop => "PreStop",
    }
}
