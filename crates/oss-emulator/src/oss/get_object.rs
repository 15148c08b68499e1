//! GET and HEAD of an object, to look at what arrived.
//!
//! The real service wants a signature for a private object; here everybody may read, because the
//! data folder is the developer's own.

use http::Method;
use http::request;
use percent_encoding::percent_decode_str;

use crate::oss::answer;
use crate::oss::answer::Answer;
use crate::oss::callback;
use crate::oss::options::Bucket;
use crate::oss::outflow::Outflow;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;
use crate::oss::site::Site;

/// Gives an object back; a HEAD gets the same headers and no bytes.
pub(super) async fn get_object(
    site: &Site,
    bucket: &Bucket,
    head: &request::Parts,
) -> Result<Answer, Refusal> {
    let path = head.uri.path().strip_prefix('/').unwrap_or_default();
    let key = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| Kind::KeyInvalid.because("the path is not UTF-8"))?;
    if key.is_empty() {
        return Err(
            Kind::Anonymous.because("the local OSS lists no objects; ask for one by its key")
        );
    }
    let found = site.store.find(&bucket.name, &key).await.map_err(|error| {
        Kind::InternalError
            .because(format!("the local OSS could not read its data folder: {error}"))
    })?;
    // What an earlier run left there would pass for a key that signs callbacks.
    let found = found.filter(|_| !callback::key::is_reserved(&key));
    let (object, file) = found.ok_or_else(|| {
        Kind::NoSuchKey
            .because(format!("no object {key:?} is in the bucket {}", bucket.name))
            .with_child("Key", key)
    })?;
    let mut answer = answer::object(&object);
    if head.method != Method::HEAD {
        *answer.body_mut() = Outflow::file(file, object.size);
    }
    Ok(answer)
}
