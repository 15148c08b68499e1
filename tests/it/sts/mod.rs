//! STS: the requests by golden vectors, the exchange against a network that follows a script.

mod exchange;
mod reasons;
mod stage;
mod vectors;
