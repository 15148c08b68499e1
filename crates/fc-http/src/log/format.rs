//! One event as one JSON object on one line.
//!
//! Message and fields stand side by side. Written straight into the line's buffer: a request costs
//! one such line, and a general serialiser would be a sixth of all that a signed request costs.

use std::fmt;
use std::fmt::Write;

use ::time::OffsetDateTime;
use tracing::Event;
use tracing::field::{Field, Visit};

/// Appends an event as one line of JSON.
pub(crate) fn write_line(line: &mut String, now: OffsetDateTime, event: &Event<'_>) {
    line.push_str("{\"timestamp\":\"");
    write_timestamp(line, now);
    line.push_str("\",\"level\":\"");
    line.push_str(event.metadata().level().as_str());
    line.push('"');
    let mut members = Members { line };
    event.record(&mut members);
    members.add_text("target", event.metadata().target());
    line.push_str("}\n");
}

/// Writes RFC 3339 in UTC, with microseconds.
fn write_timestamp(line: &mut String, now: OffsetDateTime) {
    let year = now.year().unsigned_abs();
    let parts = [
        (year, 4, '-'),
        (u8::from(now.month()).into(), 2, '-'),
        (now.day().into(), 2, 'T'),
        (now.hour().into(), 2, ':'),
        (now.minute().into(), 2, ':'),
        (now.second().into(), 2, '.'),
        (now.microsecond(), 6, 'Z'),
    ];
    for (number, width, after) in parts {
        write_digits(line, number, width);
        line.push(after);
    }
}

fn write_digits(line: &mut String, number: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        line.push(char::from_digit(digit, 10).unwrap_or_default());
    }
}

/// Adds members to an object that is open. Writing to a text cannot fail.
struct Members<'a> {
    line: &'a mut String,
}

impl Members<'_> {
    /// Names are identifiers of the source and need no escape.
    fn name(&mut self, name: &str) {
        self.line.push_str(",\"");
        self.line.push_str(name);
        self.line.push_str("\":");
    }

    fn add_text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.line.push('"');
        escape(self.line, value);
        self.line.push('"');
    }

    fn add_shown(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        let _ = write!(self.line, "{value}");
    }
}

impl Visit for Members<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add_shown(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add_shown(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add_shown(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is not finite.
        if value.is_finite() {
            self.add_shown(field.name(), value);
        } else {
            self.add_shown(field.name(), "null");
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field.name());
        self.line.push('"');
        let _ = write!(Escaped(self.line), "{value:?}");
        self.line.push('"');
    }
}

/// Escapes what it passes on, so that a value can neither end its text nor its line.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

/// Escapes what JSON wants escaped, and what would steer a terminal that shows the log.
fn escape(line: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(is_escaped) {
        line.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(character) = rest.chars().next() else { break };
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            other => {
                // All of them are in the basic plane.
                let _ = write!(line, "\\u{:04x}", u32::from(other));
            }
        }
        rest = &rest[character.len_utf8()..];
    }
    line.push_str(rest);
}

/// Tells quotes, backslashes, control characters (C0, DEL, C1), line separators, and the characters that
/// turn the direction of text.
fn is_escaped(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '"'
            | '\\'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use crate::log::{Sink, subscriber};

    use super::*;

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
    fn a_moment_is_written_to_the_microsecond() {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(1_732_687_781_000_042_999).unwrap();
        let mut line = String::new();
        write_timestamp(&mut line, moment);
        assert_eq!(line, "2024-11-27T06:09:41.000042Z");
    }

    #[test]
    fn an_event_is_one_line_of_json_whatever_its_values_hold() {
        let hostile = "a\"b\\c\nd\r\u{0}\u{7f}用户\u{2028}\u{9b}2J\u{85}\u{61c}\u{202e}\u{2066}";
        let line = logged(|| {
            tracing::warn!(text = hostile, shown = ?hostile, yes = true, n = -1, f = 0.5, nan = f64::NAN, "x {hostile}");
        });
        assert_eq!(line.matches('\n').count(), 1);
        let steers = |one: char| one != '\n' && !matches!(one, '"' | '\\') && is_escaped(one);
        assert!(!line.contains(steers), "{line:?}");
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
