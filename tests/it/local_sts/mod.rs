//! Tests the local STS in process: authentication, issued keys and injected faults.

mod faults;
mod issuing;
mod metadata;
mod oidc;
mod refusals;
mod vectors;
