//! Handles one request: finds the bucket, calls the operation, and turns an error into a response.

use std::error::Error;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header, request};
use hyper::body::Body;

use crate::oss::bucket_config::operations;
use crate::oss::callback::signing_key;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::operation::OssOperation;
use crate::oss::post_object::post_object;
use crate::oss::query::RequestQuery;
use crate::oss::request::{RequestInfo, UploadBody};
use crate::oss::response::OssResponse;
use crate::oss::state::OssState;
use crate::oss::{bucket_config, multipart_upload, object, request_auth, response};
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
    apply_cors(state, &info, &head, &mut response);
    response
}

/// Adds the headers that let the page of the request read the response: by the rules that were put for the bucket,
/// otherwise by the rule of the options.
fn apply_cors(
    state: &OssState,
    info: &RequestInfo<'_>,
    head: &request::Parts,
    response: &mut OssResponse,
) {
    let origin = info.origin.as_ref();
    let keys = state.ring.all();
    let bucket = state.upload_validator(&keys).bucket(&info.host).ok().map(|one| one.name.as_str());
    let requested = head.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let requested = requested.filter(|_| head.method == Method::OPTIONS);
    let method = requested.and_then(|one| one.to_str().ok()).unwrap_or(head.method.as_str());
    let headers = response.headers_mut();
    let is_done =
        bucket.is_some_and(|name| state.bucket_configs.apply_cors(name, (origin, method), headers));
    if !is_done {
        state.cors.apply(origin, headers);
    }
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
    if head.method == Method::OPTIONS {
        let mut response = response::empty(StatusCode::OK);
        let configured = state.bucket_configs.preflight(&bucket.name, &head.headers);
        *response.headers_mut() =
            configured.unwrap_or_else(|| state.cors.preflight(&head.headers))?;
        return Ok(response);
    }
    let query = RequestQuery::parse(head.uri.query())?;
    let operation = OssOperation::of(head, &query);
    if matches!(operation, OssOperation::PostObject | OssOperation::Unknown) {
        validator.check_operation(head)?;
        return post_object(state, info, &validator, head, body).await;
    }
    operation.check_supported(head, &query)?;
    let identity = request_auth::authenticate(state, bucket, head)?;
    let key = object::key_of(head)?;
    let request = ObjectRequest { state, info, bucket, head, query: &query, key, identity };
    match operation {
        OssOperation::GetObject | OssOperation::HeadObject => object::get_object(&request).await,
        OssOperation::Bucket(operation) => operations::handle(operation, &request, body).await,
        OssOperation::Multipart(operation) => {
            multipart_upload::handle(operation, &request, body).await
        }
        OssOperation::PutObject => object::put_object(&request, body).await,
        OssOperation::DeleteObject => object::delete_object(&request).await,
        // Both have been answered above.
        OssOperation::PostObject | OssOperation::Unknown => {
            Err(OssErrorKind::MethodNotAllowed.because("the operation is not emulated"))
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
    let origin = bucket_config::origin_text(&head.headers);
    let is_named = origin.is_some_and(|origin| state.bucket_configs.allow_page(origin));
    if head.method == Method::OPTIONS || is_named {
        return Ok(());
    }
    state.cors.check_page(&head.headers)
}

/// Responds with the public half of the key that signs callbacks.
async fn public_key(state: &OssState, head: &request::Parts) -> Result<OssResponse, OssError> {
    let key = state.callback_key.get().await.map_err(|error| {
        OssErrorKind::InternalError
            .because(format!("the key for callbacks could not be generated: {error}"))
    })?;
    Ok(response::public_key(if head.method == Method::HEAD { "" } else { &key.pem }))
}

/// Returns whether a request reads an object and has no signature.
fn is_unsigned_read(head: &request::Parts) -> bool {
    let is_signed = head.headers.contains_key(header::AUTHORIZATION)
        || head.uri.query().is_some_and(|query| query.to_ascii_lowercase().contains("signature="));
    matches!(head.method, Method::GET | Method::HEAD) && !is_signed
}

async fn error_response(
    state: &OssState,
    info: &RequestInfo<'_>,
    head: &request::Parts,
    body: &mut UploadBody,
    error: &OssError,
) -> OssResponse {
    let foreign = matches!(error.kind(), OssErrorKind::ForeignHost | OssErrorKind::ForeignPage);
    // Browsers request by themselves what no one stored, such as an icon.
    if !is_unsigned_read(head) || foreign {
        state.notify_refused(error);
    }
    let mut response = response::error(info, error);
    if head.method == Method::HEAD {
        response::move_error_to_header(&mut response);
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
