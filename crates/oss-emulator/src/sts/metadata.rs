//! The metadata service of an ECS instance, and the credentials URI: both return keys of a role
//! without a signature.
//!
//! Source: the ECS page "Instance metadata", including the hardened mode. Clients expect 404 for an
//! instance without a role; no page documents it.

use std::sync::PoisonError;

use http::{Method, StatusCode};
use serde_json::json;

use crate::ram::Permissions;
use crate::sts::key_issuer::IssuedKey;
use crate::sts::request::StsRequest;
use crate::sts::response;
use crate::sts::response::StsResponse;
use crate::sts::state::StsState;
use crate::{dates, faults};

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
const URI_PATH: &str = "/credentials";

const TTL: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aliyun-ecs-metadata-token";

/// The longest lifetime of a metadata token, in seconds.
const MAX_TTL: i64 = 21_600;

/// Returns the operation of a path, if it belongs to the metadata service or the credentials URI.
pub(super) fn operation_for_path(path: &str) -> Option<faults::Operation> {
    match path {
        TOKEN_PATH => Some(faults::Operation::MetadataToken),
        ROLES_PATH => Some(faults::Operation::MetadataRole),
        URI_PATH => Some(faults::Operation::CredentialsUri),
        other if other.starts_with(ROLES_PATH) => Some(faults::Operation::MetadataKeys),
        _ => None,
    }
}

/// Handles a request to the metadata service or the credentials URI.
pub(super) fn handle(
    state: &StsState,
    kind: faults::Operation,
    request: &StsRequest,
    now: i64,
) -> StsResponse {
    let response = match kind {
        faults::Operation::MetadataToken => issue_token(state, request, now),
        faults::Operation::MetadataRole => check_request(state, request, now).and_then(|()| {
            let role = state.instance.metadata.role.as_deref().ok_or(StatusCode::NOT_FOUND)?;
            Ok(response::text(StatusCode::OK, role))
        }),
        faults::Operation::CredentialsUri => {
            require_method(request, &Method::GET).and_then(|()| keys(state, now))
        }
        _ => check_request(state, request, now).and_then(|()| {
            let requested = request.path.strip_prefix(ROLES_PATH);
            if requested != state.instance.metadata.role.as_deref() {
                return Err(StatusCode::NOT_FOUND);
            }
            keys(state, now)
        }),
    };
    response.unwrap_or_else(|status| response::text(status, status.to_string()))
}

fn require_method(request: &StsRequest, method: &Method) -> Result<(), StatusCode> {
    if request.method == *method { Ok(()) } else { Err(StatusCode::METHOD_NOT_ALLOWED) }
}

/// Rejects requests that came through a proxy: metadata is for the instance alone.
fn check_direct(request: &StsRequest) -> Result<(), StatusCode> {
    if request.headers.contains_key("x-forwarded-for") {
        Err(StatusCode::FORBIDDEN)
    } else {
        Ok(())
    }
}

fn issue_token(
    state: &StsState,
    request: &StsRequest,
    now: i64,
) -> Result<StsResponse, StatusCode> {
    require_method(request, &Method::PUT)?;
    check_direct(request)?;
    let ttl = request.header(TTL).and_then(|text| text.parse::<i64>().ok());
    let ttl = ttl.filter(|ttl| (1..=MAX_TTL).contains(ttl)).ok_or(StatusCode::BAD_REQUEST)?;
    let token = state.issuer.metadata_token();
    let mut tokens = state.instance.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    tokens.retain(|_, end| *end > now);
    tokens.insert(token.clone(), now + ttl);
    Ok(response::text(StatusCode::OK, token))
}

/// Checks the method, the absence of a proxy, and the metadata token.
fn check_request(state: &StsState, request: &StsRequest, now: i64) -> Result<(), StatusCode> {
    require_method(request, &Method::GET)?;
    check_direct(request)?;
    let Some(token) = request.header(TOKEN) else {
        let hardened = state.instance.metadata.hardened;
        return if hardened { Err(StatusCode::FORBIDDEN) } else { Ok(()) };
    };
    let tokens = state.instance.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    match tokens.get(token) {
        Some(end) if *end > now => Ok(()),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

/// Responds with the current key. After half of its lifetime a new key is issued; the old key stays
/// valid until it expires.
fn keys(state: &StsState, now: i64) -> Result<StsResponse, StatusCode> {
    let metadata = &state.instance.metadata;
    let role = metadata.role.as_deref().and_then(|name| state.role_named(name));
    let role = role.ok_or(StatusCode::NOT_FOUND)?;
    let mut current = state.instance.key.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = |key: &IssuedKey| now < key.issued_at + metadata.lifetime / 2;
    let key = current.take().filter(fresh).unwrap_or_else(|| {
        let policy = role.policy.iter().cloned();
        let permissions = policy.fold(Permissions::default(), Permissions::restricted_by);
        let arn = state.arn("role", &role.name);
        let key = state.issuer.issue(arn, permissions, now, metadata.lifetime);
        state.notify_issued(&role.name, "instance", &key);
        key
    });
    let response = response::json(&json!({
        "Code": "Success",
        "AccessKeyId": key.id,
        "AccessKeySecret": key.secret,
        "SecurityToken": key.token,
        "LastUpdated": dates::iso(key.issued_at),
        "Expiration": dates::iso(key.expires_at),
    }));
    *current = Some(key);
    Ok(response)
}
