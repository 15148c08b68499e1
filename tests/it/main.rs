//! The integration tests, in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod deploy;
#[cfg(feature = "emulator")]
mod gateway;
mod hooks;
#[cfg(feature = "emulator")]
mod judge;
mod page;
mod refusals;
mod runtime;
mod sign;
mod support;
#[cfg(feature = "tool")]
mod tool;
