//! How `setup` recognises what it has made: by names and marks that contain the name of the role.
//!
//! | object | mark |
//! |---|---|
//! | role, policy | the beginning of the description |
//! | lifecycle rule | the beginning of the id |
//! | CORS rule | an exposed header; CORS rules of OSS have no id, and no response has this header |

use oss_upload_signer::crypto;

/// The role of `s.yaml`.
pub(super) const DEFAULT_ROLE: &str = "oss-upload-signer";

/// The beginning of the descriptions of roles and policies.
const DESCRIPTION: &str = "Created by oss-upload setup";

/// The longest name of a role.
const MAX_ROLE_NAME: usize = 64;

/// The names that belong to one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ownership {
    role: String,
}

impl Ownership {
    /// Returns `None` unless the text is the name of a role: letters, digits, dots and hyphens.
    pub(super) fn new(role: &str) -> Option<Self> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let is_name = (1..=MAX_ROLE_NAME).contains(&role.len()) && role.bytes().all(is_known);
        is_name.then(|| Self { role: role.to_owned() })
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }

    /// Returns the name of the policy. Names of policies have no dots.
    pub(super) fn policy(&self) -> String {
        self.role.replace('.', "-")
    }

    /// Returns the description of the role and of the policy.
    pub(super) fn description(&self) -> String {
        format!("{DESCRIPTION} for the function role {}", self.role)
    }

    /// Returns the header that marks the CORS rule.
    pub(super) fn cors_mark(&self) -> String {
        format!("x-setup-{}", self.role.to_ascii_lowercase())
    }

    /// Returns the id of the lifecycle rule for a prefix.
    pub(super) fn lifecycle_id(&self, prefix: &str) -> String {
        let hash = crypto::hex(&crypto::sha256(prefix.as_bytes()));
        format!("{}{}", self.lifecycle_mark(), &hash[..8])
    }

    pub(super) fn is_lifecycle_id(&self, id: &str) -> bool {
        id.starts_with(&self.lifecycle_mark())
    }

    fn lifecycle_mark(&self) -> String {
        format!("{}-parts-", self.role)
    }
}

/// Returns whether a role or a policy with this description was made by `setup`.
pub(super) fn is_own(description: &str) -> bool {
    description.starts_with(DESCRIPTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_contain_the_name_of_the_role() {
        let names = Ownership::new("Signer.2").unwrap();
        assert_eq!((names.role(), names.policy().as_str()), ("Signer.2", "Signer-2"));
        assert_eq!(names.cors_mark(), "x-setup-signer.2");
        let id = names.lifecycle_id("uploads/");
        assert!(names.is_lifecycle_id(&id) && id != names.lifecycle_id("other/"), "{id}");
        assert!(!Ownership::new("Signer").unwrap().is_lifecycle_id(&id));
        assert!(is_own(&names.description()) && !is_own("A role of mine"));
    }

    #[test]
    fn what_ram_takes_as_no_name_is_refused() {
        for name in ["", "a b", "a/b", "a_b", "ä", &"a".repeat(65)] {
            assert_eq!(Ownership::new(name), None, "{name}");
        }
    }
}
