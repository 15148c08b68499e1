//! The roles and policies that were created through the API of RAM, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::ram::RamPolicy;
use crate::sts::options::{RamRole, TrustedPrincipal};

/// The created roles and policies of the account.
#[derive(Default)]
pub(super) struct RamDirectory(Mutex<RamEntities>);

/// Everything in the directory.
#[derive(Default)]
pub(super) struct RamEntities {
    pub(super) roles: BTreeMap<String, StoredRole>,
    pub(super) policies: BTreeMap<String, StoredPolicy>,
}

/// A created role.
#[derive(Clone)]
pub(super) struct StoredRole {
    pub(super) description: String,
    pub(super) trust: TrustPolicy,
    pub(super) max_session: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    /// The attached policies, with the times of their attachment.
    pub(super) attached: BTreeMap<String, i64>,
}

/// A trust policy and the principals in it.
#[derive(Clone)]
pub(super) struct TrustPolicy {
    pub(super) document: String,
    principals: Vec<TrustedPrincipal>,
}

/// A created policy with its versions, of which the last one is the newest.
#[derive(Clone)]
pub(super) struct StoredPolicy {
    pub(super) description: String,
    pub(super) versions: Vec<PolicyVersion>,
    /// The id of the version in force.
    pub(super) default_version: String,
    /// The number of versions that were ever created.
    pub(super) count: u32,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A version of a policy.
#[derive(Clone)]
pub(super) struct PolicyVersion {
    pub(super) id: String,
    pub(super) document: String,
    pub(super) policy: RamPolicy,
    pub(super) created_at: i64,
}

impl RamDirectory {
    /// Reads or changes the entities.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut RamEntities) -> T) -> T {
        // No change can panic halfway, so the data of a poisoned lock is still consistent.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a created role as sessions see it.
    pub(super) fn role(&self, name: &str) -> Option<RamRole> {
        self.with(|entities| entities.role(name))
    }
}

impl RamEntities {
    fn role(&self, name: &str) -> Option<RamRole> {
        let role = self.roles.get(name)?;
        let policies = role.attached.keys().filter_map(|name| self.policies.get(name));
        Some(RamRole {
            name: name.to_owned(),
            trusted: role.trust.principals.clone(),
            // A role without policies may do nothing.
            policy: Some(RamPolicy::union(policies.filter_map(StoredPolicy::in_force))),
            max_session: role.max_session,
        })
    }

    /// Returns the number of roles that have a policy.
    pub(super) fn attachments(&self, policy: &str) -> usize {
        self.roles.values().filter(|role| role.attached.contains_key(policy)).count()
    }
}

impl StoredPolicy {
    fn in_force(&self) -> Option<&RamPolicy> {
        self.default().map(|version| &version.policy)
    }

    /// Returns the version in force.
    pub(super) fn default(&self) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.id == self.default_version)
    }
}

impl TrustPolicy {
    /// Parses a trust policy: statements that allow `sts:AssumeRole` to principals.
    pub(super) fn parse(document: &str) -> Result<Self, String> {
        let policy: Value = serde_json::from_str(document).map_err(|error| error.to_string())?;
        if policy["Version"] != "1" {
            return Err("Version must be \"1\"".to_owned());
        }
        let statements = policy["Statement"].as_array().filter(|list| !list.is_empty());
        let statements = statements.ok_or("Statement is empty")?;
        let mut principals = Vec::new();
        for statement in statements {
            if statement["Effect"] != "Allow" {
                return Err("only Effect Allow is emulated in trust policies".to_owned());
            }
            if texts(&statement["Action"]) != ["sts:AssumeRole"] {
                return Err("Action must be sts:AssumeRole".to_owned());
            }
            if statement.get("Condition").is_some() {
                return Err("conditions are not emulated".to_owned());
            }
            let principal = statement["Principal"].as_object().ok_or("Principal is missing")?;
            for (kind, names) in principal {
                for name in texts(names) {
                    principals.push(principal_of(kind, name)?);
                }
            }
        }
        Ok(Self { document: document.to_owned(), principals })
    }
}

fn principal_of(kind: &str, name: String) -> Result<TrustedPrincipal, String> {
    match kind {
        "Service" => Ok(TrustedPrincipal::Service(name)),
        "RAM" if name.ends_with(":root") => Ok(TrustedPrincipal::Account),
        "RAM" if name.contains(":role/") => Ok(TrustedPrincipal::Role(name)),
        "Federated" => {
            let provider = name.rsplit('/').next().unwrap_or_default();
            Ok(TrustedPrincipal::Provider(provider.to_owned()))
        }
        _ => Err(format!("the principal {name:?} of {kind} is not emulated")),
    }
}

/// Reads one text or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(statement: &str) -> Result<TrustPolicy, String> {
        TrustPolicy::parse(&format!(r#"{{"Version":"1","Statement":[{statement}]}}"#))
    }

    #[test]
    fn the_principals_of_a_trust_policy_are_read() {
        let policy = trust(
            r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["fc.aliyuncs.com"]}},
               {"Effect":"Allow","Action":["sts:AssumeRole"],"Principal":{"RAM":"acs:ram::1:root"}}"#,
        )
        .unwrap();
        let service = TrustedPrincipal::Service("fc.aliyuncs.com".to_owned());
        assert_eq!(policy.principals, [service, TrustedPrincipal::Account]);
    }

    #[test]
    fn what_is_no_trust_policy_and_what_is_not_emulated_is_refused() {
        for statement in [
            "",
            r#"{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"Service":["a"]}}"#,
            r#"{"Effect":"Allow","Action":"oss:PutObject","Principal":{"Service":["a"]}}"#,
            r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#,
            r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Other":["a"]}}"#,
            r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["a"]},"Condition":{}}"#,
        ] {
            assert!(trust(statement).is_err(), "{statement}");
        }
        assert!(TrustPolicy::parse("[]").is_err() && TrustPolicy::parse("no").is_err());
    }
}
