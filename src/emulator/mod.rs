//! The local cloud: an independent judge of what the signer makes.
//!
//! `oss/` plays the bucket, `fc/` plays the gateway in front of a function. Nothing here imports a
//! line of the signer: that two separate implementations agree is the proof that both are right.
//! The clock, the keys and the folders are arguments; the command line is `tool`'s business.

pub mod fc;
pub mod oss;
