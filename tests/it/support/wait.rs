//! Waits with a limit: a test whose condition never holds fails, and names the condition.

use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// The longest wait for a single step of a test, on a busy machine too.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Lets other tasks run until the condition holds. The limit is real time, because tests pause tokio's clock.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "this did not happen within {LIMIT:?}: {what}");
        tokio::task::yield_now().await;
    }
}

/// Asks every few milliseconds until there is a value. For what happens in another process.
pub(crate) async fn poll<T>(what: &str, mut value: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = value() {
            return value;
        }
        assert!(start.elapsed() < LIMIT, "this did not happen within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a future. Not for tests that pause tokio's clock: there the limit would pass at once.
pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(limit, future).await;
    assert!(outcome.is_ok(), "this did not happen within {limit:?}: {what}");
    outcome.unwrap()
}

/// The lines that a process prints. A thread reads them, so that the process never waits for a reader.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(output: impl Read + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self(lines)
    }

    /// Waits for the next line that the condition holds for, and drops those before it.
    pub(crate) fn find(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        let mut before = Vec::new();
        loop {
            let line = self.0.recv_timeout(LIMIT.saturating_sub(start.elapsed()));
            assert!(line.is_ok(), "no such line ({line:?}): {what}; there were {before:?}");
            let line = line.unwrap();
            if condition(&line) {
                return line;
            }
            before.push(line);
        }
    }
}
