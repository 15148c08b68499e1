#![doc = include_str!("../README.md")]

mod dates;
pub mod faults;
pub mod hosts;
pub mod keys;
pub mod oss;
pub mod ram;
mod server;
pub mod sts;
mod xml;
