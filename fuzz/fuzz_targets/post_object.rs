//! Lets libFuzzer drive `targets/post_object.rs`.
#![no_main]

#[path = "../targets/post_object.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
