//! Lets libFuzzer drive `targets/multipart.rs`.
#![no_main]

#[path = "../targets/multipart.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
