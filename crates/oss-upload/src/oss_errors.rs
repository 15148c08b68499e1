//! The table of OSS errors: EC or code, cause, and fix.
//!
//! One data file is the source for all: the page fetches it from the function, `explain`, `doctor` and
//! `upload` read it here, and `docs/oss-errors.md` shows it between [`MARKERS`]. An entry without an EC
//! is for its code where OSS gives no EC or an unknown one; if it has a message, only for errors that say so.

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
    /// A part of the message, where OSS says different things under one code.
    pub message: Option<String>,
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

/// Finds the entry of an error: the one of its EC, otherwise the one of its code whose message is a part
/// of the error's message, otherwise the one of its code.
#[must_use]
pub fn find(ec: Option<&str>, code: &str, message: Option<&str>) -> Option<ErrorEntry> {
    let table = table();
    let same = || table.iter().filter(|entry| entry.code == code);
    let numbered = table.iter().find(|entry| entry.ec.is_some() && entry.ec.as_deref() == ec);
    let spoken = || {
        let message = message?.to_lowercase();
        let says = |known: &String| message.contains(&known.to_lowercase());
        same().find(|entry| entry.message.as_ref().is_some_and(says))
    };
    let general = || same().find(|entry| entry.ec.is_none() && entry.message.is_none());
    let numbered = numbered.or_else(spoken).or_else(general);
    numbered.or_else(|| same().find(|entry| entry.message.is_none())).cloned()
}

/// Formats the table as Markdown.
#[must_use]
pub fn markdown(language: Language) -> String {
    let head = language.choose(
        "| EC or message | Code | Cause | Remedy |",
        "| EC 或 Message | Code | 原因 | 处理 |",
    );
    let rows = table().into_iter().map(|entry| {
        let message = || entry.message.as_ref().map(|message| format!("“{message}”"));
        let ec = entry.ec.as_ref().map(|ec| format!("`{ec}`")).or_else(message);
        let ec = ec.unwrap_or_default();
        let cell = |text: &Text| text.in_language(language).replace('|', "\\|");
        format!("| {ec} | `{}` | {} | {} |\n", entry.code, cell(&entry.cause), cell(&entry.remedy))
    });
    format!("{head}\n|---|---|---|---|\n{}", rows.collect::<String>())
}
