//! The console: what is printed on standard output and standard error.
//!
//! Everything that the tool prints goes through this file. Much of it was written by somebody else: names
//! and values of a captured form, a signer's message, a receipt, the XML of a refusal. No character of it
//! may steer the terminal, so each function here replaces control characters, characters that turn the
//! direction of text, and line separators. Which function is called says who made the line ends:
//!
//! | function | line ends |
//! |---|---|
//! | [`say`], [`complain`] | none: the text is one line |
//! | [`say_lines`] | one after each text |
//! | [`say_text`], [`complain_text`], [`say_painted`] | those in the text, which the tool put there |
//! | [`say_json`] | those between the values; nothing is replaced, but written as an escape |
//!
//! A console that has gone away is no reason to stop serving, so the result of a write is ignored.

use std::fmt::Write as _;
use std::io;
use std::io::{IsTerminal, Write};

/// Prints one line.
pub(super) fn say(line: &str) {
    print(&plain(line));
}

/// Prints one line for each text.
pub(super) fn say_lines(lines: &[String]) {
    let lines: Vec<String> = lines.iter().map(|line| plain(line)).collect();
    print(&lines.join("\n"));
}

/// Prints a text whose lines the tool made.
pub(super) fn say_text(text: &str) {
    print(&plain_lines(text));
}

/// Prints such a text, and has `paint` add colours to each line of it.
pub(super) fn say_painted(text: &str, paint: impl Fn(&str) -> String) {
    let lines: Vec<String> = text.split('\n').map(|line| paint(&plain(line))).collect();
    print(&lines.join("\n"));
}

/// Prints JSON. What would steer the terminal can only stand in a string, where its escape means the same.
pub(super) fn say_json(json: &str) {
    print(&escape(json));
}

fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_steering(character) {
            // All of them are in the basic plane, so one escape is enough.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Prints one line on standard error.
pub(super) fn complain(line: &str) {
    print_error(&plain(line));
}

/// Prints a text on standard error whose lines the tool made.
pub(super) fn complain_text(text: &str) {
    print_error(&plain_lines(text));
}

fn print(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

fn print_error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "oss-upload: {text}");
}

/// Replaces what would steer a terminal, line ends included.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(
            |character| {
                if is_steering(character) { char::REPLACEMENT_CHARACTER } else { character }
            },
        )
        .collect()
}

fn plain_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(plain).collect();
    lines.join("\n")
}

/// Tells the characters that steer a terminal or turn the direction of the text behind them: C0, DEL, C1,
/// the line and paragraph separators, and the bidirectional controls of Unicode (UAX #9).
pub(super) fn is_steering(character: char) -> bool {
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

/// Whether somebody looks at standard output, and colours help.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes a size as people read it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    let Some(unit) =
        UNITS.iter().enumerate().rev().find(|(power, _)| bytes >> (10 * (power + 1)) > 0)
    else {
        return format!("{bytes} B");
    };
    // A tenth of a unit is fine enough to look at.
    let tenths = (bytes * 10) >> (10 * (unit.0 + 1));
    format!("{}.{} {}", tenths / 10, tenths % 10, unit.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C0, DEL, C1, and what turns text round: an escape sequence for a window's title among them.
    const HOSTILE: &str =
        "a\u{1b}]0;x\u{7}\r\n\t\u{7f}\u{9b}2J\u{85}\u{61c}\u{200e}\u{202e}\u{2028}\u{2066}b";

    #[test]
    fn nothing_that_steers_a_terminal_is_left_of_a_line() {
        let line = plain(HOSTILE);
        assert!(line.starts_with("a\u{fffd}]0;x\u{fffd}") && line.ends_with('b'), "{line:?}");
        assert_eq!(line.chars().count(), HOSTILE.chars().count());
        assert!(!line.chars().any(is_steering), "{line:?}");
        assert_eq!(plain("照片 é 🌏 שלום"), "照片 é 🌏 שלום");
    }

    #[test]
    fn lines_that_the_tool_made_stay_lines() {
        assert_eq!(plain_lines("a\n  b\u{1b}[2J\n"), "a\n  b\u{fffd}[2J\n");
    }

    #[test]
    fn json_says_the_same_without_what_steers_a_terminal() {
        let json = serde_json::to_string_pretty(&[HOSTILE]).unwrap();
        let escaped = escape(&json);
        assert!(!escaped.chars().any(|one| one != '\n' && is_steering(one)), "{escaped:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&escaped).unwrap(), [HOSTILE]);
    }

    #[test]
    fn sizes_are_written_in_fitting_units() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (20 << 20, "20.0 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
