//! The shape that Uppy's S3 plugin reads, from version 3 to 6 and in either of its modes.
//!
//! Version 6 reads `url` and `fields` and leaves the rest alone; the earlier ones read `method` too,
//! and all of it is what Uppy's own server answers.

use serde::Serialize;

use crate::grant::Grant;
use crate::http::dialect::Fields;
use crate::time::Timestamp;

/// A grant in Uppy's shape.
#[derive(Debug, Serialize)]
pub struct Uppy<'a> {
    method: &'static str,
    url: &'a str,
    fields: Fields<'a>,
    /// Seconds from now.
    expires: i64,
}

impl<'a> Uppy<'a> {
    /// Puts a grant of this moment into this shape.
    #[must_use]
    pub fn new(grant: &'a Grant, now: Timestamp) -> Self {
        Self {
            method: "POST",
            url: &grant.url,
            fields: Fields(grant),
            expires: grant.expires_at.unix() - now.unix(),
        }
    }
}
