//! The results of a rehearsal, as lines of a table or as JSON, and the numbers in them.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CheckOutcome {
    /// The function behaves as the platform needs it.
    Pass,
    /// The function would fail on the platform.
    Fail,
    /// The check was left out, cannot see the answer from outside, or shows something to decide.
    Note,
}

impl fmt::Display for CheckOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Note => "NOTE",
        })
    }
}

/// The result of one check. `Display` writes it as a line of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// The name of the check.
    #[serde(rename = "act")]
    pub check: String,
    /// The outcome.
    #[serde(rename = "verdict")]
    pub outcome: CheckOutcome,
    /// What was measured, or `-`.
    pub figure: String,
    /// What was observed, and what to do about it.
    pub sentence: String,
}

impl CheckResult {
    /// A check that passed.
    pub fn pass(
        check: impl Into<String>,
        figure: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        let (check, figure, sentence) = (check.into(), figure.into(), sentence.into());
        Self { check, outcome: CheckOutcome::Pass, figure, sentence }
    }

    /// A check that failed.
    pub fn fail(
        check: impl Into<String>,
        figure: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        Self { outcome: CheckOutcome::Fail, ..Self::pass(check, figure, sentence) }
    }

    /// A check that neither passed nor failed.
    pub fn note(
        check: impl Into<String>,
        figure: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        Self { outcome: CheckOutcome::Note, ..Self::pass(check, figure, sentence) }
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, outcome, figure, sentence } = self;
        write!(formatter, "{check:<19} {outcome:<7} {figure:<22} {sentence}")
    }
}

/// All results of a rehearsal.
#[derive(Clone, Debug, Default)]
pub struct RehearsalReport {
    results: Vec<CheckResult>,
}

impl RehearsalReport {
    /// Adds a result.
    pub fn push(&mut self, result: CheckResult) {
        self.results.push(result);
    }

    /// Returns how many checks have this outcome.
    #[must_use]
    pub fn count(&self, outcome: CheckOutcome) -> usize {
        self.results.iter().filter(|result| result.outcome == outcome).count()
    }

    /// Returns the names of the failed checks.
    #[must_use]
    pub fn failed_checks(&self) -> Vec<&str> {
        let failed = self.results.iter().filter(|result| result.outcome == CheckOutcome::Fail);
        failed.map(|result| result.check.as_str()).collect()
    }

    /// Returns the whole report as JSON; `target` is the name of the package.
    #[must_use]
    pub fn to_json(&self, target: &str) -> Value {
        let violated = self.failed_checks();
        json!({
            "target": target,
            "passed": violated.is_empty(),
            "violated": violated,
            "acts": self.results,
        })
    }
}

/// Formats a duration for people, with the digits that matter.
pub(super) fn format_duration(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1000.0;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// Formats a number of bytes for people, in tenths of the largest unit below it.
pub(super) fn format_size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match UNITS.iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => {
            let tenths = (bytes * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_digits_that_matter() {
        for (micros, text) in [(1230, "1.2 ms"), (45_678, "46 ms"), (31_000_000, "31.0 s")] {
            assert_eq!(format_duration(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn a_size_has_a_fitting_unit() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (20 << 20, "20.0 MiB")]
        {
            assert_eq!(format_size(bytes), text);
        }
    }

    #[test]
    fn a_report_names_what_failed() {
        let mut report = RehearsalReport::default();
        report.push(CheckResult::pass("memory", "1 B", "enough"));
        report.push(CheckResult::fail("log", "-", "a secret"));
        assert_eq!(report.count(CheckOutcome::Pass), 1);
        let json = report.to_json("code.zip");
        assert_eq!((&json["passed"], &json["violated"]), (&json!(false), &json!(["log"])));
        let first = json!({
            "act": "memory", "verdict": "PASS", "figure": "1 B", "sentence": "enough",
        });
        assert_eq!(json["acts"][0], first);
    }
}
