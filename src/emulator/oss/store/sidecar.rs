//! What is known of an object besides its bytes, kept beside it as JSON.

use serde::Deserialize;
use serde::Serialize;

/// Describes one kept object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator::oss) struct Sidecar {
    pub(in crate::emulator::oss) key: String,
    pub(in crate::emulator::oss) size: u64,
    /// Without its quotes.
    pub(in crate::emulator::oss) etag: String,
    pub(in crate::emulator::oss) crc64: u64,
    /// Unix seconds.
    pub(in crate::emulator::oss) stored_at: i64,
    pub(in crate::emulator::oss) content_type: String,
    /// Headers to give back, metadata included, with lower-case names.
    pub(in crate::emulator::oss) headers: Vec<(String, String)>,
}
