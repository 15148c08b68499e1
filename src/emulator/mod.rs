//! The local cloud: an independent judge of what the signer makes.
//!
//! `oss/` plays the bucket, `fc/` plays the gateway in front of a function. The keys that are known
//! hang on a [ring](keys::KeyRing), and `ram/` says what each may do. Nothing here imports a line
//! of the signer: that two separate implementations agree is the proof that both are right.
//! The clock, the keys and the folders are arguments; the command line is `tool`'s business.

mod dates;
pub mod fc;
pub mod keys;
pub mod oss;
pub mod ram;
mod xml;
