//! Where log lines go.
//!
//! A sink writes whole lines and nothing else, so that lines of several writers never mix. It can
//! hold lines back for a moment and write them at once: on the platform a write is the most
//! expensive part of a log line.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::{fmt, io, mem};

static STDOUT: LazyLock<Sink> = LazyLock::new(|| Sink::new(io::stdout()));

/// A place for log lines, shared by all its clones.
#[derive(Clone)]
pub struct Sink(Arc<Mutex<Inner>>);

struct Inner {
    out: Box<dyn Write + Send>,
    /// Lines that wait for [`Sink::together`] to end.
    held: Vec<u8>,
    holding: bool,
}

impl Sink {
    /// Returns the process's standard output, where the platform collects logs.
    #[must_use]
    pub fn stdout() -> Self {
        STDOUT.clone()
    }

    /// Sends lines elsewhere, for example into a test's buffer.
    #[must_use]
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Inner { out: Box::new(out), held: Vec::new(), holding: false })))
    }

    /// Writes complete lines. A log that cannot be written must not stop the service, so a failure
    /// is not reported: there is nowhere left to report it.
    pub(crate) fn write(&self, lines: &[u8]) {
        let mut inner = self.lock();
        if inner.holding {
            inner.held.extend_from_slice(lines);
        } else {
            let _ = inner.out.write_all(lines);
            let _ = inner.out.flush();
        }
    }

    /// Runs `work` and writes the lines it produced in one go.
    pub(crate) fn together<T>(&self, work: impl FnOnce() -> T) -> T {
        // Released by a drop, so that a panic in `work` cannot silence the log for good.
        let _release = Release { sink: self };
        self.lock().holding = true;
        work()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Release<'a> {
    sink: &'a Sink,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        let mut inner = self.sink.lock();
        let mut lines = mem::take(&mut inner.held);
        if !lines.is_empty() {
            let _ = inner.out.write_all(&lines);
            let _ = inner.out.flush();
        }
        // The buffer is used again for the next lines.
        lines.clear();
        inner.held = lines;
        inner.holding = false;
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sink")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the writes it is given.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<String>>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.lock().unwrap().push(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_belong_together_are_written_at_once() {
        let writes = Writes::default();
        let sink = Sink::new(writes.clone());
        sink.write(b"a\n");
        sink.together(|| {
            sink.write(b"b\n");
            sink.write(b"c\n");
        });
        sink.together(|| ());
        sink.write(b"d\n");
        assert_eq!(*writes.0.lock().unwrap(), ["a\n", "b\nc\n", "d\n"]);
    }

    #[test]
    fn a_panic_between_lines_loses_none() {
        let writes = Writes::default();
        let sink = Sink::new(writes.clone());
        let other = sink.clone();
        let thread = std::thread::spawn(move || {
            other.together(|| {
                other.write(b"before\n");
                std::panic::resume_unwind(Box::new(()))
            })
        });
        assert!(thread.join().is_err());
        sink.write(b"next\n");
        assert_eq!(*writes.0.lock().unwrap(), ["before\n", "next\n"]);
    }

    #[test]
    fn a_closed_output_stops_nobody() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        Sink::new(Closed).write(b"lost\n");
    }
}
