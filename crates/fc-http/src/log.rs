//! Logs: `tracing` events as one JSON object a line, on standard output.
//!
//! The platform collects what a function prints and can search JSON by field, so message and fields are members of
//! one flat object. A binary calls [`init`] once.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::{fmt, mem};

use serde::Serializer;
use serde::ser::SerializeMap;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_serde::{AsSerde, SerdeMapVisitor};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

static STDOUT: LazyLock<LogWriter> = LazyLock::new(|| LogWriter::new(io::stdout()));

/// Starts logging to standard output. `filter` is the value of `RUST_LOG`; `None` means `info`.
///
/// A filter is a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or several `target=level` separated by
/// commas.
///
/// # Errors
///
/// [`InitError::Filter`] if the filter is invalid, [`InitError::AlreadyInitialized`] if this process logs already.
pub fn init(filter: Option<&str>) -> Result<(), InitError> {
    let subscriber = subscriber(filter, LogWriter::stdout()).map_err(InitError::Filter)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InitError::AlreadyInitialized)
}

/// Builds the subscriber that [`init`] installs, with another writer.
///
/// # Errors
///
/// [`FilterError`] if the filter is invalid.
pub fn subscriber(
    filter: Option<&str>,
    writer: LogWriter,
) -> Result<impl Subscriber + Send + Sync + use<>, FilterError> {
    let targets = parse_filter(filter.unwrap_or_default())?;
    Ok(tracing_subscriber::registry().with(targets).with(JsonLayer { writer }))
}

/// Writes each event as one line of JSON.
///
/// The library's own JSON layer hands on every piece of a line through several formatters, which takes three times as
/// long. Spans are not logged.
struct JsonLayer {
    writer: LogWriter,
}

impl<S: Subscriber> Layer<S> for JsonLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Enough for the event of a request.
        let mut line = Vec::with_capacity(512);
        if write_json(&mut line, event).is_ok() {
            self.writer.write(&without_terminal_controls(line));
        }
    }
}

/// Writes an event: time, level, message and fields, target.
fn write_json(line: &mut Vec<u8>, event: &Event<'_>) -> serde_json::Result<()> {
    let mut timestamp = String::with_capacity(32);
    // A clock before 1970 leaves it empty; the event counts more than its time.
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
    let mut serializer = serde_json::Serializer::new(&mut *line);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("timestamp", &timestamp)?;
    map.serialize_entry("level", &event.metadata().level().as_serde())?;
    let mut fields = SerdeMapVisitor::new(map);
    event.record(&mut fields);
    let mut map = fields.take_serializer()?;
    map.serialize_entry("target", event.metadata().target())?;
    SerializeMap::end(map)?;
    line.push(b'\n');
    Ok(())
}

/// Parses a filter.
///
/// Stricter than [`Targets`]' own parser, which takes a single word for a target: a mistyped level would become a log
/// that stays empty.
fn parse_filter(text: &str) -> Result<Targets, FilterError> {
    let mut targets = Targets::new();
    if text.trim().is_empty() {
        return Ok(targets.with_default(LevelFilter::INFO));
    }
    for directive in text.split(',') {
        let invalid = || FilterError(directive.to_owned());
        targets = match directive.split_once('=') {
            Some((target, level)) if !target.trim().is_empty() => {
                targets.with_target(target.trim(), parse_level(level).ok_or_else(invalid)?)
            }
            Some(_) => return Err(invalid()),
            None => targets.with_default(parse_level(directive).ok_or_else(invalid)?),
        };
    }
    Ok(targets)
}

/// Parses the name of a level. [`LevelFilter`]'s own parser also takes numbers and the empty string.
fn parse_level(name: &str) -> Option<LevelFilter> {
    let name = name.trim();
    name.starts_with(|first: char| first.is_ascii_alphabetic()).then(|| name.parse().ok())?
}

/// A directive that is neither a level nor `target=level`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(String);

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is no log filter; write off, error, warn, info, debug or trace, or target=level",
            self.0
        )
    }
}

impl Error for FilterError {}

/// Why logging could not start.
#[derive(Debug)]
pub enum InitError {
    /// The filter is invalid. Correct `RUST_LOG`, or unset it.
    Filter(FilterError),
    /// Another subscriber receives the events of this process already.
    AlreadyInitialized,
}

impl fmt::Display for InitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(error) => error.fmt(formatter),
            Self::AlreadyInitialized => formatter.write_str("logging was started twice"),
        }
    }
}

impl Error for InitError {}

/// Writes whole log lines, so that lines of several threads never mix. Its clones share one output.
///
/// It can hold lines back and write them at once: on the platform the write is the most expensive part of a log line.
#[derive(Clone)]
pub struct LogWriter(Arc<Mutex<Output>>);

struct Output {
    out: Box<dyn Write + Send>,
    /// Lines that wait for the end of [`LogWriter::in_one_write`].
    buffer: Vec<u8>,
    is_buffering: bool,
}

impl LogWriter {
    /// Returns the writer to standard output, where the platform collects logs.
    #[must_use]
    pub fn stdout() -> Self {
        STDOUT.clone()
    }

    /// Writes to another place, for example to the buffer of a test.
    #[must_use]
    pub fn new(out: impl Write + Send + 'static) -> Self {
        let (buffer, is_buffering) = (Vec::new(), false);
        Self(Arc::new(Mutex::new(Output { out: Box::new(out), buffer, is_buffering })))
    }

    /// Writes complete lines. A failure is ignored: a log that cannot be written must not stop the service, and there
    /// is no place to report it.
    pub(crate) fn write(&self, lines: &[u8]) {
        let mut output = self.lock();
        if output.is_buffering {
            output.buffer.extend_from_slice(lines);
        } else {
            let _ = output.out.write_all(lines);
            let _ = output.out.flush();
        }
    }

    /// Runs `work`, then written the lines that it logged at once.
    pub(crate) fn in_one_write<T>(&self, work: impl FnOnce() -> T) -> T {
        // Flushed by a drop, so that a panic in `work` loses no line.
        let _flush = FlushOnDrop { writer: self };
        self.lock().is_buffering = true;
        work()
    }

    fn lock(&self) -> MutexGuard<'_, Output> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct FlushOnDrop<'a> {
    writer: &'a LogWriter,
}

impl Drop for FlushOnDrop<'_> {
    fn drop(&mut self) {
        let mut output = self.writer.lock();
        let mut lines = mem::take(&mut output.buffer);
        if !lines.is_empty() {
            let _ = output.out.write_all(&lines);
            let _ = output.out.flush();
        }
        // Keeps the buffer's memory for the next lines.
        lines.clear();
        output.buffer = lines;
        output.is_buffering = false;
    }
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LogWriter")
    }
}

/// Escapes the characters of a JSON line that steer a terminal. JSON itself escapes the control characters of ASCII but
/// for DEL, so most lines need nothing more.
fn without_terminal_controls(line: Vec<u8>) -> Vec<u8> {
    if line.iter().all(|byte| *byte < 0x7f) {
        return line;
    }
    escape(&String::from_utf8_lossy(&line)).into_bytes()
}

/// These characters occur inside of strings only, so the line means the same afterwards.
fn escape(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + 16);
    for character in line.chars() {
        if steers_terminal(character) {
            // All of them are in the basic multilingual plane.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Returns whether this is DEL, a C1 control character, a line separator, or a character that changes the direction of
/// text.
fn steers_terminal(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// Keeps each write.
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

    fn logged(filter: &str, work: impl FnOnce()) -> Vec<String> {
        let written = Writes::default();
        let subscriber = subscriber(Some(filter), LogWriter::new(written.clone())).unwrap();
        tracing::subscriber::with_default(subscriber, work);
        written.0.lock().unwrap().clone()
    }

    fn admits(filter: &str, target: &str, level: Level) -> bool {
        parse_filter(filter).unwrap().would_enable(target, &level)
    }

    #[test]
    fn without_a_filter_info_is_logged() {
        for empty in ["", "  "] {
            assert!(admits(empty, "any", Level::INFO) && !admits(empty, "any", Level::DEBUG));
        }
    }

    #[test]
    fn a_target_may_have_its_own_level() {
        let filter = "warn, signer=debug, signer::http::callback=OFF, signer::http=trace";
        for (target, most, too_much) in [
            ("signer::config", Some(Level::DEBUG), Some(Level::TRACE)),
            ("hyper", Some(Level::WARN), Some(Level::INFO)),
            ("signer::http", Some(Level::TRACE), None),
            ("signer::http::callback", None, Some(Level::ERROR)),
        ] {
            assert!(most.is_none_or(|level| admits(filter, target, level)), "{target}");
            assert!(!too_much.is_some_and(|level| admits(filter, target, level)), "{target}");
        }
        assert!(!admits("OFF", "signer", Level::ERROR));
    }

    #[test]
    fn a_mistyped_level_is_refused() {
        for bad in ["inof", "signer=loud", "=info", "info,", "signer=", "3"] {
            assert!(parse_filter(bad).is_err(), "{bad}");
        }
        assert_eq!(
            parse_filter("inof").unwrap_err().to_string(),
            "\"inof\" is no log filter; write off, error, warn, info, debug or trace, or target=level"
        );
    }

    #[test]
    fn an_event_is_one_line_of_json_whatever_its_values_hold() {
        let hostile = "a\"b\\c\nd\r\u{0}\u{7f}用户\u{2028}\u{9b}2J\u{85}\u{61c}\u{202e}\u{2066}";
        let lines = logged("info", || {
            tracing::warn!(text = hostile, shown = ?hostile, yes = true, n = -1, f = 0.5, nan = f64::NAN, "x {hostile}");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line.matches('\n').count(), 1);
        let is_control = |one: char| one != '\n' && (one.is_control() || steers_terminal(one));
        assert!(!line.contains(is_control), "{line:?}");
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["text"], hostile);
        assert_eq!(json["message"], format!("x {hostile}"));
        assert_eq!(json["shown"], format!("{hostile:?}"));
        assert_eq!(json["level"], "WARN");
        assert_eq!(
            (json["yes"].as_bool(), json["n"].as_i64(), json["f"].as_f64()),
            (Some(true), Some(-1), Some(0.5))
        );
        assert!(json["nan"].is_null());
        assert!(json["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(json["target"], module_path!());
    }

    #[test]
    fn lines_that_belong_together_are_written_at_once() {
        let written = Writes::default();
        let writer = LogWriter::new(written.clone());
        writer.write(b"a\n");
        writer.in_one_write(|| {
            writer.write(b"b\n");
            writer.write(b"c\n");
        });
        writer.in_one_write(|| ());
        writer.write(b"d\n");
        assert_eq!(*written.0.lock().unwrap(), ["a\n", "b\nc\n", "d\n"]);
    }

    #[test]
    fn a_panic_between_lines_loses_none() {
        let written = Writes::default();
        let writer = LogWriter::new(written.clone());
        let other = writer.clone();
        let thread = std::thread::spawn(move || {
            other.in_one_write(|| {
                other.write(b"before\n");
                std::panic::resume_unwind(Box::new(()))
            })
        });
        assert!(thread.join().is_err());
        writer.write(b"next\n");
        assert_eq!(*written.0.lock().unwrap(), ["before\n", "next\n"]);
    }

    #[test]
    fn a_closed_output_is_no_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        LogWriter::new(Closed).write(b"lost\n");
    }
}
