//! Lets libFuzzer drive `targets/signed_request.rs`.
#![no_main]

#[path = "../targets/signed_request.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
