//! `POST /sts/{route}`: session keys with which an SDK uploads by itself, such as `ali-oss` in a browser.
//!
//! A route gives them out only where its settings say so. The key is one of a session of the role, narrowed to one object
//! or to the caller's own directory; the function's own keys never leave it. A session cannot limit size, type or number
//! of uploads, and can overwrite: so a directory is always of one caller, and one object either lies in it or is new.
//!
//! The members of the key have the names that `refreshSTSToken` of `ali-oss` takes. To refresh a key for one object, a
//! page sends the object's key again.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::credentials::Credentials;
use crate::credentials::session::RoleSession;
use crate::credentials::session_policy::{
    MULTIPART_ACTIONS, ObjectPermissions, ObjectPrefix, object_policy, session_policy,
};
use crate::grant::{self, GrantError};
use crate::http::UncachedJson;
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, find_route, parse_json};
use crate::http::signing;
use crate::http::signing::{attributes, authenticate};
use crate::http::uploads::FileRequest;
use crate::policy::route::Route;
use crate::policy::template::RenderContext;
use crate::time::Timestamp;

const EXAMPLE: &str = r#"{"file":{"name":"a.mp4","type":"video/mp4","size":1024}}"#;

/// The body of a call. Without a file and a key it is about the caller's directory.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionKeyRequest {
    file: Option<FileRequest>,
    /// The object of an earlier response.
    key: Option<String>,
}

/// What a session key may write.
#[derive(Debug, PartialEq, Eq)]
enum SessionScope {
    Object(String),
    /// The caller's directory, with its trailing slash.
    Directory(String),
}

/// It contains a secret, so it has no `Debug`.
#[derive(Serialize)]
struct SessionKeyResponse<'a> {
    #[serde(rename = "AccessKeyId")]
    access_key_id: &'a str,
    #[serde(rename = "AccessKeySecret")]
    access_key_secret: &'a str,
    #[serde(rename = "SecurityToken")]
    security_token: &'a str,
    #[serde(rename = "Expiration")]
    expiration: String,
    bucket: &'a str,
    /// As `ali-oss` names it, with `oss-` in front.
    region: String,
    /// The host of the bucket, so that `cname` has to be true.
    endpoint: &'a str,
    cname: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<&'a str>,
    server_time: String,
}

pub(super) async fn issue(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    request.check_no_query()?;
    let body = match &request.body[..] {
        b"" => SessionKeyRequest::default(),
        body => parse_json(body, &["file", "key"], EXAMPLE)?,
    };
    let route = find_route(&app, Some(request.route()?))?;
    let lifetime = route.session_keys.ok_or(ApiError::StsNotEnabled)?;
    let now = app.now();
    let caller = authenticate(&app, &request, &route.name, now).await?;
    let size = body.file.as_ref().and_then(|file| file.size);
    let random = signing::random(&app)?;
    let claim = |name: &str| caller.claim(name);
    let attributes = attributes(&caller, &claim);
    let scope = scope(body, route, &RenderContext { now, random: &random, attributes })?;
    let charge = signing::charge(&caller, route, app.limits.address(&request.headers));
    signing::count(&app, &charge, size.unwrap_or(route.size.max), now).await?;
    let subject = caller.subject.as_deref().unwrap_or_default();
    let session = RoleSession {
        duration: Some(lifetime),
        ..RoleSession::for_subject(subject, policy(&scope, route)?)
    };
    let platform_keys = request.platform_keys.as_ref();
    let credentials = app.credentials.open_session(&session, platform_keys, now).await?;
    Ok(UncachedJson(response(&credentials, &scope, route, now)?).into_response())
}

/// Decides what the key may write.
fn scope(
    request: SessionKeyRequest,
    route: &Route,
    context: &RenderContext<'_>,
) -> Result<SessionScope, ApiError> {
    let refused = |error| ApiError::from_grant(GrantError::Policy(error), route);
    let has_directory = route.template.has_caller_prefix();
    match (request.file, request.key) {
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "'file' and 'key' exclude each other: a new object has a key of its own",
            "file 和 key 不能同时使用",
        )),
        (Some(file), None) => {
            let key = grant::object_key(&file.grant_request()?, route, context);
            key.map(SessionScope::Object).map_err(refused)
        }
        // The session could overwrite the object, which has to be this caller's.
        (None, Some(key)) if has_directory => {
            if route.template.matches(&key, &context.attributes).map_err(refused)? {
                Ok(SessionScope::Object(key))
            } else {
                Err(ApiError::KeyNotAllowed(key))
            }
        }
        (None, Some(key)) => Err(ApiError::KeyNotAllowed(key)),
        (None, None) if has_directory => {
            let prefix = route.template.caller_prefix(&context.attributes);
            prefix.map(SessionScope::Directory).map_err(refused)
        }
        (None, None) => Err(ApiError::invalid(
            format!("this route has no directory for each caller, so name the 'file': {EXAMPLE}"),
            "该路由没有调用方各自的目录，请写明 file",
        )),
    }
}

fn policy(scope: &SessionScope, route: &Route) -> Result<String, ApiError> {
    let bucket = route.bucket.as_str();
    let policy = match scope {
        SessionScope::Object(key) => object_policy(MULTIPART_ACTIONS, bucket, key),
        SessionScope::Directory(prefix) => {
            let prefixes = vec![ObjectPrefix { bucket: bucket.to_owned(), prefix: prefix.clone() }];
            session_policy(&[ObjectPermissions { actions: MULTIPART_ACTIONS, prefixes }])
        }
    };
    policy.map_err(|_| ApiError::Internal("a checked key makes no session policy"))
}

fn response<'a>(
    credentials: &'a Credentials,
    scope: &'a SessionScope,
    route: &'a Route,
    now: Timestamp,
) -> Result<SessionKeyResponse<'a>, ApiError> {
    // A key without a token or an end would be no session's.
    let (Some(token), Some(end)) = (&credentials.token, credentials.usable_until) else {
        return Err(ApiError::Internal("STS gave a key that is no session's"));
    };
    let (key, prefix) = match scope {
        SessionScope::Object(key) => (Some(key.as_str()), None),
        SessionScope::Directory(prefix) => (None, Some(prefix.as_str())),
    };
    Ok(SessionKeyResponse {
        access_key_id: &credentials.key_id,
        access_key_secret: credentials.secret.expose(),
        security_token: token.expose(),
        expiration: end.rfc3339(),
        bucket: route.bucket.as_str(),
        region: format!("oss-{}", route.region.as_str()),
        endpoint: route.host.as_str(),
        cname: true,
        key,
        prefix,
        server_time: now.rfc3339(),
    })
}
