//! The native shape: a verdict for each file, and the server's time, so that a browser with a
//! wrong clock can still tell when a grant ends.

use serde::Serialize;

use crate::grant::Grant;
use crate::http::dialect::Fields;
use crate::http::error::{ApiError, ErrorBody};
use crate::time::Timestamp;

/// The answer to one call.
#[derive(Debug, Serialize)]
pub struct Native<'a> {
    server_time: String,
    uploads: Vec<Verdict<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Verdict<'a> {
    GrantedUpload(Upload<'a>),
    Refused { error: ErrorBody },
}

#[derive(Debug, Serialize)]
struct Upload<'a> {
    method: &'static str,
    url: &'a str,
    fields: Fields<'a>,
    key: Option<&'a str>,
    /// Whether no other grant has this key, so that a 409 tells of an earlier try of the same upload.
    unique: bool,
    expires_at: String,
}

impl<'a> Native<'a> {
    /// Puts the verdicts, in the order of the files that were named, into this shape.
    #[must_use]
    pub fn new(now: Timestamp, verdicts: &'a [Result<Grant, ApiError>]) -> Self {
        Self { server_time: now.rfc3339(), uploads: verdicts.iter().map(Verdict::new).collect() }
    }
}

impl<'a> Verdict<'a> {
    fn new(verdict: &'a Result<Grant, ApiError>) -> Self {
        match verdict {
            Ok(grant) => Self::GrantedUpload(Upload {
                method: "POST",
                url: &grant.url,
                fields: Fields(grant),
                key: grant.key.as_deref(),
                unique: grant.unique,
                expires_at: grant.expires_at.rfc3339(),
            }),
            Err(problem) => Self::Refused { error: problem.detail() },
        }
    }
}
