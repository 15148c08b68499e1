//! Lets libFuzzer drive `targets/form_data.rs`.
#![no_main]

#[path = "../targets/form_data.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
