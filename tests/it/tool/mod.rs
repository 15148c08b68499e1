//! The developer tool, command by command, mostly as a child process.

mod check;
mod conformance;
mod dev;
mod errors;
mod explain;
mod form;
mod package;
mod pasted;
mod receipt;
mod role;
mod sign;
mod terminal;
mod ticket;
mod upload;
mod upload_parts;
