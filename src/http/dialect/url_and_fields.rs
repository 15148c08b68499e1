//! Address and fields, and nothing else: what the presigned POSTs of the S3 world look like, so what
//! most libraries and samples of that world read.

use serde::Serialize;

use crate::grant::Grant;
use crate::http::dialect::Fields;

/// The least that a form needs.
#[derive(Debug, Serialize)]
pub struct UrlAndFields<'a> {
    url: &'a str,
    fields: Fields<'a>,
}

impl<'a> UrlAndFields<'a> {
    /// Puts a grant into this shape.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        Self { url: &grant.url, fields: Fields(grant) }
    }
}
