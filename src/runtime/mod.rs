//! The HTTP front of a Function Compute custom runtime.
