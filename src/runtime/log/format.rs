//! One event as one JSON object on one line.
//!
//! Message and fields stand side by side. Written straight into the line's buffer: a request costs
//! one such line, and a general serialiser would be a sixth of all that a signed request costs.

use std::fmt;
use std::fmt::Write;

use tracing::Event;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::FormatEvent;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::registry::LookupSpan;

/// Writes events as JSON lines.
pub(crate) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        writer.write_str("\",\"level\":\"")?;
        writer.write_str(event.metadata().level().as_str())?;
        writer.write_char('"')?;
        let mut members = Members { writer, outcome: Ok(()) };
        event.record(&mut members);
        members.record_str_named("target", event.metadata().target());
        members.outcome?;
        members.writer.write_str("}\n")
    }
}

/// Adds members to an object that is open; the first failure is kept and ends the writing.
struct Members<'a> {
    writer: Writer<'a>,
    outcome: fmt::Result,
}

impl Members<'_> {
    fn add(&mut self, name: &str, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.outcome.is_ok() {
            self.outcome = self.name(name).and_then(|()| value(&mut self.writer));
        }
    }

    /// Names are identifiers of the source and need no escape.
    fn name(&mut self, name: &str) -> fmt::Result {
        self.writer.write_str(",\"")?;
        self.writer.write_str(name)?;
        self.writer.write_str("\":")
    }

    fn record_str_named(&mut self, name: &str, value: &str) {
        self.add(name, |writer| {
            writer.write_char('"')?;
            Escaped(writer).write_str(value)?;
            writer.write_char('"')
        });
    }
}

impl Visit for Members<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_str_named(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), |writer| writer.write_str(if value { "true" } else { "false" }));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is not finite.
        let finite = value.is_finite();
        self.add(field.name(), |writer| {
            if finite { write!(writer, "{value}") } else { writer.write_str("null") }
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), |writer| {
            writer.write_char('"')?;
            write!(Escaped(writer), "{value:?}")?;
            writer.write_char('"')
        });
    }
}

/// Escapes what it passes on, so that a value can neither end its text nor its line.
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|b| b < 0x20 || matches!(b, b'"' | b'\\' | 0x7f))
        {
            self.0.write_str(&rest[..at])?;
            match rest.as_bytes()[at] {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                other => write!(self.0, "\\u{other:04x}")?,
            }
            rest = &rest[at + 1..];
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::Mutex;

    use crate::runtime::log::Sink;
    use crate::runtime::log::subscriber;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(work: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let subscriber = subscriber(None, Sink::new(buffer.clone())).unwrap();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_one_line_of_json_whatever_its_values_hold() {
        let hostile = "a\"b\\c\nd\r\u{0}\u{7f}用户\u{2028}";
        let line = logged(|| {
            tracing::warn!(text = hostile, shown = ?hostile, yes = true, n = -1, f = 0.5, nan = f64::NAN, "x {hostile}");
        });
        assert_eq!(line.matches('\n').count(), 1);
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
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
}
