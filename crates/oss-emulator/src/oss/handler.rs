//! Handles one request: finds the bucket, calls the operation, and turns an error into a response.
//!
//! GET and HEAD of an object are handled here too. OSS requires a signature for a private object;
//! here everyone may read, because the data directory belongs to the developer.

use std::error::Error;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header, request};
use hyper::body::Body;
use percent_encoding::percent_decode_str;

use crate::oss::callback::signing_key;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::options::LocalBucket;
use crate::oss::post_object::post_object;
use crate::oss::request::{RequestInfo, UploadBody};
use crate::oss::response;
use crate::oss::response::{OssResponse, OssResponseBody};
use crate::oss::state::OssState;
use crate::server::LocalAddress;

/// Handles a request. `unread` is set if the connection closes before the body was read.
pub(super) async fn handle<B>(
    state: &OssState,
    request: Request<B>,
    unread: &AtomicBool,
) -> OssResponse
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (head, body) = request.into_parts();
    let info = RequestInfo::new(state.next_id(), &head, unread);
    let mut body = UploadBody::new(body, state.strictness.limits);
    let mut response = match route(state, &info, &head, &mut body).await {
        Ok(response) => response,
        Err(error) => error_response(state, &info, &head, &mut body, &error).await,
    };
    response::add_common_headers(&info, state.now(), &mut response);
    state.cors.apply(info.origin.as_ref(), response.headers_mut());
    response
}

async fn route(
    state: &OssState,
    info: &RequestInfo<'_>,
    head: &request::Parts,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    check_access(state, head)?;
    // In the cloud the public key has a host of its own, so any bucket's host is accepted here.
    if matches!(head.method, Method::GET | Method::HEAD)
        && signing_key::is_key_path(head.uri.path())
    {
        return public_key(state, head).await;
    }
    // Checks 1 and 2 of the list in `post_object`.
    let keys = state.ring.all();
    let validator = state.upload_validator(&keys);
    let bucket = validator.bucket(&info.host)?;
    if head.method != Method::OPTIONS {
        state.referers.check(&head.headers)?;
    }
    match head.method {
        Method::OPTIONS => {
            let mut response = response::empty(StatusCode::OK);
            *response.headers_mut() = state.cors.preflight(&head.headers)?;
            Ok(response)
        }
        Method::GET | Method::HEAD => get_object(state, bucket, head).await,
        _ => {
            validator.check_operation(head)?;
            post_object(state, info, &validator, head, body).await
        }
    }
}

/// Rejects requests under a foreign host name, and requests of pages of other sites if these are not
/// allowed.
fn check_access(state: &OssState, head: &request::Parts) -> Result<(), OssError> {
    let local = head.extensions.get().map(|LocalAddress(address)| *address);
    if let Some(name) = state.hosts.foreign(&head.uri, &head.headers, local) {
        return Err(OssErrorKind::ForeignHost.because(format!(
            "the request is for {name:?}, which is not a name of this machine; call localhost, \
             <bucket>.localhost or 127.0.0.1, or give the name with --allow-host"
        )));
    }
    // Preflight requests are checked by the CORS rule.
    if head.method == Method::OPTIONS { Ok(()) } else { state.cors.check_page(&head.headers) }
}

/// Responds with the public half of the key that signs callbacks.
async fn public_key(state: &OssState, head: &request::Parts) -> Result<OssResponse, OssError> {
    let key = state.callback_key.get().await.map_err(|error| {
        OssErrorKind::InternalError
            .because(format!("the key for callbacks could not be generated: {error}"))
    })?;
    Ok(response::public_key(if head.method == Method::HEAD { "" } else { &key.pem }))
}

async fn error_response(
    state: &OssState,
    info: &RequestInfo<'_>,
    head: &request::Parts,
    body: &mut UploadBody,
    error: &OssError,
) -> OssResponse {
    let reading = matches!(head.method, Method::GET | Method::HEAD);
    let foreign = matches!(error.kind(), OssErrorKind::ForeignHost | OssErrorKind::ForeignPage);
    if !reading || foreign {
        state.notify_refused(error);
    }
    let mut response = response::error(info, error);
    if head.method == Method::HEAD {
        *response.body_mut() = OssResponseBody::empty();
    }
    // A client that waits for `100 Continue` has not sent its body, and does not need to.
    let waits = head.headers.contains_key(header::EXPECT) && body.untouched();
    if waits || !body.drain().await {
        info.mark_unread();
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Responds with an object; HEAD gets the same headers without the content.
async fn get_object(
    state: &OssState,
    bucket: &LocalBucket,
    head: &request::Parts,
) -> Result<OssResponse, OssError> {
    let path = head.uri.path().strip_prefix('/').unwrap_or_default();
    let key = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| OssErrorKind::KeyInvalid.because("the path is not UTF-8"))?;
    if key.is_empty() {
        return Err(OssErrorKind::Anonymous
            .because("the local OSS does not list objects; request one by its key"));
    }
    let found = state.store.find(&bucket.name, &key).await.map_err(|error| {
        OssErrorKind::InternalError
            .because(format!("the local OSS could not read its data folder: {error}"))
    })?;
    // An object stored there by an earlier version must not be taken for the public key.
    let found = found.filter(|_| !signing_key::is_reserved(&key));
    let (object, file) = found.ok_or_else(|| {
        OssErrorKind::NoSuchKey
            .because(format!("no object {key:?} is in the bucket {}", bucket.name))
            .with_child("Key", key)
    })?;
    let mut response = response::object(&object);
    if head.method != Method::HEAD {
        *response.body_mut() = OssResponseBody::file(file, object.size);
    }
    Ok(response)
}
