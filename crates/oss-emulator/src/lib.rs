//! The local cloud: an independent judge of what the signer makes.
//!
//! `oss/` plays the bucket, `fc/` the gateway in front of a function and the instances behind it,
//! `sts/` the service that lends out temporary keys, with the neighbours that do so too. What one of
//! them issues another knows at once, because they share a [ring of keys](keys::KeyRing); `ram/` says
//! what a key may do, and [`faults`] makes them fail on request.
//!
//! Nothing here imports a line of the signer: that two separate implementations agree is the proof
//! that both are right. The clock, the keys, the seed and the folders are arguments; the command
//! line is `tool`'s business.

mod dates;
pub mod faults;
pub mod hosts;
pub mod keys;
pub mod oss;
pub mod ram;
mod server;
pub mod sts;
mod xml;
