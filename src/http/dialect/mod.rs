//! Dialects: one grant in the shapes that clients read. Pure: a [`crate::grant::Grant`] in, an
//! answer out; no dialect can be weaker than another, since none decides anything.

pub mod documented;
pub mod documented_v1;
pub mod native;
pub mod uppy;
pub mod url_and_fields;
pub mod uview;
pub mod wechat;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::{Serialize, Serializer};

use crate::grant::Grant;
use crate::http::Response;

/// A grant's fields as an object whose members keep their order, which is the form's.
#[derive(Debug)]
pub struct Fields<'a>(pub &'a Grant);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.fields.iter().map(|(name, value)| (name, value)))
    }
}

/// Answers with JSON that nobody on the way may keep: a grant is a bearer's permission, and a
/// refusal or the time of day is good for one caller at one moment.
pub(super) fn uncached(answer: &impl Serialize) -> Response {
    // Room for one grant with its token. Texts and numbers under text keys: there is nothing here
    // that JSON cannot say.
    let mut body = Vec::with_capacity(4096);
    let _ = serde_json::to_writer(&mut body, answer);
    uncached_json(body.into())
}

/// The same with JSON that is written already.
pub(super) fn uncached_json(body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
