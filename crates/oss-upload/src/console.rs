//! The console: what is said on standard output and complained of on standard error.
//!
//! A console that has gone away is no reason to stop serving, so a failed write is let be.

use std::io;
use std::io::IsTerminal;
use std::io::Write;

pub(super) fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "oss-upload: {text}");
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
