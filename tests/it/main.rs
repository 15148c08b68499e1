//! The integration tests, in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agreement;
mod answers;
mod callback;
mod callback_grant;
mod callers;
mod clients;
mod connections;
mod content_types;
mod credentials;
mod deploy;
mod doctor;
mod documents;
mod downloads;
mod emulate;
mod fuzz_corpus;
mod gateway;
mod hooks;
mod little_room;
mod local_oss;
mod local_sts;
mod machines;
mod multipart;
mod page;
mod refusals;
mod rehearse;
mod rules;
mod runtime;
mod secrets;
mod setup;
mod sign;
mod sources;
mod sts;
mod support;
mod tool;
mod v1;
