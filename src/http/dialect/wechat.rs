//! The shape of `wx.uploadFile`'s own options, which those of the other mini programs share: a page
//! spreads the answer into the call and adds the file's path.

use serde::Serialize;

use crate::grant::Grant;
use crate::http::dialect::Fields;

/// A grant as options of `wx.uploadFile`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wechat<'a> {
    url: &'a str,
    /// The name of the file's part; OSS knows no other.
    name: &'static str,
    form_data: Fields<'a>,
    key: Option<&'a str>,
    expires_at: String,
}

impl<'a> Wechat<'a> {
    /// Puts a grant into this shape.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        Self {
            url: &grant.url,
            name: "file",
            form_data: Fields(grant),
            key: grant.key.as_deref(),
            expires_at: grant.expires_at.rfc3339(),
        }
    }
}
