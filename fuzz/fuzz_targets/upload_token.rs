//! Lets libFuzzer drive `targets/upload_token.rs`.
#![no_main]

#[path = "../targets/upload_token.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
