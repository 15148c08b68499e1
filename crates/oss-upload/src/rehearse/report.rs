//! What a rehearsal reports: one row for each act, as a table for people or as JSON for machines.

use serde::Serialize;
use serde_json::json;

use crate::console;

/// How an act went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Verdict {
    /// As the platform wants it.
    Pass,
    /// It would break in the cloud.
    Fail,
    /// To be known: left out, not to be seen from outside, or a matter of taste.
    Note,
}

/// One act.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    act: String,
    pub(super) verdict: Verdict,
    figure: String,
    sentence: String,
}

impl Row {
    pub(super) fn pass(
        act: impl Into<String>,
        figure: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        let (act, figure, sentence) = (act.into(), figure.into(), sentence.into());
        Self { act, verdict: Verdict::Pass, figure, sentence }
    }

    pub(super) fn fail(
        act: impl Into<String>,
        figure: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Fail, ..Self::pass(act, figure, sentence) }
    }

    pub(super) fn note(
        act: impl Into<String>,
        figure: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Note, ..Self::pass(act, figure, sentence) }
    }

    /// Writes the row as a line of the table.
    fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Note => "NOTE",
        };
        line(&self.act, verdict, &self.figure, &self.sentence)
    }
}

fn line(act: &str, verdict: &str, figure: &str, sentence: &str) -> String {
    format!("{act:<19} {verdict:<7} {figure:<22} {sentence}")
}

/// The rows so far. People see each as it comes, machines all of them at the end.
#[derive(Debug)]
pub(super) struct Report {
    is_json: bool,
    target: String,
    rows: Vec<Row>,
}

impl Report {
    pub(super) fn open(target: String, is_json: bool) -> Self {
        if !is_json {
            console::say(&line("act", "verdict", "figure", "what was seen"));
        }
        Self { is_json, target, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, row: Row) {
        if !self.is_json {
            console::say(&row.line());
        }
        self.rows.push(row);
    }

    /// Closes the report and gives how many acts failed.
    pub(super) fn close(self) -> usize {
        let count = |verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let (passed, failed, notes) =
            (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::Note));
        let failures = self.rows.iter().filter(|row| row.verdict == Verdict::Fail);
        let violated: Vec<&str> = failures.map(|row| row.act.as_str()).collect();
        if self.is_json {
            let report = json!({
                "target": self.target,
                "passed": violated.is_empty(),
                "violated": violated,
                "acts": self.rows,
            });
            console::say_json(&report.to_string());
        } else {
            console::say(&format!("{passed} passed, {notes} to note, {failed} failed"));
            if !violated.is_empty() {
                console::say(&format!("violated: {}", violated.join(", ")));
            }
        }
        failed
    }
}
