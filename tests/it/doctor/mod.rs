//! `doctor` against a function behind the gateway and a local OSS, on real sockets: it reports no problem
//! where there is none, and names each other problem.

mod arguments;
mod bucket;
mod fixture;
mod grant;
mod languages;
mod page;
mod parts;
mod signer;
mod upload;
mod whole;
