//! Handles one request: applies an injected fault, then calls STS, the metadata service or the
//! credentials URI.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;

use crate::faults;
use crate::faults::Fault;
use crate::sts::assume_role::{assume_role, assume_role_with_oidc, caller_identity};
use crate::sts::auth::StsAuthenticator;
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::options::StsEvent;
use crate::sts::ram_api::RamCall;
use crate::sts::request::{StsAction, StsRequest};
use crate::sts::response::{ResponseContext, StsResponse, StsResponseBody};
use crate::sts::state::StsState;
use crate::sts::{metadata, ram_api, response};

/// The maximum size of a body in bytes; token and policy need far less.
const MAX_BODY: usize = 256 * 1024;

/// Handles a request. An error means that the connection must be closed.
pub(super) async fn handle<B>(state: &StsState, request: Request<B>) -> io::Result<StsResponse>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let mut response = response::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long");
        response::add_date(&mut response, state.now());
        return Ok(response);
    };
    let request = StsRequest::new(head, body.to_bytes());
    let metadata_operation = metadata::operation_for_path(&request.path);
    let fault = metadata_operation.or_else(|| request.action().map(StsAction::operation));
    let fault = fault.and_then(|kind| state.faults.take(kind));
    let mut now = state.now();
    match fault {
        Some(Fault::Cut) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::Clock(seconds)) => now = now.saturating_add(seconds),
        _ => {}
    }
    let mut response = match fault.and_then(injected_failure) {
        Some(failure) => failure_response(state, metadata_operation, &request, &failure),
        None => respond(state, metadata_operation, &request, now),
    };
    match fault {
        Some(Fault::CutInside) => response = response.map(StsResponseBody::cut),
        Some(Fault::MalformedJson) => response = response.map(StsResponseBody::half),
        _ => {}
    }
    response::add_date(&mut response, now);
    Ok(response)
}

/// An injected error response.
struct InjectedFailure {
    error: StsError,
    retry_after: Option<u128>,
    xml: bool,
}

fn injected_failure(fault: Fault) -> Option<InjectedFailure> {
    let failure = |error| InjectedFailure { error, retry_after: None, xml: false };
    match fault {
        Fault::Throttle { status, retry_after } => Some(InjectedFailure {
            retry_after: retry_after.map(|time| time.as_millis()),
            ..failure(StsErrorKind::Throttled.error().with_status(status))
        }),
        Fault::Failure(500) => Some(failure(StsErrorKind::InternalError.error())),
        Fault::Failure(status) => {
            Some(failure(StsErrorKind::Unavailable.error().with_status(status)))
        }
        Fault::GatewayXml => {
            Some(InjectedFailure { xml: true, ..failure(StsErrorKind::Unavailable.error()) })
        }
        Fault::Delay(_)
        | Fault::Cut
        | Fault::CutInside
        | Fault::Clock(_)
        | Fault::MalformedJson => None,
    }
}

fn failure_response(
    state: &StsState,
    metadata_operation: Option<faults::Operation>,
    request: &StsRequest,
    failure: &InjectedFailure,
) -> StsResponse {
    let mut context = context(state, request);
    context.json &= !failure.xml;
    let mut response = match metadata_operation {
        Some(_) if !failure.xml => {
            let status = StatusCode::from_u16(failure.error.status());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response::text(status, failure.error.message())
        }
        _ => error_response(state, &context, &failure.error),
    };
    if let Some(millis) = failure.retry_after {
        let name = HeaderName::from_static("x-acs-retry-after");
        if let Ok(value) = HeaderValue::from_str(&millis.to_string()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn respond(
    state: &StsState,
    metadata_operation: Option<faults::Operation>,
    request: &StsRequest,
    now: i64,
) -> StsResponse {
    if let Some(kind) = metadata_operation {
        return metadata::handle(state, kind, request, now);
    }
    if request.path != "/" {
        return response::text(StatusCode::NOT_FOUND, "the local STS is at /");
    }
    let context = context(state, request);
    match perform(state, request, now) {
        Ok((action, value)) => context.success(action.name(), value),
        Err(error) => error_response(state, &context, &error),
    }
}

fn perform(
    state: &StsState,
    request: &StsRequest,
    now: i64,
) -> Result<(StsAction, serde_json::Value), StsError> {
    let action = request.check()?;
    let keys = state.ring.all();
    let authenticator = StsAuthenticator { keys: &keys, nonces: &state.nonces, now };
    let value = match action {
        StsAction::AssumeRole => {
            let caller = authenticator.authenticate(request)?;
            assume_role(state, request, caller, now)?
        }
        StsAction::AssumeRoleWithOidc => {
            authenticator.check_request(request)?;
            assume_role_with_oidc(state, request, now)?
        }
        StsAction::GetCallerIdentity => {
            caller_identity(state, authenticator.authenticate(request)?)
        }
        StsAction::Ram(action) => {
            let caller = authenticator.authenticate(request)?;
            let (directory, account) = (&state.directory, state.account());
            ram_api::perform(&RamCall { directory, account, action, request, caller, now })?
        }
    };
    Ok((action, value))
}

fn context<'a>(state: &StsState, request: &'a StsRequest) -> ResponseContext<'a> {
    ResponseContext {
        request_id: state.issuer.request_id(),
        host: request.header("host").unwrap_or_default(),
        json: request.wants_json(),
    }
}

fn error_response(
    state: &StsState,
    context: &ResponseContext<'_>,
    error: &StsError,
) -> StsResponse {
    state.notify(&StsEvent::Refused { status: error.status(), code: error.code() });
    context.error(error)
}
