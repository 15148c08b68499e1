//! `doctor` against a function behind the gateway and a local OSS, on real sockets: what works is
//! said to work, and each trouble is called by its name.

mod arguments;
mod bucket;
mod grant;
mod page;
mod signer;
mod stage;
mod upload;
mod whole;
