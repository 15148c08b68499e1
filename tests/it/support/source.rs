//! What the sources and the documents say, read as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::PROJECT;

/// The texts of the README and of the pages in `docs/`, one after the other.
pub(crate) const DOCUMENTS: &str = concat!(
    include_str!("../../../README.md"),
    include_str!("../../../docs/api.md"),
    include_str!("../../../docs/architecture.md"),
    include_str!("../../../docs/auth.md"),
    include_str!("../../../docs/benchmarks.md"),
    include_str!("../../../docs/callbacks.md"),
    include_str!("../../../docs/clients.md"),
    include_str!("../../../docs/compatibility.md"),
    include_str!("../../../docs/credentials.md"),
    include_str!("../../../docs/deploy.md"),
    include_str!("../../../docs/emulator.md"),
    include_str!("../../../docs/frontend.md"),
    include_str!("../../../docs/oss-errors.md"),
    include_str!("../../../docs/release.md"),
    include_str!("../../../docs/security.md"),
    include_str!("../../../docs/settings.md"),
    include_str!("../../../docs/tool.md"),
);

/// Gives a file of the repository.
pub(crate) fn source(file: &str) -> String {
    fs::read_to_string(Path::new(PROJECT).join(file)).unwrap()
}

/// The texts between quotes in the lines of a file that hold `sign`.
pub(crate) fn quoted(file: &str, sign: &str) -> Vec<String> {
    let text = source(file);
    let lines = text.lines().filter(|line| line.contains(sign));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// Every code that the function can answer.
pub(crate) fn codes() -> BTreeSet<String> {
    let mut codes = quoted("src/http/error/mod.rs", " => \"");
    codes.extend(quoted("src/http/error/policy.rs", " => \""));
    codes.extend(quoted("src/http/error/auth.rs", "AuthError::"));
    codes.extend(quoted("src/http/error/multipart.rs", " => \""));
    codes.extend(quoted("src/http/error/callback.rs", "\""));
    codes.extend(quoted("crates/fc-http/src/error.rs", "StatusCode::"));
    let is_code = |text: &String| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    codes.retain(|text| !text.is_empty() && is_code(text));
    codes.into_iter().collect()
}

/// The status of each code, as `docs/api.md` documents it.
pub(crate) fn statuses() -> BTreeMap<String, String> {
    let table = DOCUMENTS.split("\n## Errors\n").nth(1).unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let mut statuses = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let numbers: Vec<_> = cells[2].split(", ").collect();
        for (index, code) in cells[1].split(", ").enumerate() {
            let status = numbers[index.min(numbers.len() - 1)];
            statuses.insert(code.trim_matches('`').to_owned(), status.to_owned());
        }
    }
    statuses
}
