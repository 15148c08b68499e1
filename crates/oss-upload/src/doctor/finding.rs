//! One finding: what was looked at, what was seen, why it matters, and what mends it.

use serde::Serialize;

/// What a finding comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and somebody should know.
    Warn,
    /// Uploads fail, or something is open that should not be.
    Fail,
    /// Not looked at, for a reason that is told.
    Skipped,
}

/// One examination and its outcome. Its texts hold no secret.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// The examination's name, which stays: its group, a dot, and what was looked at.
    pub(super) id: &'static str,
    pub(super) verdict: Verdict,
    /// The trouble's own name, where it is a known one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    pub(super) seen: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) why: String,
    /// The console step or the command; may have several lines to paste.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) mend: String,
}

impl Finding {
    fn new(id: &'static str, verdict: Verdict, seen: impl Into<String>) -> Self {
        let (why, mend) = (String::new(), String::new());
        Self { id, verdict, cause: None, seen: seen.into(), why, mend }
    }

    pub(super) fn ok(id: &'static str, seen: impl Into<String>) -> Self {
        Self::new(id, Verdict::Ok, seen)
    }

    pub(super) fn warn(id: &'static str, seen: impl Into<String>) -> Self {
        Self::new(id, Verdict::Warn, seen)
    }

    pub(super) fn fail(id: &'static str, seen: impl Into<String>) -> Self {
        Self::new(id, Verdict::Fail, seen)
    }

    pub(super) fn skipped(id: &'static str, reason: impl Into<String>) -> Self {
        Self::new(id, Verdict::Skipped, reason)
    }

    /// Skips several examinations for one reason.
    pub(super) fn skip_all(ids: &'static [&'static str], reason: &str) -> Vec<Self> {
        ids.iter().map(|id| Self::skipped(id, reason)).collect()
    }

    /// Names the trouble.
    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says why it matters.
    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Says what mends it, or, where nothing is to be mended, what can be done.
    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }

    /// Lets a failure count as a warning.
    pub(super) fn mildly(mut self) -> Self {
        if self.verdict == Verdict::Fail {
            self.verdict = Verdict::Warn;
        }
        self
    }

    /// Returns the group, and what of it was looked at.
    pub(super) fn parts(&self) -> (&'static str, &'static str) {
        self.id.split_once('.').unwrap_or((self.id, ""))
    }
}
