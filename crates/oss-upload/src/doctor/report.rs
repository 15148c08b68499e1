//! The report: a table for people, JSON for machines.

use serde::Serialize;

use crate::doctor::case::Case;
use crate::doctor::finding::{Finding, Verdict};

/// Where the explanations of a finding begin.
const INDENT: &str = "                   ";

/// How wide a line of a sentence may be, after its beginning.
const WIDTH: usize = 96;

#[derive(Serialize)]
struct Json<'a> {
    signer: &'a str,
    origin: &'a str,
    route: &'a str,
    ok: usize,
    warn: usize,
    fail: usize,
    skipped: usize,
    findings: &'a [Finding],
}

/// Counts the findings of a verdict.
pub(super) fn count(findings: &[Finding], verdict: Verdict) -> usize {
    findings.iter().filter(|finding| finding.verdict == verdict).count()
}

/// Writes the report as JSON.
pub(super) fn json(case: &Case, findings: &[Finding]) -> String {
    let count = |verdict| count(findings, verdict);
    let json = Json {
        signer: &case.signer,
        origin: &case.origin,
        route: &case.route,
        ok: count(Verdict::Ok),
        warn: count(Verdict::Warn),
        fail: count(Verdict::Fail),
        skipped: count(Verdict::Skipped),
        findings,
    };
    serde_json::to_string_pretty(&json).unwrap_or_default()
}

/// Writes the report as a table, one group after the other.
pub(super) fn table(case: &Case, findings: &[Finding]) -> String {
    let Case { signer, origin, route, .. } = case;
    let mut lines = vec![format!("{signer}, route {route}, for pages of {origin}")];
    let mut told = Vec::new();
    for group in findings.chunk_by(|one, next| one.parts().0 == next.parts().0) {
        let name = group.first().map_or("", |finding| finding.parts().0);
        lines.extend([String::new(), name.to_owned()]);
        if let Some(reason) = left_out(group) {
            let begin = begin(Verdict::Skipped);
            lines.push(format!("{begin}{:<10} {reason}", "all of it"));
            continue;
        }
        for finding in group {
            let begin = begin(finding.verdict);
            let mut seen = fold(&finding.seen).into_iter();
            let first = seen.next().unwrap_or_default();
            lines.push(format!("{begin}{:<10} {first}", finding.parts().1));
            lines.extend(seen.map(|line| format!("{INDENT}{line}")));
            lines.extend(explanation("is", finding.cause.as_deref().unwrap_or_default()));
            lines.extend(explanation("why", &finding.why));
            // Where nothing is to be mended, it is what may be done next.
            let label = if finding.verdict == Verdict::Ok { "next" } else { "mend" };
            lines.extend(explanation(label, &mend(finding, &mut told)));
        }
    }
    lines.extend([String::new(), sum(findings)]);
    lines.join("\n")
}

/// The one reason for which a whole group was left out.
fn left_out(group: &[Finding]) -> Option<&str> {
    let reason = group.first()?.seen.as_str();
    let is_same = |finding: &Finding| finding.verdict == Verdict::Skipped && finding.seen == reason;
    group.iter().all(is_same).then_some(reason)
}

/// What mends a finding; long steps are told once.
fn mend<'a>(finding: &'a Finding, told: &mut Vec<&'a Finding>) -> String {
    let before = told.iter().find(|one| !one.mend.is_empty() && one.mend == finding.mend);
    if let Some(before) = before {
        let (group, what) = before.parts();
        return format!("as above: {group}, {what}");
    }
    told.push(finding);
    finding.mend.clone()
}

fn explanation(label: &str, text: &str) -> Vec<String> {
    let lines = text.lines().flat_map(fold).enumerate();
    let label = |at| if at == 0 { label } else { "" };
    lines.map(|(at, line)| format!("{INDENT}{:<5} {line}", label(at))).collect()
}

/// Breaks a sentence into lines; what is to be pasted, and what is set in, stays whole.
fn fold(text: &str) -> Vec<String> {
    if text.starts_with([' ', '{', '<']) {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn sum(findings: &[Finding]) -> String {
    let parts = [
        (Verdict::Ok, "ok"),
        (Verdict::Warn, "to look at"),
        (Verdict::Fail, "failed"),
        (Verdict::Skipped, "not looked at"),
    ];
    let parts = parts.map(|(verdict, word)| (count(findings, verdict), word));
    let told = parts.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok  ",
        Verdict::Warn => "look",
        Verdict::Fail => "FAIL",
        Verdict::Skipped => "-   ",
    }
}

/// Writes how the line of a finding begins. No other line begins so.
fn begin(verdict: Verdict) -> String {
    format!("  {}  ", mark(verdict))
}

/// Adds the colour of its verdict to the line of a finding, and leaves every other line as it is.
pub(super) fn paint(line: &str) -> String {
    let colours =
        [(Verdict::Ok, 32), (Verdict::Warn, 33), (Verdict::Fail, 31), (Verdict::Skipped, 90)];
    for (verdict, colour) in colours {
        if let Some(rest) = line.strip_prefix(&begin(verdict)) {
            return format!("  \u{1b}[{colour}m{}\u{1b}[0m  {rest}", mark(verdict));
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_folded_and_what_is_to_be_pasted_is_not() {
        let long = "word ".repeat(40);
        let lines = fold(long.trim_end());
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
        assert_eq!(lines.join(" "), long.trim_end());
        for whole in [format!("{{{long}}}"), format!("  {long}")] {
            assert_eq!(fold(&whole).join("|"), whole);
        }
        assert_eq!(fold(&"x".repeat(200)).len(), 1);
    }

    #[test]
    fn the_verdict_of_a_finding_is_painted_and_nothing_else() {
        let line = format!("{}call       FAIL", begin(Verdict::Fail));
        assert_eq!(paint(&line), "  \u{1b}[31mFAIL\u{1b}[0m  call       FAIL");
        for plain in ["", "page", "1 failed", "                   why   FAIL  it"] {
            assert_eq!(paint(plain), plain);
        }
    }
}
