//! Catches panics of the service, so that a panic is one failed request and not a dead instance.
//!
//! Only the location of a panic is kept, not its message: messages of panics quote values, and values may be
//! secrets. A response body that panics while it is sent ends its connection; that is not caught here.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// Whether this thread runs a future whose panics are caught here.
    static IS_CATCHING: Cell<bool> = const { Cell::new(false) };
    /// The location of the last caught panic.
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a future; its panic is returned as the location in the source.
pub(crate) async fn catch<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let before = IS_CATCHING.replace(true);
        // A future that panicked is not polled again, so the state that it left behind is never read.
        let outcome = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        IS_CATCHING.set(before);
        match outcome {
            Ok(poll) => poll.map(Ok),
            Err(_message) => Poll::Ready(Err(LOCATION.take())),
        }
    })
    .await
}

/// Installs a panic hook, once per process, that keeps the standard one from printing the message of a caught
/// panic. Other panics are reported as before.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let standard = take_hook();
        set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if IS_CATCHING.get() {
                let location = info.location().map(ToString::to_string);
                LOCATION.replace(location.unwrap_or_default());
            } else {
                standard(info);
            }
        }));
    });
}
