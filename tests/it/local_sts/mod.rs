//! The local STS in process: whom it believes, what it lends, and how it fails when asked to.

mod faults;
mod lending;
mod metadata;
mod oidc;
mod refusals;
mod vectors;
