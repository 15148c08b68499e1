//! A log that can be read, in place of standard output.

use std::io;
use std::io::Write;
use std::sync::{Arc, Mutex};

use fc_http::log;
use fc_http::log::LogWriter;
use tracing::subscriber::DefaultGuard;

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
        let guard = tracing::subscriber::set_default(subscriber);
        // An event that another test is the first to meet just now may have been judged without us.
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
