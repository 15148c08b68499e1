//! Lets libFuzzer drive `targets/bucket_answer.rs`.
#![no_main]

#[path = "../targets/bucket_answer.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
