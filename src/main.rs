//! The function's entry.

fn main() {}
