//! The operations of RAM that are emulated.

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RamAction {
    GetRole,
    CreateRole,
    UpdateRole,
    DeleteRole,
    ListPoliciesForRole,
    AttachPolicyToRole,
    DetachPolicyFromRole,
    GetPolicy,
    CreatePolicy,
    DeletePolicy,
    ListPolicyVersions,
    CreatePolicyVersion,
    DeletePolicyVersion,
}

impl RamAction {
    /// All operations with their names.
    pub(super) const ALL: [(&str, Self); 13] = [
        ("GetRole", Self::GetRole),
        ("CreateRole", Self::CreateRole),
        ("UpdateRole", Self::UpdateRole),
        ("DeleteRole", Self::DeleteRole),
        ("ListPoliciesForRole", Self::ListPoliciesForRole),
        ("AttachPolicyToRole", Self::AttachPolicyToRole),
        ("DetachPolicyFromRole", Self::DetachPolicyFromRole),
        ("GetPolicy", Self::GetPolicy),
        ("CreatePolicy", Self::CreatePolicy),
        ("DeletePolicy", Self::DeletePolicy),
        ("ListPolicyVersions", Self::ListPolicyVersions),
        ("CreatePolicyVersion", Self::CreatePolicyVersion),
        ("DeletePolicyVersion", Self::DeletePolicyVersion),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, action)| *action == self).map_or("", |(name, _)| name)
    }
}
