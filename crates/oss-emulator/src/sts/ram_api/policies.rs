//! The operations on policies and their versions.

use serde_json::{Value, json};

use crate::ram::{RamPolicy, RamPolicyError};
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::ram_api::RamCall;
use crate::sts::ram_directory::{PolicyVersion, RamEntities, StoredPolicy};

/// The largest number of versions.
const MAX_VERSIONS: usize = 5;

/// The longest document in bytes.
const MAX_DOCUMENT: usize = 6144;

/// The strategy that deletes the oldest version which is not in force.
const ROTATE: &str = "DeleteOldestNonDefaultVersionWhenLimitExceeded";

pub(super) fn get(call: &RamCall<'_>) -> Result<Value, StsError> {
    call.check_policy_type()?;
    let name = call.policy_name()?;
    call.check_permission("policy", name)?;
    call.directory.with(|entities| {
        let policy = policy(entities, name)?;
        let mut response = json!({ "Policy": describe(name, policy, entities.attachments(name)) });
        if let Some(version) = policy.default() {
            response["DefaultPolicyVersion"] = describe_version(policy, version);
        }
        Ok(response)
    })
}

pub(super) fn create(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.policy_name()?;
    let description = call.description("Description")?.to_owned();
    let version = version(call, 1)?;
    call.check_permission("policy", name)?;
    call.directory.with(|entities| {
        if entities.policies.contains_key(name) {
            return Err(StsErrorKind::PolicyExists.error());
        }
        let policy = StoredPolicy {
            description,
            default_version: version.id.clone(),
            versions: vec![version],
            count: 1,
            created_at: call.now,
            updated_at: call.now,
        };
        let described = describe(name, &policy, 0);
        entities.policies.insert(name.to_owned(), policy);
        Ok(json!({ "Policy": described }))
    })
}

pub(super) fn delete(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.policy_name()?;
    let cascading = call.parameter("CascadingDelete") == Some("true");
    call.check_permission("policy", name)?;
    call.directory.with(|entities| {
        let versions = policy(entities, name)?.versions.len();
        if entities.attachments(name) > 0 {
            return Err(StsErrorKind::RoleHasPolicies.error());
        }
        if versions > 1 && !cascading {
            return Err(StsErrorKind::PolicyHasVersions.error());
        }
        entities.policies.remove(name);
        Ok(json!({}))
    })
}

pub(super) fn list_versions(call: &RamCall<'_>) -> Result<Value, StsError> {
    call.check_policy_type()?;
    let name = call.policy_name()?;
    call.check_permission("policy", name)?;
    call.directory.with(|entities| {
        let policy = policy(entities, name)?;
        let versions = policy.versions.iter().map(|version| describe_version(policy, version));
        Ok(json!({ "PolicyVersions": { "PolicyVersion": versions.collect::<Vec<_>>() } }))
    })
}

pub(super) fn create_version(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.policy_name()?;
    // The official Python SDK writes `True`.
    let set_as_default = call.parameter("SetAsDefault").map(str::to_ascii_lowercase);
    let becomes_default = match set_as_default.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(StsErrorKind::Invalid.because("SetAsDefault")),
    };
    let rotates = match call.parameter("RotateStrategy") {
        None | Some("None") => false,
        Some(strategy) if strategy == ROTATE => true,
        Some(_) => return Err(StsErrorKind::Invalid.because("RotateStrategy")),
    };
    let mut version = version(call, 0)?;
    call.check_permission("policy", name)?;
    call.directory.with(|entities| {
        let policy = policy_mut(entities, name)?;
        if policy.versions.len() >= MAX_VERSIONS {
            let default = policy.default_version.clone();
            let oldest = policy.versions.iter().position(|one| one.id != default);
            match oldest.filter(|_| rotates) {
                Some(oldest) => drop(policy.versions.remove(oldest)),
                None => return Err(StsErrorKind::TooManyVersions.error()),
            }
        }
        policy.count += 1;
        policy.updated_at = call.now;
        version.id = format!("v{}", policy.count);
        if becomes_default {
            policy.default_version.clone_from(&version.id);
        }
        let described = describe_version(policy, &version);
        policy.versions.push(version);
        Ok(json!({ "PolicyVersion": described }))
    })
}

pub(super) fn delete_version(call: &RamCall<'_>) -> Result<Value, StsError> {
    let name = call.policy_name()?;
    let id =
        call.parameter("VersionId").ok_or_else(|| StsErrorKind::Missing.because("VersionId"))?;
    let is_id = id.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok());
    if !is_id {
        return Err(StsErrorKind::VersionIdFormat.error());
    }
    call.check_permission("policy", name)?;
    call.directory.with(|entities| {
        let policy = policy_mut(entities, name)?;
        let at = policy.versions.iter().position(|version| version.id == id);
        let at = at.ok_or_else(|| StsErrorKind::NoPolicyVersion.error())?;
        if policy.default_version == id {
            return Err(StsErrorKind::DefaultVersion.error());
        }
        policy.versions.remove(at);
        policy.updated_at = call.now;
        Ok(json!({}))
    })
}

fn policy<'a>(entities: &'a RamEntities, name: &str) -> Result<&'a StoredPolicy, StsError> {
    entities.policies.get(name).ok_or_else(|| StsErrorKind::NoPolicy.error())
}

fn policy_mut<'a>(
    entities: &'a mut RamEntities,
    name: &str,
) -> Result<&'a mut StoredPolicy, StsError> {
    entities.policies.get_mut(name).ok_or_else(|| StsErrorKind::NoPolicy.error())
}

/// Reads and checks the document of a new version.
fn version(call: &RamCall<'_>, number: u32) -> Result<PolicyVersion, StsError> {
    let document = call
        .parameter("PolicyDocument")
        .ok_or_else(|| StsErrorKind::Missing.because("PolicyDocument"))?;
    if document.len() > MAX_DOCUMENT {
        return Err(StsErrorKind::DocumentLength.error());
    }
    let policy = RamPolicy::parse(document).map_err(|error| match error {
        RamPolicyError::Grammar(_) => StsErrorKind::MalformedDocument.because(error),
        RamPolicyError::Unsupported(_) => StsErrorKind::NotImplemented.because(error),
    })?;
    let document = document.to_owned();
    Ok(PolicyVersion { id: format!("v{number}"), document, policy, created_at: call.now })
}

fn describe(name: &str, policy: &StoredPolicy, attachments: usize) -> Value {
    json!({
        "PolicyName": name,
        "PolicyType": "Custom",
        "Description": policy.description,
        "DefaultVersion": policy.default_version,
        "AttachmentCount": attachments,
        "CreateDate": RamCall::date(policy.created_at),
        "UpdateDate": RamCall::date(policy.updated_at),
    })
}

fn describe_version(policy: &StoredPolicy, version: &PolicyVersion) -> Value {
    json!({
        "VersionId": version.id,
        "IsDefaultVersion": policy.default_version == version.id,
        "PolicyDocument": version.document,
        "CreateDate": RamCall::date(version.created_at),
    })
}
