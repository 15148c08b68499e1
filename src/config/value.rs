//! Sizes, times and booleans in the form in which settings have them: `10MiB`, `10m`, `true`.

use std::time::Duration;

const SIZE: &str = "a size is a whole number with B, KB, KiB, MB, MiB, GB or GiB";
const TIME: &str = "a time is a whole number with s, m, h or d";
const BOOLEAN: &str = "write 'true' or 'false'";

/// Reads a size in bytes; a number without a unit means bytes.
pub fn size(text: &str) -> Result<u64, &'static str> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err(SIZE),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or(SIZE)
}

/// Writes a size in the largest unit of which it is a whole number, as a setting would have it: `2 MB`, `2 MiB`.
#[must_use]
pub fn size_text(bytes: u64) -> String {
    const UNITS: [(u64, &str); 6] = [
        (1_000_000_000, "GB"),
        (1 << 30, "GiB"),
        (1_000_000, "MB"),
        (1 << 20, "MiB"),
        (1_000, "KB"),
        (1 << 10, "KiB"),
    ];
    let whole = UNITS.into_iter().filter(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    // Of several units the one with the smallest number: 1048576000 is 1000 MiB and 1024000 KiB.
    let (unit, name) = whole.max_by_key(|(unit, _)| *unit).unwrap_or((1, "B"));
    format!("{} {name}", bytes / unit)
}

/// Reads a time; a number without a unit is refused, since it would be ambiguous.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    let (number, unit) = split(text);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(TIME),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .map(Duration::from_secs)
        .ok_or(TIME)
}

/// Writes a time in the largest unit of which it is a whole number, as a setting would have it: `90s`, `2h`.
#[must_use]
pub fn time_text(time: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let seconds = time.as_secs();
    let whole = UNITS.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or((1, "s"));
    format!("{}{name}", seconds / unit)
}

/// Reads `true` or `false`.
pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| BOOLEAN)
}

/// Reads `1`, the only value of a setting that is on or not set.
pub(super) fn one(text: &str) -> Result<(), &'static str> {
    if text == "1" { Ok(()) } else { Err("write '1', or leave it out") }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_a_unit() {
        for (text, bytes) in
            [("0", 0), ("1024", 1024), ("10MiB", 10 << 20), ("5 gib", 5 << 30), ("1kB", 1000)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in [
            "",
            "MiB",
            "10 megs",
            "-1",
            "1.5MiB",
            "99999999999999999999",
            "18446744073709551615KiB",
        ] {
            assert_eq!(size(bad), Err(SIZE), "{bad}");
        }
    }

    #[test]
    fn a_size_is_written_as_it_would_be_set() {
        for text in [
            "1 B", "1023 B", "1 KiB", "10 KB", "1536 B", "2 MB", "2 MiB", "1500 KB", "100 MiB",
            "1 GB", "5 GiB",
        ] {
            assert_eq!(size_text(size(text).unwrap()), text);
        }
        assert_eq!(size_text(0), "0 B");
    }

    proptest::proptest! {
        #[test]
        fn any_size_is_written_exactly(bytes: u64) {
            assert_eq!(size(&size_text(bytes)), Ok(bytes));
        }
    }

    #[test]
    fn a_time_is_written_as_it_would_be_set() {
        for text in ["0s", "90s", "10m", "36h", "7d", "86401s"] {
            assert_eq!(time_text(duration(text).unwrap()), text);
        }
        assert_eq!(time_text(Duration::from_hours(24)), "1d");
    }

    #[test]
    fn times_need_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("36h", 129_600), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "10", "m", "ten minutes", "1w", "-1s"] {
            assert_eq!(duration(bad), Err(TIME), "{bad}");
        }
    }
}
