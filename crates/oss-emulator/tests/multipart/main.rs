//! Multipart uploads over real sockets: whole answers, every refusal, and what happens when a client or
//! the server goes away in between.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod answers;
mod callbacks;
mod interruptions;
mod permissions;
mod refusals;
mod support;
