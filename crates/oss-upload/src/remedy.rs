//! The table of what OSS refuses: the number or code, what causes it, what helps.
//!
//! One data file says it for everyone: the page fetches it from the function, `explain` and `upload`
//! read it here, and the README shows it between [`MARKERS`]. An entry without an EC speaks for its
//! code where OSS gives no EC, or one that is not known.

use serde::Deserialize;

use crate::language::{Language, Said};

const TABLE: &str = include_str!("../../../src/http/web/oss-errors.json");

/// The lines between which a document shows the table.
pub const MARKERS: [&str; 2] = ["<!-- oss-errors:start -->", "<!-- oss-errors:end -->"];

/// One refusal, and what to do about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The number that OSS gives the refusal.
    pub ec: Option<String>,
    /// The refusal's `Code`.
    pub code: String,
    /// Why OSS refuses.
    pub cause: Said,
    /// What to do.
    pub remedy: Said,
}

/// Reads the whole table.
#[must_use]
pub fn table() -> Vec<Entry> {
    // The file is part of the source, and a test reads it.
    serde_json::from_str(TABLE).unwrap_or_default()
}

/// Finds the entry of this EC, else the one that speaks for the code.
#[must_use]
pub fn find(ec: Option<&str>, code: &str) -> Option<Entry> {
    let table = table();
    let numbered = table.iter().find(|entry| entry.ec.is_some() && entry.ec.as_deref() == ec);
    let general = || table.iter().find(|entry| entry.ec.is_none() && entry.code == code);
    let any = || table.iter().find(|entry| entry.code == code);
    numbered.or_else(general).or_else(any).cloned()
}

/// Writes the table as Markdown.
#[must_use]
pub fn markdown(language: Language) -> String {
    let head = language.choose("| EC | Code | Cause | Remedy |", "| EC | Code | 原因 | 处理 |");
    let rows = table().into_iter().map(|entry| {
        let ec = entry.ec.map(|ec| format!("`{ec}`")).unwrap_or_default();
        let cell = |said: &Said| said.words(language).replace('|', "\\|");
        format!("| {ec} | `{}` | {} | {} |\n", entry.code, cell(&entry.cause), cell(&entry.remedy))
    });
    format!("{head}\n|---|---|---|---|\n{}", rows.collect::<String>())
}
