//! Uploads in parts over real sockets: the function, the local OSS, and a client between them.

mod fixture;
mod journey;
mod refusals;
mod shared;
mod tokens;
mod uppy;
