//! A log that can be read, in place of standard output.

use std::io;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use fc_http::log;
use fc_http::log::LogWriter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, Interest};
use tracing::{Event, Metadata, Subscriber};

/// Receives this thread's events and the lines of servers that are given its sink.
pub(crate) struct Log {
    lines: Lines,
    sink: LogWriter,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Starts to receive what the filter lets through.
    pub(crate) fn capture(filter: &str) -> Self {
        let lines = Lines::default();
        let sink = LogWriter::new(lines.clone());
        let subscriber = log::subscriber(Some(filter), sink.clone()).unwrap();
        DISCARD.call_once(|| {
            let _ = tracing::subscriber::set_global_default(Discard);
        });
        let guard = tracing::subscriber::set_default(subscriber);
        // Another test may have turned events off before this.
        tracing::callsite::rebuild_interest_cache();
        Self { lines, sink, _guard: guard }
    }

    pub(crate) fn sink(&self) -> LogWriter {
        self.sink.clone()
    }

    /// Returns everything written so far, one entry for each write.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.lines.0.lock().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        self.writes().concat()
    }

    /// Returns the events with a level, parsed.
    pub(crate) fn events(&self, level: &str) -> Vec<serde_json::Value> {
        let text = self.text();
        let events = text.lines().filter(|line| line.starts_with('{'));
        events
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|event: &serde_json::Value| event["level"] == level)
            .collect()
    }
}

static DISCARD: Once = Once::new();

/// Receives the events of tests without a log. With it, `tracing` calls `enabled` for every event. Without it, the
/// first test that emits an event could turn it off for all tests.
struct Discard;

impl Subscriber for Discard {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.lock().unwrap().push(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
