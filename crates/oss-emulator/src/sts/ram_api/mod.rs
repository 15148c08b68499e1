//! The API of RAM, version 2015-05-01: the operations on roles and policies that a deployment needs.
//!
//! It is served beside STS, whose requests have another version. Sources: the RAM pages of each operation and the
//! page of error codes. The order of the checks is a choice: parameters, then the caller's permission, then the
//! state. Limits are those of the documents: 5 versions of a policy, 6144 bytes in a version, 1024 characters in a
//! description.
//!
//! Not emulated are users, groups, tags and the policies of Alibaba.

mod policies;
mod roles;

use serde_json::Value;

use crate::dates;
use crate::keys::{AccessKey, KeyOwner};
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::ram_action::RamAction;
use crate::sts::ram_directory::RamDirectory;
use crate::sts::request::StsRequest;

/// The longest description in characters.
const MAX_DESCRIPTION: usize = 1024;

/// A request of a caller whose signature was verified.
pub(super) struct RamCall<'a> {
    pub(super) directory: &'a RamDirectory,
    pub(super) account: &'a str,
    pub(super) action: RamAction,
    pub(super) request: &'a StsRequest,
    pub(super) caller: &'a AccessKey,
    pub(super) now: i64,
}

/// Performs an operation.
pub(super) fn perform(call: &RamCall<'_>) -> Result<Value, StsError> {
    match call.action {
        RamAction::GetRole => roles::get(call),
        RamAction::CreateRole => roles::create(call),
        RamAction::UpdateRole => roles::update(call),
        RamAction::DeleteRole => roles::delete(call),
        RamAction::ListPoliciesForRole => roles::list_policies(call),
        RamAction::AttachPolicyToRole => roles::attach(call),
        RamAction::DetachPolicyFromRole => roles::detach(call),
        RamAction::GetPolicy => policies::get(call),
        RamAction::CreatePolicy => policies::create(call),
        RamAction::DeletePolicy => policies::delete(call),
        RamAction::ListPolicyVersions => policies::list_versions(call),
        RamAction::CreatePolicyVersion => policies::create_version(call),
        RamAction::DeletePolicyVersion => policies::delete_version(call),
    }
}

impl<'a> RamCall<'a> {
    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.request.parameter(name).filter(|value| !value.is_empty())
    }

    /// Reads the name of a role: 1 to 64 letters, digits, dots and hyphens.
    fn role_name(&self) -> Result<&'a str, StsError> {
        let name =
            self.parameter("RoleName").ok_or_else(|| StsErrorKind::Missing.because("RoleName"))?;
        if name.len() > 64 {
            return Err(StsErrorKind::RoleNameLength.error());
        }
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if name.bytes().all(is_known) { Ok(name) } else { Err(StsErrorKind::RoleNameChars.error()) }
    }

    /// Reads the name of a policy: 1 to 128 letters, digits and hyphens.
    fn policy_name(&self) -> Result<&'a str, StsError> {
        let name = self
            .parameter("PolicyName")
            .ok_or_else(|| StsErrorKind::Missing.because("PolicyName"))?;
        if name.len() > 128 {
            return Err(StsErrorKind::PolicyNameLength.error());
        }
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.bytes().all(is_known) {
            Ok(name)
        } else {
            Err(StsErrorKind::PolicyNameChars.error())
        }
    }

    /// Checks the type of a policy; the policies of Alibaba are not emulated.
    fn check_policy_type(&self) -> Result<(), StsError> {
        match self.parameter("PolicyType") {
            Some("Custom") => Ok(()),
            Some("System") => Err(StsErrorKind::NotImplemented.because("policies of Alibaba")),
            Some(_) => Err(StsErrorKind::PolicyType.error()),
            None => Err(StsErrorKind::Missing.because("PolicyType")),
        }
    }

    fn description(&self, name: &str) -> Result<&'a str, StsError> {
        let description = self.parameter(name).unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION {
            return Err(StsErrorKind::DescriptionLength.error());
        }
        Ok(description)
    }

    /// Checks the caller's permission for the operation on a role or a policy.
    fn check_permission(&self, kind: &str, name: &str) -> Result<(), StsError> {
        let action = format!("ram:{}", self.action.name());
        let resource = format!("acs:ram:*:{}:{kind}/{name}", self.account);
        if self.caller.owner == KeyOwner::Root || self.caller.may(&action, &resource) {
            return Ok(());
        }
        Err(StsErrorKind::NoPermission.error().with_denied_action(action))
    }

    fn date(seconds: i64) -> String {
        dates::iso(seconds)
    }
}
