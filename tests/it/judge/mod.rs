//! The local OSS over real HTTP: what it takes, what it refuses, and in which words.
//!
//! The rows of the facts are tested where they are decided: pure ones in the room itself, those
//! that need bytes on a wire here.

mod answers;
mod body;
mod network;
mod order;
mod permission;
mod reading;
mod values;
