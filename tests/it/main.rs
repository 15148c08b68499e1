//! The integration tests, in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[cfg(feature = "emulator")]
mod agreement;
mod callback;
mod callers;
mod clients;
mod credentials;
mod deploy;
#[cfg(feature = "tool")]
mod doctor;
#[cfg(feature = "tool")]
mod emulate;
#[cfg(feature = "emulator")]
mod fuzz_corpus;
#[cfg(feature = "emulator")]
mod gateway;
mod hooks;
#[cfg(feature = "emulator")]
mod judge;
#[cfg(feature = "tool")]
mod little_room;
#[cfg(feature = "emulator")]
mod local_sts;
mod machines;
mod page;
mod readme;
mod refusals;
#[cfg(feature = "tool")]
mod rehearse;
mod rules;
mod runtime;
mod secrets;
mod sign;
mod sources;
mod sts;
mod support;
mod told;
#[cfg(feature = "tool")]
mod tool;
#[cfg(feature = "emulator")]
mod v1;
