//! The output of instances, line by line, as the platform's log service collects it.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// How many lines are kept; the oldest are removed first.
const MAX_LINES: usize = 10_000;

/// A line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The id of the instance.
    pub instance: String,
    /// The request that the line belongs to: the one that it names, or the only one in flight.
    pub request_id: Option<String>,
    /// Whether it was written on standard error.
    pub is_error: bool,
    /// The text without the line end.
    pub text: String,
}

/// The lines of all instances of a function. Clones share them.
#[derive(Clone, Default)]
pub struct InstanceLog(Arc<Mutex<VecDeque<LogLine>>>);

impl InstanceLog {
    /// Returns all lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<LogLine> {
        self.lock().iter().cloned().collect()
    }

    /// Returns the last `count` lines of one instance.
    #[must_use]
    pub fn last_lines(&self, instance: &str, count: usize) -> Vec<String> {
        let lines = self.lock();
        let mut last: Vec<String> = lines
            .iter()
            .rev()
            .filter(|line| line.instance == instance)
            .take(count)
            .map(|line| line.text.clone())
            .collect();
        last.reverse();
        last
    }

    fn push(&self, line: LogLine) {
        let mut lines = self.lock();
        if lines.len() >= MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<LogLine>> {
        // No change can panic half way, so the lines under a poisoned lock are still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines are left out: they may be many, and may contain secrets.
impl fmt::Debug for InstanceLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "InstanceLog({} lines)", self.lock().len())
    }
}

/// The ids of the requests that an instance is handling. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlightRequests(Arc<Mutex<BTreeSet<String>>>);

impl InFlightRequests {
    pub(crate) fn insert(&self, request_id: &str) {
        self.lock().insert(request_id.to_owned());
    }

    pub(crate) fn remove(&self, request_id: &str) {
        self.lock().remove(request_id);
    }

    /// Returns the request that a line belongs to.
    fn request_of(&self, text: &str) -> Option<String> {
        let ids = self.lock();
        let named = ids.iter().find(|id| text.contains(id.as_str()));
        named.or_else(|| ids.first().filter(|_| ids.len() == 1)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads one output stream of an instance.
#[derive(Debug)]
pub(super) struct LogReader {
    pub(super) log: InstanceLog,
    pub(super) instance: String,
    pub(super) in_flight: InFlightRequests,
    pub(super) is_error: bool,
}

impl LogReader {
    /// Reads until the stream ends.
    pub(super) async fn read(self, stream: impl AsyncRead + Unpin) {
        let mut stream = BufReader::new(stream);
        let mut bytes = Vec::new();
        while stream.read_until(b'\n', &mut bytes).await.is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            self.log.push(LogLine {
                instance: self.instance.clone(),
                request_id: self.in_flight.request_of(&text),
                is_error: self.is_error,
                text,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_belongs_to_the_request_it_names_or_to_the_only_one() {
        let (log, in_flight) = (InstanceLog::default(), InFlightRequests::default());
        let read = async |text: &str| {
            let reader = LogReader {
                log: log.clone(),
                instance: "c-1".to_owned(),
                in_flight: in_flight.clone(),
                is_error: false,
            };
            reader.read(text.as_bytes()).await;
        };
        read("started\n").await;
        in_flight.insert("1-a");
        read("alone\n").await;
        in_flight.insert("1-b");
        read("of 1-b\nof neither").await;
        in_flight.remove("1-a");
        in_flight.remove("1-b");
        let requests: Vec<_> = log.lines().into_iter().map(|line| line.request_id).collect();
        assert_eq!(requests, [None, Some("1-a".to_owned()), Some("1-b".to_owned()), None]);
        assert_eq!(log.last_lines("c-1", 2), ["of 1-b", "of neither"]);
    }
}
