//! Figures as people read them.

use std::time::Duration;

/// Writes a time with as many digits as matter.
pub(super) fn time(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_digits_that_matter() {
        for (micros, text) in [(1230, "1.2 ms"), (45_678, "46 ms"), (31_000_000, "31.0 s")] {
            assert_eq!(time(Duration::from_micros(micros)), text);
        }
    }
}
