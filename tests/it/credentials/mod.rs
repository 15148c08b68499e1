//! Credentials, from the settings to the key.

mod cloud;
mod journey;
mod large_upload;
mod order;
mod secrets;
mod session_keys;
mod soak;
