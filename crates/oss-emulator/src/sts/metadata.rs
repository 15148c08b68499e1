//! The neighbours of STS that hand out keys of a role without a signature: the metadata service of
//! an ECS instance, and the credentials URI.
//!
//! ECS page "Instance metadata", with the hardened mode. 404 for an instance without a role is what
//! clients expect; no page says it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::Method;
use http::StatusCode;
use serde_json::json;

use crate::dates;
use crate::faults;
use crate::ram::Permissions;
use crate::sts::answer;
use crate::sts::answer::Answer;
use crate::sts::assume_role;
use crate::sts::call::Call;
use crate::sts::issue::Issued;
use crate::sts::options::Metadata;
use crate::sts::site::Site;

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
const URI_PATH: &str = "/credentials";

const TTL: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aliyun-ecs-metadata-token";

/// The longest life of a metadata token, in seconds.
const MAX_TTL: i64 = 21_600;

/// An instance: its role, the metadata tokens that are good, and the key that is handed out now.
pub(super) struct Instance {
    metadata: Metadata,
    tokens: Mutex<HashMap<String, i64>>,
    key: Mutex<Option<Issued>>,
}

impl Instance {
    pub(super) fn new(metadata: Metadata) -> Self {
        Self { metadata, tokens: Mutex::default(), key: Mutex::default() }
    }
}

/// Says which call this is, if it is one of a neighbour.
pub(super) fn recognise(path: &str) -> Option<faults::Call> {
    match path {
        TOKEN_PATH => Some(faults::Call::MetadataToken),
        ROLES_PATH => Some(faults::Call::MetadataRole),
        URI_PATH => Some(faults::Call::CredentialsUri),
        other if other.starts_with(ROLES_PATH) => Some(faults::Call::MetadataKeys),
        _ => None,
    }
}

/// Answers the call of a neighbour.
pub(super) fn respond(site: &Site, kind: faults::Call, call: &Call, now: i64) -> Answer {
    let answer = match kind {
        faults::Call::MetadataToken => issue_token(site, call, now),
        faults::Call::MetadataRole => admit(site, call, now).and_then(|()| {
            let role = site.instance.metadata.role.as_deref().ok_or(StatusCode::NOT_FOUND)?;
            Ok(answer::text(StatusCode::OK, role))
        }),
        faults::Call::CredentialsUri => only(call, &Method::GET).and_then(|()| keys(site, now)),
        _ => admit(site, call, now).and_then(|()| {
            let asked = call.path.strip_prefix(ROLES_PATH);
            if asked != site.instance.metadata.role.as_deref() {
                return Err(StatusCode::NOT_FOUND);
            }
            keys(site, now)
        }),
    };
    answer.unwrap_or_else(|status| answer::text(status, status.to_string()))
}

fn only(call: &Call, method: &Method) -> Result<(), StatusCode> {
    if call.method == *method { Ok(()) } else { Err(StatusCode::METHOD_NOT_ALLOWED) }
}

/// Refuses a call that came through a proxy: the metadata are for the instance alone.
fn check_direct(call: &Call) -> Result<(), StatusCode> {
    if call.headers.contains_key("x-forwarded-for") { Err(StatusCode::FORBIDDEN) } else { Ok(()) }
}

fn issue_token(site: &Site, call: &Call, now: i64) -> Result<Answer, StatusCode> {
    only(call, &Method::PUT)?;
    check_direct(call)?;
    let ttl = call.header(TTL).and_then(|text| text.parse::<i64>().ok());
    let ttl = ttl.filter(|ttl| (1..=MAX_TTL).contains(ttl)).ok_or(StatusCode::BAD_REQUEST)?;
    let token = site.mint.opaque();
    let mut tokens = site.instance.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    tokens.retain(|_, end| *end > now);
    tokens.insert(token.clone(), now + ttl);
    Ok(answer::text(StatusCode::OK, token))
}

/// Checks a call for metadata: its method, its way here, and its token.
fn admit(site: &Site, call: &Call, now: i64) -> Result<(), StatusCode> {
    only(call, &Method::GET)?;
    check_direct(call)?;
    let Some(token) = call.header(TOKEN) else {
        let hardened = site.instance.metadata.hardened;
        return if hardened { Err(StatusCode::FORBIDDEN) } else { Ok(()) };
    };
    let tokens = site.instance.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    match tokens.get(token) {
        Some(end) if *end > now => Ok(()),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

/// Hands out the key of now; from half of its life on, a new one. The old one stays good to its end.
fn keys(site: &Site, now: i64) -> Result<Answer, StatusCode> {
    let metadata = &site.instance.metadata;
    let role = metadata.role.as_deref().and_then(|name| site.role_named(name));
    let role = role.ok_or(StatusCode::NOT_FOUND)?;
    let mut current = site.instance.key.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = |key: &Issued| now < key.since + metadata.lifetime / 2;
    let key = current.take().filter(fresh).unwrap_or_else(|| {
        let policy = role.policy.iter().cloned();
        let permissions = policy.fold(Permissions::default(), Permissions::within);
        let arn = site.arn("role", &role.name);
        let key = site.mint.issue(arn, permissions, now, metadata.lifetime);
        assume_role::tell(site, &role.name, "instance", &key);
        key
    });
    let answer = answer::json(&json!({
        "Code": "Success",
        "AccessKeyId": key.id,
        "AccessKeySecret": key.secret,
        "SecurityToken": key.token,
        "LastUpdated": dates::iso(key.since),
        "Expiration": dates::iso(key.until),
    }));
    *current = Some(key);
    Ok(answer)
}
