//! The shape that the OSS driver of uview-plus' upload component reads.
//!
//! It posts everything under `params` as the form, the address too: OSS passes over a field that
//! means nothing to it. The object's URL it makes itself, of `host` and `key`.

use http::StatusCode;
use serde::{Serialize, Serializer};

use crate::grant::Grant;
use crate::http::error::ErrorBody;

/// A grant in uview-plus' shape.
#[derive(Debug, Serialize)]
pub struct Uview<'a> {
    /// The driver takes nothing but this number for success.
    code: u16,
    msg: &'static str,
    data: Data<'a>,
}

#[derive(Debug, Serialize)]
struct Data<'a> {
    params: Params<'a>,
}

#[derive(Debug)]
struct Params<'a>(&'a Grant);

impl Serialize for Params<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.fields.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
        serializer.collect_map([("host", self.0.url.as_str())].into_iter().chain(fields))
    }
}

impl<'a> Uview<'a> {
    /// Puts a grant into this shape.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        Self { code: 200, msg: "", data: Data { params: Params(grant) } }
    }
}

/// A failure in uview-plus' shape: the driver shows `msg` to the user.
#[derive(Debug, Serialize)]
pub struct Refusal<'a> {
    code: u16,
    msg: &'a str,
}

impl<'a> Refusal<'a> {
    /// Puts a failure into this shape.
    #[must_use]
    pub fn new(status: StatusCode, detail: &'a ErrorBody) -> Self {
        Self { code: status.as_u16(), msg: &detail.message }
    }
}
