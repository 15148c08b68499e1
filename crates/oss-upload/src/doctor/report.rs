//! The report: a table for people, JSON for machines, in one of the two languages.

use serde::Serialize;

use crate::doctor::finding::{Finding, Severity};
use crate::doctor::target::DoctorTarget;
use crate::language::{Language, Text};

/// The indentation of the explanations of a finding.
const INDENT: &str = "                   ";

/// The longest line of a sentence in columns, without the indentation.
const WIDTH: usize = 96;

#[derive(Serialize)]
struct JsonReport<'a> {
    signer: &'a str,
    origin: &'a str,
    route: &'a str,
    ok: usize,
    warn: usize,
    fail: usize,
    skipped: usize,
    findings: Vec<JsonFinding<'a>>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    id: &'a str,
    verdict: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// Counts the findings of a severity.
pub(super) fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// Formats the report as JSON.
pub(super) fn json(target: &DoctorTarget, findings: &[Finding]) -> String {
    let language = target.language;
    let owned = |text: &Text| text.in_language(language).to_owned();
    let findings_json = findings.iter().map(|finding| JsonFinding {
        id: finding.id,
        verdict: finding.severity,
        cause: finding.cause.as_deref(),
        seen: owned(&finding.seen),
        why: finding.why.as_ref().map(owned),
        mend: finding.fix.as_ref().map(owned),
    });
    let count = |severity| count(findings, severity);
    let json = JsonReport {
        signer: &target.signer,
        origin: &target.origin,
        route: &target.route,
        ok: count(Severity::Ok),
        warn: count(Severity::Warn),
        fail: count(Severity::Fail),
        skipped: count(Severity::Skipped),
        findings: findings_json.collect(),
    };
    serde_json::to_string_pretty(&json).unwrap_or_default()
}

/// Formats the report as a table, one group after the other.
pub(super) fn table(target: &DoctorTarget, findings: &[Finding]) -> String {
    let DoctorTarget { signer, origin, route, language, .. } = target;
    let choose = |english, chinese| language.choose(english, chinese);
    let mut lines = vec![match language {
        Language::En => format!("{signer}, route {route}, for pages of {origin}"),
        Language::Zh => format!("{signer}，路由 {route}，页面来源 {origin}"),
    }];
    let mut printed = Vec::new();
    for group in findings.chunk_by(|one, next| one.parts().0 == next.parts().0) {
        let name = group.first().map_or("", |finding| finding.parts().0);
        lines.extend([String::new(), name.to_owned()]);
        if let Some(reason) = common_reason(group) {
            let (start, reason) = (row_start(Severity::Skipped), reason.in_language(*language));
            lines.push(format!("{start}{} {reason}", pad(choose("all", "全部"), 10)));
            continue;
        }
        for finding in group {
            let start = row_start(finding.severity);
            let mut seen = fold(finding.seen.in_language(*language)).into_iter();
            let first = seen.next().unwrap_or_default();
            lines.push(format!("{start}{:<10} {first}", finding.parts().1));
            lines.extend(seen.map(|line| format!("{INDENT}{line}")));
            let cause = finding.cause.as_deref().unwrap_or_default();
            lines.extend(explanation(choose("name", "名称"), cause));
            let why = finding.why.as_ref().map_or("", |why| why.in_language(*language));
            lines.extend(explanation(choose("why", "原因"), why));
            // A check that passed has nothing to fix; the text says what can be done next.
            let label = if finding.severity == Severity::Ok {
                choose("next", "后续")
            } else {
                choose("fix", "处理")
            };
            lines.extend(explanation(label, &fix(finding, &mut printed, *language)));
        }
    }
    lines.extend([String::new(), totals(findings, *language)]);
    lines.join("\n")
}

/// Returns the reason for which a whole group was skipped, if it is one for all.
fn common_reason(group: &[Finding]) -> Option<&Text> {
    let reason = &group.first()?.seen;
    let is_same =
        |finding: &Finding| finding.severity == Severity::Skipped && finding.seen == *reason;
    group.iter().all(is_same).then_some(reason)
}

/// Returns the fix of a finding. A fix that was printed already is replaced by a reference to it.
fn fix<'a>(finding: &'a Finding, printed: &mut Vec<&'a Finding>, language: Language) -> String {
    let Some(fix) = &finding.fix else { return String::new() };
    let earlier = printed.iter().find(|one| one.fix.as_ref() == Some(fix));
    if let Some(earlier) = earlier {
        let (group, name) = earlier.parts();
        return match language {
            Language::En => format!("as above: {group}, {name}"),
            Language::Zh => format!("同上：{group}，{name}"),
        };
    }
    printed.push(finding);
    fix.in_language(language).to_owned()
}

fn explanation(label: &str, text: &str) -> Vec<String> {
    let lines = text.lines().flat_map(fold).enumerate();
    let label = |at| if at == 0 { label } else { "" };
    lines.map(|(at, line)| format!("{INDENT}{} {line}", pad(label(at), 5))).collect()
}

/// Breaks a sentence into lines. Text to paste and indented text is not broken.
fn fold(text: &str) -> Vec<String> {
    if text.starts_with([' ', '{', '<']) {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let width = display_width(piece.trim_end());
        match lines.last_mut() {
            Some(line) if line.is_empty() || display_width(line) + width <= WIDTH => {
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Splits a text where a line may end: after a space, and after a Chinese character unless punctuation
/// follows.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        let end = index + character.len_utf8();
        let next = characters.peek().map(|(_, next)| *next);
        let may_break = match next {
            None => true,
            Some(next) => {
                (character == ' ' && next != ' ')
                    || (is_wide(character) && !is_closing(next))
                    || (is_wide(next) && !is_closing(next) && character.is_ascii_alphanumeric())
            }
        };
        if may_break && !is_opening(character) {
            pieces.push(text.get(start..end).unwrap_or_default());
            start = end;
        }
    }
    pieces
}

fn is_opening(character: char) -> bool {
    "（《“".contains(character)
}

fn is_closing(character: char) -> bool {
    "，。、；：！？）》” ,.;:)".contains(character)
}

/// Returns whether a terminal shows a character in two columns. This covers the Chinese texts here.
fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}')
}

fn display_width(text: &str) -> usize {
    text.chars().map(|character| if is_wide(character) { 2 } else { 1 }).sum()
}

fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(display_width(text));
    format!("{text}{}", " ".repeat(missing))
}

fn totals(findings: &[Finding], language: Language) -> String {
    let parts = [
        (Severity::Ok, "ok", "项正常"),
        (Severity::Warn, "warned", "项警告"),
        (Severity::Fail, "failed", "项失败"),
        (Severity::Skipped, "skipped", "项跳过"),
    ];
    let parts = parts
        .map(|(severity, english, chinese)| (count(findings, severity), english, chinese))
        .into_iter()
        .filter(|(count, ..)| *count > 0);
    let parts = parts
        .map(|(count, english, chinese)| format!("{count} {}", language.choose(english, chinese)));
    parts.collect::<Vec<_>>().join(language.choose(", ", "，"))
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok  ",
        Severity::Warn => "warn",
        Severity::Fail => "FAIL",
        Severity::Skipped => "-   ",
    }
}

/// Returns the start of the row of a finding. No other line starts like this.
fn row_start(severity: Severity) -> String {
    format!("  {}  ", label(severity))
}

/// Adds a color to the row of a finding, and leaves every other line as it is.
pub(super) fn color(line: &str) -> String {
    let colors =
        [(Severity::Ok, 32), (Severity::Warn, 33), (Severity::Fail, 31), (Severity::Skipped, 90)];
    for (severity, color) in colors {
        if let Some(rest) = line.strip_prefix(&row_start(severity)) {
            return format!("  \u{1b}[{color}m{}\u{1b}[0m  {rest}", label(severity));
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_folded_but_not_text_to_paste() {
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
    fn chinese_is_folded_between_characters_and_never_before_punctuation() {
        let sentence = "浏览器在上传文件之前发送此请求，这里被拒绝就不会上传任何内容。".repeat(4);
        let lines = fold(&sentence);
        assert!(lines.len() >= 3, "{lines:?}");
        for line in &lines {
            assert!(display_width(line) <= WIDTH + 2, "{line}");
            assert!(!line.starts_with(is_closing), "{line}");
        }
        assert_eq!(lines.concat(), sentence);
        assert_eq!(pad("名称", 5), "名称 ");
    }

    #[test]
    fn only_the_row_of_a_finding_is_colored() {
        let line = format!("{}call       FAIL", row_start(Severity::Fail));
        assert_eq!(color(&line), "  \u{1b}[31mFAIL\u{1b}[0m  call       FAIL");
        for plain in ["", "page", "1 failed", "                   why   FAIL  it"] {
            assert_eq!(color(plain), plain);
        }
    }
}
