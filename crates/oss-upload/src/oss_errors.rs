//! The table of OSS errors: EC or code, cause, and fix.
//!
//! There is one data file for all readers. The page fetches it from the function, `explain`, `upload`
//! and `doctor` read it here, and the documentation shows it between [`MARKERS`]. An entry without an
//! EC stands for its code where OSS sends no EC or an unknown one.

use serde::Deserialize;

use crate::language::{Language, Text};

const TABLE: &str = include_str!("../../../src/http/web/oss-errors.json");

/// The lines between which a document shows the table.
pub const MARKERS: [&str; 2] = ["<!-- oss-errors:start -->", "<!-- oss-errors:end -->"];

/// One error of OSS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorEntry {
    /// The EC, such as `0006-00000213`.
    pub ec: Option<String>,
    /// The `Code`, such as `AccessDenied`.
    pub code: String,
    /// Why OSS sends the error.
    pub cause: Text,
    /// What to do.
    pub remedy: Text,
}

/// Reads the whole table.
#[must_use]
pub fn table() -> Vec<ErrorEntry> {
    // The file is part of the source, and a test reads it.
    serde_json::from_str(TABLE).unwrap_or_default()
}

/// Finds the entry of an EC, otherwise the one that stands for the code.
#[must_use]
pub fn find(ec: Option<&str>, code: &str) -> Option<ErrorEntry> {
    let table = table();
    let numbered = table.iter().find(|entry| entry.ec.is_some() && entry.ec.as_deref() == ec);
    let general = || table.iter().find(|entry| entry.ec.is_none() && entry.code == code);
    let any = || table.iter().find(|entry| entry.code == code);
    numbered.or_else(general).or_else(any).cloned()
}

/// Formats the table as Markdown.
#[must_use]
pub fn markdown(language: Language) -> String {
    let head = language.choose("| EC | Code | Cause | Remedy |", "| EC | Code | 原因 | 处理 |");
    let rows = table().into_iter().map(|entry| {
        let ec = entry.ec.map(|ec| format!("`{ec}`")).unwrap_or_default();
        let cell = |text: &Text| text.in_language(language).replace('|', "\\|");
        format!("| {ec} | `{}` | {} | {} |\n", entry.code, cell(&entry.cause), cell(&entry.remedy))
    });
    format!("{head}\n|---|---|---|---|\n{}", rows.collect::<String>())
}
