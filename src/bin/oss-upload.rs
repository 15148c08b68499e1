//! The tool's entry.

fn main() {}
