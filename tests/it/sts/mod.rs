//! STS: the requests against golden vectors, the exchange with a scripted client.

mod exchange;
mod reasons;
mod stage;
mod vectors;
