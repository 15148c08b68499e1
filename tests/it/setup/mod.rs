//! `setup` against a local cloud over real sockets: RAM, STS and OSS with one key ring, and the tool as a process.

mod by_hand;
mod chinese;
mod documents;
mod fixture;
mod foreign;
mod journey;
mod kinds;
mod rights;
