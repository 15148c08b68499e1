//! The console: everything that is printed on standard output and standard error.
//!
//! Much of the text comes from outside: names and values of a captured form, a message of a signer, a
//! receipt, an error of OSS. Such text could contain sequences that control the terminal. So each
//! function here replaces control characters, characters that change the direction of text, and line
//! separators. The functions differ in the line ends that they keep:
//!
//! | function | line ends |
//! |---|---|
//! | [`print_line`], [`print_error`] | none: the text is one line |
//! | [`print_lines`] | one after each text |
//! | [`print_text`], [`print_error_text`], [`print_colored`] | those in the text, which the tool wrote |
//! | [`print_json`] | those between the values; control characters are written as escapes |
//!
//! A console that was closed must not stop a server, so errors of writing are ignored.

use std::fmt::Write as _;
use std::io;
use std::io::{IsTerminal, Write};

use oss_upload_signer::config::value::size_text;

/// Prints one line.
pub(super) fn print_line(line: &str) {
    write_out(&sanitize(line));
}

/// Prints one line for each text.
pub(super) fn print_lines(lines: &[String]) {
    let lines: Vec<String> = lines.iter().map(|line| sanitize(line)).collect();
    write_out(&lines.join("\n"));
}

/// Prints a text whose line ends the tool wrote.
pub(super) fn print_text(text: &str) {
    write_out(&sanitize_lines(text));
}

/// Prints such a text; `color` adds colors to each of its lines.
pub(super) fn print_colored(text: &str, color: impl Fn(&str) -> String) {
    let lines: Vec<String> = text.split('\n').map(|line| color(&sanitize(line))).collect();
    write_out(&lines.join("\n"));
}

/// Prints JSON. Control characters occur only in strings, where an escape means the same.
pub(super) fn print_json(json: &str) {
    write_out(&escape(json));
}

fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_control(character) {
            // All of them are in the basic multilingual plane, so one escape is enough.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Prints one line on standard error.
pub(super) fn print_error(line: &str) {
    write_error(&sanitize(line));
}

/// Prints a text on standard error whose line ends the tool wrote.
pub(super) fn print_error_text(text: &str) {
    write_error(&sanitize_lines(text));
}

fn write_out(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

fn write_error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "oss-upload: {text}");
}

/// Replaces everything that controls a terminal, line ends included.
pub(super) fn sanitize(text: &str) -> String {
    let replace = |character| {
        if is_control(character) { char::REPLACEMENT_CHARACTER } else { character }
    };
    text.chars().map(replace).collect()
}

fn sanitize_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(sanitize).collect();
    lines.join("\n")
}

/// Returns whether a character controls a terminal or changes the direction of the text after it: C0,
/// DEL, C1, the line and paragraph separators, and the bidirectional controls of Unicode (UAX #9).
pub(super) fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// Returns whether standard output is a terminal, where colors help.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Formats a size for people. A size that is a whole number of units is written as in the settings:
/// `2 MB` or `20 MiB`. Any other size gets one decimal.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let exact = size_text(bytes);
    let unit = UNITS.iter().find(|(factor, _)| bytes >= *factor);
    let Some((factor, unit)) = unit.filter(|_| exact.ends_with(" B")) else {
        return exact;
    };
    let tenths = u128::from(bytes) * 10 / u128::from(*factor);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C0, an escape sequence for the title of a window, DEL, C1, and changes of direction.
    const HOSTILE: &str =
        "a\u{1b}]0;x\u{7}\r\n\t\u{7f}\u{9b}2J\u{85}\u{61c}\u{200e}\u{202e}\u{2028}\u{2066}b";

    #[test]
    fn a_printed_line_has_no_control_characters() {
        let line = sanitize(HOSTILE);
        assert!(line.starts_with("a\u{fffd}]0;x\u{fffd}") && line.ends_with('b'), "{line:?}");
        assert_eq!(line.chars().count(), HOSTILE.chars().count());
        assert!(!line.chars().any(is_control), "{line:?}");
        assert_eq!(sanitize("照片 é 🌏 שלום"), "照片 é 🌏 שלום");
    }

    #[test]
    fn line_ends_of_the_tool_are_kept() {
        assert_eq!(sanitize_lines("a\n  b\u{1b}[2J\n"), "a\n  b\u{fffd}[2J\n");
    }

    #[test]
    fn json_has_escapes_in_place_of_control_characters() {
        let json = serde_json::to_string_pretty(&[HOSTILE]).unwrap();
        let escaped = escape(&json);
        assert!(!escaped.chars().any(|one| one != '\n' && is_control(one)), "{escaped:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&escaped).unwrap(), [HOSTILE]);
    }

    #[test]
    fn sizes_are_written_as_in_the_settings_or_with_one_decimal() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1023, "1023 B"),
            (1000, "1 KB"),
            (1536, "1.5 KiB"),
            (2_000_000, "2 MB"),
            (2 << 20, "2 MiB"),
            (20 << 20, "20 MiB"),
            (5 << 30, "5 GiB"),
            ((5 << 30) - 1, "4.9 GiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
