//! The local OSS over real HTTP: what it takes, what it refuses, and in which words.
//!
//! Each rule is tested where it is decided: pure ones in the room itself, those
//! that need bytes on a wire here.

mod answers;
mod body;
mod callback;
mod network;
mod order;
mod pages;
mod permission;
mod reading;
mod values;
