//! Turns a panic into one failed request.
//!
//! The connection and the instance live on. Of a panic only its place in the source is
//! kept, not its message: messages of panics quote values, and values may be secrets. An answer's
//! body that panics while it is sent ends its connection; such bodies are not caught here.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::pin::Pin;
use std::sync::Once;
use std::task::Poll;
use std::{panic, task};

use http::Request;
use tower::Service;

use crate::fault::Fault;

/// Catches panics of the service.
#[derive(Clone)]
pub(crate) struct Panics<S> {
    inner: S,
}

impl<S> Panics<S> {
    pub(crate) fn new(inner: S) -> Self {
        hook_once();
        Self { inner }
    }
}

impl<S, I> Service<Request<I>> for Panics<S>
where
    S: Service<Request<I>, Error = Fault>,
{
    type Response = S::Response;
    type Error = Fault;
    type Future = Caught<S::Future>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        // The layers below only assemble a future here; the service runs when it is polled.
        Caught { future: Box::pin(self.inner.call(request)) }
    }
}

/// A future whose panic is its failure.
pub(crate) struct Caught<F> {
    future: Pin<Box<F>>,
}

impl<F, T> Future for Caught<F>
where
    F: Future<Output = Result<T, Fault>>,
{
    type Output = Result<T, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let future = &mut self.future;
        // A future that panicked is never polled again, so nothing sees what it left half done.
        match catch(|| future.as_mut().poll(cx)) {
            Ok(poll) => poll,
            Err(place) => Poll::Ready(Err(Fault::Panicked(place))),
        }
    }
}

thread_local! {
    /// Whether this thread is inside a handler, whose panics are caught here.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic inside a handler happened.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `work`; a panic is returned as its place in the source.
fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = INSIDE.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(before);
    outcome.map_err(|_payload: Box<dyn Any + Send>| PLACE.take())
}

/// Silences the standard hook inside handlers, once per process: it would print the message.
/// Panics elsewhere are reported as before.
fn hook_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let standard = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if INSIDE.get() {
                let place = info.location().map(ToString::to_string);
                PLACE.replace(place.unwrap_or_default());
            } else {
                standard(info);
            }
        }));
    });
}
