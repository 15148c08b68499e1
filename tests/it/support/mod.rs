//! Helpers of the integration tests.

pub(crate) mod form;
pub(crate) mod oss;
