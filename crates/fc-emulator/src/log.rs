//! What instances write, line by line, as the platform's log service collects it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncRead;
use tokio::io::BufReader;

/// How many lines are kept; the oldest go first.
const MAX_LINES: usize = 10_000;

/// A line of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The instance that wrote it.
    pub instance: String,
    /// The request that it belongs to: the one that it names, or the only one under way.
    pub request_id: Option<String>,
    /// Whether it was written on standard error.
    pub is_error: bool,
    /// What it says.
    pub text: String,
}

/// The lines of all instances of a function; its clones are the same log.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Line>>>);

impl Log {
    /// Gives all lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lock().clone()
    }

    /// Gives the last lines of one instance.
    #[must_use]
    pub fn last_of(&self, instance: &str, count: usize) -> Vec<String> {
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

    fn add(&self, line: Line) {
        let mut lines = self.lock();
        if lines.len() >= MAX_LINES {
            lines.remove(0);
        }
        lines.push(line);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Line>> {
        // No change can panic half way, so a poisoned lock is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log may be long, and may hold what it should not.
impl fmt::Debug for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Log({} lines)", self.lock().len())
    }
}

/// The requests that an instance has under way; its clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnderWay(Arc<Mutex<BTreeSet<String>>>);

impl UnderWay {
    pub(crate) fn begin(&self, request_id: &str) {
        self.lock().insert(request_id.to_owned());
    }

    pub(crate) fn end(&self, request_id: &str) {
        self.lock().remove(request_id);
    }

    /// Finds the request that a line belongs to.
    fn owner(&self, text: &str) -> Option<String> {
        let ids = self.lock();
        let named = ids.iter().find(|id| text.contains(id.as_str()));
        named.or_else(|| ids.first().filter(|_| ids.len() == 1)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads one stream of an instance.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) log: Log,
    pub(crate) instance: String,
    pub(crate) under_way: UnderWay,
    pub(crate) is_error: bool,
}

impl Reader {
    /// Reads until the stream ends.
    pub(crate) async fn read(self, stream: impl AsyncRead + Unpin) {
        let mut stream = BufReader::new(stream);
        let mut bytes = Vec::new();
        while stream.read_until(b'\n', &mut bytes).await.is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            self.log.add(Line {
                instance: self.instance.clone(),
                request_id: self.under_way.owner(&text),
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
        let (log, under_way) = (Log::default(), UnderWay::default());
        let read = async |text: &str| {
            let reader = Reader {
                log: log.clone(),
                instance: "c-1".to_owned(),
                under_way: under_way.clone(),
                is_error: false,
            };
            reader.read(text.as_bytes()).await;
        };
        read("started\n").await;
        under_way.begin("1-a");
        read("alone\n").await;
        under_way.begin("1-b");
        read("of 1-b\nof nobody").await;
        under_way.end("1-a");
        under_way.end("1-b");
        let owners: Vec<_> = log.lines().into_iter().map(|line| line.request_id).collect();
        assert_eq!(owners, [None, Some("1-a".to_owned()), Some("1-b".to_owned()), None]);
        assert_eq!(log.last_of("c-1", 2), ["of 1-b", "of nobody"]);
    }
}
