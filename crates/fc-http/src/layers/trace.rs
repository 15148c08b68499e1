//! Writes the log lines around a request, and names the request in its answer.
//!
//! The platform groups log lines by two of its own around every invocation, `FC Invoke Start` and
//! `FC Invoke End`; they are part of its contract and do not depend on the log level. Between them
//! goes one event per request with what an operator asks first. Never logged: queries, header
//! values, bodies.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task;
use std::task::Poll;

use http::{HeaderName, HeaderValue, Method, Request, Uri};
use tokio::time::Instant;
use tower::Service;

use crate::context::{ContextExt, Event};
use crate::layers::context::X_FC_REQUEST_ID;
use crate::layers::{Answer, Pending};
use crate::log::Sink;
use crate::options::Options;

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
        let mut visit = Some(Visit::start(self.lines.clone(), &request));
        let log = self.lines.log.clone();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut answer = pin!(answer);
            // Most requests are answered at the first poll, and then all their lines, the opening
            // one included, are one write. One that has to wait is announced before it waits.
            let first = poll_fn(|cx| {
                Poll::Ready(log.together(|| {
                    visit.as_ref().inspect(|visit| visit.announce());
                    match answer.as_mut().poll(cx) {
                        Poll::Ready(answer) => Some(answer.map(|answer| end(visit.take(), answer))),
                        Poll::Pending => None,
                    }
                }))
            });
            if let Some(answer) = first.await {
                return answer;
            }
            let answer = answer.await?;
            Ok(log.together(|| end(visit.take(), answer)))
        })
    }
}

/// Names the request in its answer; the visit is logged as it goes.
fn end<B>(visit: Option<Visit>, mut answer: Answer<B>) -> Answer<B> {
    if let Some(mut visit) = visit {
        visit.status = answer.status().as_u16();
        if let Ok(id) = HeaderValue::from_str(&visit.request_id) {
            answer.headers_mut().insert(X_REQUEST_ID, id);
        }
    }
    answer
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
        Self {
            lines,
            method: request.method().clone(),
            uri: request.uri().clone(),
            request_id,
            name,
            started: Instant::now(),
            status: CALLER_HAS_GONE,
        }
    }

    /// Writes the platform's opening line.
    fn announce(&self) {
        self.write_platform_line("Start");
    }

    fn write_platform_line(&self, moment: &str) {
        if let Some(name) = self.name {
            let line = ["FC ", name, " ", moment, " RequestId: ", &self.request_id, "\n"].concat();
            self.lines.log.write(line.as_bytes());
        }
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
            "{method} {path} answered {status}"
        );
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.log_request();
        self.write_platform_line("End");
    }
}

fn name(event: Event) -> &'static str {
    match event {
        Event::Http | Event::Invoke => "Invoke",
        Event::Initialize => "Initialize",
        Event::PreStop => "PreStop",
    }
}
