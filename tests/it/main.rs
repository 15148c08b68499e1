//! The integration tests, in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod judge;
mod support;
