//! What is known of an object besides its bytes, kept beside it as JSON.

use serde::Deserialize;
use serde::Serialize;

/// Describes one kept object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::oss) struct Sidecar {
    pub(in crate::oss) key: String,
    pub(in crate::oss) size: u64,
    /// Without its quotes.
    pub(in crate::oss) etag: String,
    pub(in crate::oss) crc64: u64,
    /// Unix seconds.
    pub(in crate::oss) stored_at: i64,
    pub(in crate::oss) content_type: String,
    /// Headers to give back, metadata included, with lower-case names.
    pub(in crate::oss) headers: Vec<(String, String)>,
}
