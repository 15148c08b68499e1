//! STS: the requests against golden vectors, the exchange with a scripted client.

mod exchange;
mod fixture;
mod reasons;
mod vectors;
