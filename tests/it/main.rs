//! The integration tests, in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod hooks;
mod page;
mod refusals;
mod sign;
mod support;
