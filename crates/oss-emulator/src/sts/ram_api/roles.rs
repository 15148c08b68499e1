//! The operations on roles, and on the policies that are attached to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::ram_api::RamCall;
use crate::sts::ram_directory::{RamEntities, StoredRole, TrustPolicy};

/// The longest session of a role, unless another is set.
const DEFAULT_MAX_SESSION: i64 = 3600;

/// The limits of the longest session in seconds.
const MAX_SESSION: std::ops::RangeInclusive<i64> = 3600..=43200;

pub(super) fn get(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.role_name()?;
    call.check_permission("role", name)?;
    call.directory.with(|entities| Ok(describe(call, name, role(entities, name)?)))
}

pub(super) fn create(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.role_name()?;
    let description = call.description("Description")?.to_owned();
    let document = call.parameter("AssumeRolePolicyDocument");
    let trust =
        trust(document.ok_or_else(|| StsErrorKind::Missing.because("AssumeRolePolicyDocument"))?)?;
    let max_session = max_session(call, "MaxSessionDuration")?.unwrap_or(DEFAULT_MAX_SESSION);
    call.check_permission("role", name)?;
    call.directory.with(|entities| {
        if entities.roles.contains_key(name) {
            return Err(StsErrorKind::RoleExists.error());
        }
        let role = StoredRole {
            description,
            trust,
            max_session,
            created_at: call.now,
            updated_at: call.now,
            attached: BTreeMap::new(),
        };
        let described = describe(call, name, &role);
        entities.roles.insert(name.to_owned(), role);
        Ok(described)
    })
}

pub(super) fn update(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.role_name()?;
    let description = call.description("NewDescription")?.to_owned();
    let trust = call.parameter("NewAssumeRolePolicyDocument").map(trust).transpose()?;
    let max_session = max_session(call, "NewMaxSessionDuration")?;
    call.check_permission("role", name)?;
    call.directory.with(|entities| {
        let role = role_mut(entities, name)?;
        if !description.is_empty() {
            role.description = description;
        }
        if let Some(trust) = trust {
            role.trust = trust;
        }
        role.max_session = max_session.unwrap_or(role.max_session);
        role.updated_at = call.now;
        Ok(describe(call, name, role))
    })
}

pub(super) fn delete(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.role_name()?;
    call.check_permission("role", name)?;
    call.directory.with(|entities| {
        if !role(entities, name)?.attached.is_empty() {
            return Err(StsErrorKind::RoleHasPolicies.error());
        }
        entities.roles.remove(name);
        Ok(json!({}))
    })
}

pub(super) fn list_policies(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.role_name()?;
    call.check_permission("role", name)?;
    call.directory.with(|entities| {
        let attached = role(entities, name)?.attached.iter();
        let policies: Vec<Value> = attached
            .filter_map(|(name, since)| {
                let policy = entities.policies.get(name)?;
                Some(json!({
                    "PolicyName": name,
                    "PolicyType": "Custom",
                    "Description": policy.description,
                    "DefaultVersion": policy.default_version,
                    "AttachDate": RamCall::date(*since),
                }))
            })
            .collect();
        Ok(json!({ "Policies": { "Policy": policies } }))
    })
}

pub(super) fn attach(call: &RamCall<'_>) -> Result<Value, StsError> {
    let (name, policy) = attachment(call)?;
    call.directory.with(|entities| {
        if !entities.policies.contains_key(policy) {
            return Err(StsErrorKind::NoPolicy.error());
        }
        let role = role_mut(entities, name)?;
        if role.attached.contains_key(policy) {
            return Err(StsErrorKind::AttachedAlready.error());
        }
        role.attached.insert(policy.to_owned(), call.now);
        Ok(json!({}))
    })
}

pub(super) fn detach(call: &RamCall<'_>) -> Result<Value, StsError> {
    let (name, policy) = attachment(call)?;
    call.directory.with(|entities| {
        let removed = role_mut(entities, name)?.attached.remove(policy);
        removed.map(|_| json!({})).ok_or_else(|| StsErrorKind::NotAttached.error())
    })
}

/// Reads role and policy of an attachment. The caller needs the permission for both.
fn attachment<'a>(call: &RamCall<'a>) -> Result<(&'a str, &'a str), StsError> {
    let (name, policy) = (call.role_name()?, call.policy_name()?);
    call.check_policy_type()?;
    call.check_permission("role", name)?;
    call.check_permission("policy", policy)?;
    Ok((name, policy))
}

fn role<'a>(entities: &'a RamEntities, name: &str) -> Result<&'a StoredRole, StsError> {
    entities.roles.get(name).ok_or_else(|| StsErrorKind::NoRole.because(name))
}

fn role_mut<'a>(entities: &'a mut RamEntities, name: &str) -> Result<&'a mut StoredRole, StsError> {
    entities.roles.get_mut(name).ok_or_else(|| StsErrorKind::NoRole.because(name))
}

fn trust(document: &str) -> Result<TrustPolicy, StsError> {
    TrustPolicy::parse(document).map_err(|error| StsErrorKind::MalformedDocument.because(error))
}

fn max_session(call: &RamCall<'_>, name: &str) -> Result<Option<i64>, StsError> {
    let Some(text) = call.parameter(name) else { return Ok(None) };
    let seconds = text.parse().ok().filter(|seconds| MAX_SESSION.contains(seconds));
    seconds.map(Some).ok_or_else(|| StsErrorKind::Invalid.because(name))
}

fn describe(call: &RamCall<'_>, name: &str, role: &StoredRole) -> Value {
    json!({ "Role": {
        "RoleName": name,
        "RoleId": role.created_at.to_string(),
        "Arn": format!("acs:ram::{}:role/{name}", call.account),
        "Description": role.description,
        "AssumeRolePolicyDocument": role.trust.document,
        "MaxSessionDuration": role.max_session,
        "CreateDate": RamCall::date(role.created_at),
        "UpdateDate": RamCall::date(role.updated_at),
    }})
}
