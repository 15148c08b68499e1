//! What the tests share. Servers listen on port 0 of the loopback and stop when they are dropped.

pub(crate) mod caller;
pub(crate) mod log;
pub(crate) mod server;
