//! Lets libFuzzer drive `targets/part_list.rs`.
#![no_main]

#[path = "../targets/part_list.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
