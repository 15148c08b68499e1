//! Lets libFuzzer drive `targets/query.rs`.
#![no_main]

#[path = "../targets/query.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
