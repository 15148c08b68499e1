//! `AssumeRole` and `AssumeRoleWithOIDC`, each as a list of checks from top to bottom.
//!
//! The order is a choice, because no page documents it. `auth` verifies the signature earlier.
//! Source: the STS pages of both actions. A missing parameter is reported like a malformed one.

use serde_json::{Value, json};

use crate::dates;
use crate::keys::{AccessKey, KeyOwner};
use crate::ram::{Permissions, RamPolicy, RamPolicyError};
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::oidc;
use crate::sts::options::{RamRole, TrustedPrincipal};
use crate::sts::request::StsRequest;
use crate::sts::state::StsState;

/// The prefixes that a source identity may not have.
const RESERVED: [&str; 3] = ["acs:", "aliyun:", "alibabacloud:"];

/// The default duration of a session in seconds.
const DEFAULT_DURATION: i64 = 3600;

/// The minimum duration of a session in seconds.
const MIN_DURATION: i64 = 900;

/// The size in bytes from which a session policy is too long.
const POLICY_LIMIT: usize = 2048;

/// Issues a session of a role to a caller with a signature.
pub(super) fn assume_role(
    state: &StsState,
    request: &StsRequest,
    caller: &AccessKey,
    now: i64,
) -> Result<Value, StsError> {
    let assumed = AssumeRoleRequest::read(state, request)?;
    let external = request.parameter("ExternalId");
    if external.is_some_and(|id| !consists_of(id, b"_=,.@:/+-", 2, 1224)) {
        return Err(StsErrorKind::ExternalId.error());
    }
    let source = request.parameter("SourceIdentity");
    if source.is_some_and(|source| !is_source_identity(source)) {
        return Err(StsErrorKind::Invalid.because("SourceIdentity"));
    }
    if caller.owner == KeyOwner::Root {
        return Err(
            StsErrorKind::NoPermission.because("Roles may not be assumed by root accounts.")
        );
    }
    let allowed = caller.may("sts:AssumeRole", assumed.role_arn);
    if !allowed || !is_trusted(&assumed.role, caller) {
        return Err(StsErrorKind::NoPermission.error());
    }
    let mut response = issue_session(state, &assumed, now);
    if let Some(source) = source {
        response["SourceIdentity"] = json!(source);
    }
    Ok(response)
}

/// Describes the caller. Every caller may ask for it.
pub(super) fn caller_identity(state: &StsState, caller: &AccessKey) -> Value {
    let account = state.account();
    let (kind, arn) = match &caller.owner {
        KeyOwner::Root => ("Account", format!("acs:ram::{account}:root")),
        KeyOwner::User => ("RAMUser", state.arn("user", &caller.id)),
        KeyOwner::Role(arn) => ("AssumedRoleUser", arn.clone()),
    };
    let id = match &caller.owner {
        KeyOwner::Root => account.to_owned(),
        KeyOwner::User | KeyOwner::Role(_) => state.issuer.role_id(&caller.id).to_string(),
    };
    let own = if kind == "AssumedRoleUser" { "RoleId" } else { "UserId" };
    json!({
        "IdentityType": kind,
        "AccountId": account,
        "PrincipalId": id,
        own: id,
        "Arn": arn,
    })
}

/// Issues a session of a role to the holder of a token of a provider that the role trusts.
pub(super) fn assume_role_with_oidc(
    state: &StsState,
    request: &StsRequest,
    now: i64,
) -> Result<Value, StsError> {
    let assumed = AssumeRoleRequest::read(state, request)?;
    let arn = request.parameter("OIDCProviderArn").unwrap_or_default();
    let provider = state.provider(arn).ok_or_else(|| StsErrorKind::OidcNoPermission.error())?;
    let token = request.parameter("OIDCToken").unwrap_or_default();
    let info = oidc::verify(provider, token, now)?;
    if !assumed.role.trusted.contains(&TrustedPrincipal::Provider(provider.name.clone())) {
        return Err(StsErrorKind::OidcNoPermission.error());
    }
    let mut response = issue_session(state, &assumed, now);
    response["OIDCTokenInfo"] = info;
    Ok(response)
}

fn is_trusted(role: &RamRole, caller: &AccessKey) -> bool {
    role.trusted.iter().any(|trusted| match trusted {
        TrustedPrincipal::Account => true,
        TrustedPrincipal::Key(id) => caller.owner == KeyOwner::User && caller.id == *id,
        TrustedPrincipal::Role(arn) => matches!(&caller.owner, KeyOwner::Role(own) if own == arn),
        TrustedPrincipal::Provider(_) | TrustedPrincipal::Service(_) => false,
    })
}

fn is_source_identity(text: &str) -> bool {
    consists_of(text, b"_+=,.@-", 2, 64) && !RESERVED.iter().any(|prefix| text.starts_with(prefix))
}

fn issue_session(state: &StsState, request: &AssumeRoleRequest<'_>, now: i64) -> Value {
    let (role, session) = (&request.role.name, request.session);
    let arn = request.role_arn.to_owned();
    let issued = state.issuer.issue(arn, request.permissions(), now, request.duration);
    state.notify_issued(role, session, &issued);
    json!({
        "AssumedRoleUser": {
            "Arn": format!("{}/{session}", request.role_arn),
            "AssumedRoleId": format!("{}:{session}", state.issuer.role_id(role)),
        },
        "Credentials": {
            "AccessKeyId": issued.id,
            "AccessKeySecret": issued.secret,
            "SecurityToken": issued.token,
            "Expiration": dates::iso(issued.expires_at),
        },
    })
}

/// The checked parameters that both actions share.
pub(super) struct AssumeRoleRequest<'a> {
    pub(super) role: RamRole,
    pub(super) role_arn: &'a str,
    pub(super) session: &'a str,
    pub(super) duration: i64,
    policy: Option<RamPolicy>,
}

impl<'a> AssumeRoleRequest<'a> {
    /// Reads and checks the parameters.
    pub(super) fn read(state: &'a StsState, request: &'a StsRequest) -> Result<Self, StsError> {
        let role_arn = request.parameter("RoleArn").filter(|arn| is_role_arn(arn));
        let role_arn = role_arn.ok_or_else(|| StsErrorKind::RoleArn.error())?;
        let session = request.parameter("RoleSessionName");
        let session = session.filter(|name| consists_of(name, b".@-_", 2, 64));
        let session = session.ok_or_else(|| StsErrorKind::RoleSessionName.error())?;
        let policy = request.parameter("Policy").map(session_policy).transpose()?;
        let role = state.role(role_arn).ok_or_else(|| StsErrorKind::NoRole.because(role_arn))?;
        let duration = match request.parameter("DurationSeconds") {
            None => DEFAULT_DURATION,
            Some(text) => text.parse().map_err(|_| StsErrorKind::DurationSeconds.error())?,
        };
        if !(MIN_DURATION..=role.max_session).contains(&duration) {
            return Err(StsErrorKind::DurationSeconds.error());
        }
        Ok(Self { role, role_arn, session, duration, policy })
    }

    /// Returns the session's permissions: what both the role's and the session's policy allow.
    pub(super) fn permissions(&self) -> Permissions {
        let policies = self.role.policy.iter().chain(&self.policy);
        policies.fold(Permissions::default(), |all, policy| all.restricted_by(policy.clone()))
    }
}

fn session_policy(text: &str) -> Result<RamPolicy, StsError> {
    if text.is_empty() || text.len() >= POLICY_LIMIT {
        return Err(StsErrorKind::PolicySize.error());
    }
    RamPolicy::parse(text).map_err(|error| match error {
        RamPolicyError::Grammar(_) => StsErrorKind::PolicyGrammar.because(error),
        RamPolicyError::Unsupported(_) => StsErrorKind::NotImplemented.because(error),
    })
}

fn is_role_arn(arn: &str) -> bool {
    let items: Vec<&str> = arn.splitn(5, ':').collect();
    let ["acs", "ram", "", account, role] = items[..] else {
        return false;
    };
    let name = role.strip_prefix("role/").unwrap_or_default();
    !account.is_empty()
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && consists_of(name, b"._-", 1, 64)
}

/// Returns whether a text consists of `min` to `max` letters, digits and these other characters.
pub(super) fn consists_of(text: &str, others: &[u8], min: usize, max: usize) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (min..=max).contains(&text.len()) && text.bytes().all(known)
}
