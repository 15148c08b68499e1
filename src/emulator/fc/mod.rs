//! Function Compute: the gateway in front of a function.
