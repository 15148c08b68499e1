//! Tests the golden vectors, and every error code of the two places of a signature.
