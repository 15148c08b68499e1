//! The report: a table for people, JSON for machines.

use serde::Serialize;

use crate::tool::doctor::case::Case;
use crate::tool::doctor::finding::Finding;
use crate::tool::doctor::finding::Verdict;

/// Where the explanations of a finding begin.
const INDENT: &str = "                   ";

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
pub(super) fn table(case: &Case, findings: &[Finding], coloured: bool) -> String {
    let Case { signer, origin, route, .. } = case;
    let mut lines = vec![format!("{signer}, route {route}, for pages of {origin}")];
    let mut told = Vec::new();
    for group in findings.chunk_by(|one, next| one.parts().0 == next.parts().0) {
        let name = group.first().map_or("", |finding| finding.parts().0);
        lines.extend([String::new(), name.to_owned()]);
        if let Some(reason) = left_out(group) {
            let mark = paint(mark(Verdict::Skipped), Verdict::Skipped, coloured);
            lines.push(format!("  {mark}  {:<10} {reason}", "all of it"));
            continue;
        }
        for finding in group {
            let mark = paint(mark(finding.verdict), finding.verdict, coloured);
            lines.push(format!("  {mark}  {:<10} {}", finding.parts().1, finding.seen));
            lines.extend(explanation("is", finding.cause.as_deref().unwrap_or_default()));
            lines.extend(explanation("why", &finding.why));
            lines.extend(explanation("mend", &mend(finding, &mut told)));
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
    match before {
        Some(before) => {
            let (group, what) = before.parts();
            format!("as above: {group}, {what}")
        }
        None => {
            told.push(finding);
            finding.mend.clone()
        }
    }
}

fn explanation(label: &str, text: &str) -> Vec<String> {
    let mut lines = text.lines();
    let first = lines.next().map(|line| format!("{INDENT}{label:<5} {line}"));
    first.into_iter().chain(lines.map(|line| format!("{INDENT}      {line}"))).collect()
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

fn paint(mark: &str, verdict: Verdict, coloured: bool) -> String {
    let colour = match verdict {
        Verdict::Ok => 32,
        Verdict::Warn => 33,
        Verdict::Fail => 31,
        Verdict::Skipped => 90,
    };
    if coloured { format!("\u{1b}[{colour}m{mark}\u{1b}[0m") } else { mark.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals() {
        assert_eq!(paint("FAIL", Verdict::Fail, false), "FAIL");
        assert_eq!(paint("FAIL", Verdict::Fail, true), "\u{1b}[31mFAIL\u{1b}[0m");
    }
}
