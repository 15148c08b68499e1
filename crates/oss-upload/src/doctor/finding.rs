//! A finding: the result of one check, why it matters, and how to fix it.

use serde::Serialize;

use crate::language::Text;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// As it should be.
    Ok,
    /// Uploads work, but something should be known.
    Warn,
    /// Uploads fail, or something is open that should not be.
    Fail,
    /// Not checked, for the reason in the finding.
    Skipped,
}

/// The result of one check. Its texts contain no secret.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// The id of the check, which never changes: its group, a dot, and its name.
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    /// The name of the problem, if it is a known one.
    pub(super) cause: Option<String>,
    pub(super) seen: Text,
    pub(super) why: Option<Text>,
    /// The console step or the command; may have several lines to paste.
    pub(super) fix: Option<Text>,
}

impl Finding {
    fn new(id: &'static str, severity: Severity, seen: Text) -> Self {
        Self { id, severity, cause: None, seen, why: None, fix: None }
    }

    pub(super) fn ok(id: &'static str, seen: Text) -> Self {
        Self::new(id, Severity::Ok, seen)
    }

    pub(super) fn warn(id: &'static str, seen: Text) -> Self {
        Self::new(id, Severity::Warn, seen)
    }

    pub(super) fn fail(id: &'static str, seen: Text) -> Self {
        Self::new(id, Severity::Fail, seen)
    }

    pub(super) fn skipped(id: &'static str, reason: Text) -> Self {
        Self::new(id, Severity::Skipped, reason)
    }

    /// Skips several checks for one reason.
    pub(super) fn skip_all(ids: &'static [&'static str], reason: &Text) -> Vec<Self> {
        ids.iter().map(|id| Self::skipped(id, reason.clone())).collect()
    }

    /// Names the problem.
    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says why the problem matters.
    pub(super) fn why(mut self, why: Text) -> Self {
        self.why = Some(why);
        self
    }

    /// Says how to fix the problem or, if the check passed, what to do next.
    pub(super) fn fix(mut self, fix: Text) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Turns a failure into a warning.
    pub(super) fn into_warning(mut self) -> Self {
        if self.severity == Severity::Fail {
            self.severity = Severity::Warn;
        }
        self
    }

    /// Returns the group and the name of the check.
    pub(super) fn parts(&self) -> (&'static str, &'static str) {
        self.id.split_once('.').unwrap_or((self.id, ""))
    }
}
