//! The README keeps telling the truth: every setting, every code, every file that it names.

use std::fs;
use std::path::Path;

const README: &str = include_str!("../../README.md");

fn source(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The texts between quotes in the lines of a file that hold `sign`.
fn quoted(file: &str, sign: &str) -> Vec<String> {
    let text = source(file);
    let lines = text.lines().filter(|line| line.contains(sign));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

#[test]
fn every_setting_is_in_the_table() {
    let text = source("src/settings/entry.rs").replace("\n    setting(", " setting(");
    let settings: Vec<_> =
        text.lines().filter(|line| line.contains("Setting = setting(")).collect();
    assert!(settings.len() >= 14, "{settings:?}");
    for secret in quoted("src/settings/entry.rs", ": &str = ") {
        assert!(README.contains(&format!("`{secret}` (")), "the README lacks {secret}");
    }
    for line in settings {
        let names: Vec<_> = line.split('"').skip(1).step_by(2).collect();
        let row = format!("| `{}` | `{}` |", names[0], names[1]);
        assert!(README.contains(&row), "the README lacks {row}");
    }
}

#[test]
fn every_code_is_explained() {
    let mut codes = quoted("src/routes/problem.rs", " => \"");
    codes.extend(quoted("src/routes/denial.rs", "Denied::"));
    codes.extend(quoted("src/runtime/fault.rs", "StatusCode::"));
    let is_code = |text: &String| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    codes.retain(|text| !text.is_empty() && is_code(text));
    assert!(codes.len() >= 38, "{codes:?}");
    for code in codes {
        assert!(README.contains(&format!("`{code}`")), "the README lacks the code {code}");
    }
}

#[test]
fn every_link_into_the_repository_leads_somewhere() {
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(link);
        assert!(path.exists(), "{link} leads nowhere");
    }
}
