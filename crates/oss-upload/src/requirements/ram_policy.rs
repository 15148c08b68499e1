//! The policies of the function's role: its trust policy, and its permission policy.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use oss_upload_signer::credentials::session_policy::ObjectPrefix;

/// The trust policy: Function Compute may assume the role.
pub(crate) const TRUST_POLICY: &str = r#"{"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["fc.aliyuncs.com"]}}]}"#;

/// The service that runs the function.
pub(crate) const FUNCTION_COMPUTE: &str = "fc.aliyuncs.com";

/// The longest policy in bytes.
pub(crate) const MAX_POLICY_BYTES: usize = 6144;

/// Actions, and the resource that they are allowed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) actions: Vec<&'static str>,
    pub(crate) resource: Resource,
}

/// The resource of a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    /// The objects whose keys have a prefix.
    Objects(ObjectPrefix),
    /// The resource with this name in RAM.
    Named(String),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PermissionPolicyJson {
    version: &'static str,
    statement: Vec<PermissionStatementJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PermissionStatementJson {
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<String>,
}

/// Writes the policy that allows exactly these permissions, with as few statements as possible.
pub(crate) fn permission_policy(permissions: &[Permission]) -> String {
    // The actions stay in the order of the routes, so that the upload itself comes first.
    let mut by_action: Vec<(&'static str, BTreeSet<Resource>)> = Vec::new();
    for Permission { actions, resource } in permissions {
        for action in actions {
            match by_action.iter_mut().find(|(known, _)| known == action) {
                Some((_, resources)) => drop(resources.insert(resource.clone())),
                None => by_action.push((action, BTreeSet::from([resource.clone()]))),
            }
        }
    }
    let mut statements: Vec<PermissionStatementJson> = Vec::new();
    for (action, resources) in by_action {
        let resources = widest(&resources);
        match statements.iter_mut().find(|statement| statement.resource == resources) {
            Some(statement) => statement.action.push(action),
            None => statements.push(PermissionStatementJson {
                effect: "Allow",
                action: vec![action],
                resource: resources,
            }),
        }
    }
    let document = PermissionPolicyJson { version: "1", statement: statements };
    // Strings and lists of strings always have a JSON form.
    serde_json::to_string(&document).unwrap_or_default()
}

/// Names the resources, without prefixes that lie within another one.
fn widest(resources: &BTreeSet<Resource>) -> Vec<String> {
    // In their order a prefix comes after every prefix that contains it.
    let mut kept: Vec<&Resource> = Vec::new();
    for resource in resources {
        if !kept.iter().any(|one| one.covers(resource)) {
            kept.push(resource);
        }
    }
    kept.into_iter().map(Resource::name).collect()
}

impl Resource {
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Objects(one), Self::Objects(other)) => {
                one.bucket == other.bucket && other.prefix.starts_with(&one.prefix)
            }
            _ => self == other,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Objects(ObjectPrefix { bucket, prefix }) => {
                format!("acs:oss:*:*:{bucket}/{prefix}*")
            }
            Self::Named(name) => name.clone(),
        }
    }
}

/// Returns whether two policies say the same. RAM returns the text that was sent, but a console may have written it
/// in another order, and one text in place of a list of one.
pub(crate) fn is_same_policy(one: &str, other: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok().map(normalized);
    match (parse(one), parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn normalized(mut policy: Value) -> Value {
    if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
        for statement in statements.iter_mut() {
            for name in ["Action", "Resource"] {
                if let Some(list) = statement.get_mut(name) {
                    *list = json!(texts(list));
                }
            }
        }
        statements.sort_by_key(Value::to_string);
    }
    policy
}

/// Reads one text or a list of texts, sorted.
fn texts(value: &Value) -> BTreeSet<String> {
    let one = value.as_str().map(str::to_owned);
    let many = value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    one.into_iter().chain(many).collect()
}

/// Returns whether a trust policy lets Function Compute assume the role. A statement with a condition does not
/// count, because the condition may not hold for the function.
pub(crate) fn trusts_function_compute(document: &str) -> bool {
    let policy: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = policy["Statement"].as_array();
    statements.into_iter().flatten().any(|statement| {
        let actions = texts(&statement["Action"]);
        let assumes = actions
            .iter()
            .any(|action| ["sts:AssumeRole", "sts:*", "*"].contains(&action.as_str()));
        statement["Effect"] == "Allow"
            && assumes
            && statement.get("Condition").is_none()
            && texts(&statement["Principal"]["Service"]).contains(FUNCTION_COMPUTE)
    })
}

/// Adds the statement for Function Compute to a trust policy, and keeps all others. Returns `None` for a text that
/// is no policy.
pub(crate) fn with_trust(document: &str) -> Option<String> {
    let mut policy: Value = serde_json::from_str(document).ok()?;
    let mut own: Value = serde_json::from_str(TRUST_POLICY).ok()?;
    let statement = own["Statement"][0].take();
    policy.get_mut("Statement")?.as_array_mut()?.push(statement);
    Some(policy.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(actions: &[&'static str], bucket: &str, prefix: &str) -> Permission {
        let prefix = ObjectPrefix { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        Permission { actions: actions.to_vec(), resource: Resource::Objects(prefix) }
    }

    #[test]
    fn one_directory_gives_one_statement() {
        let policy = permission_policy(&[objects(&["oss:PutObject"], "my-bucket", "uploads/")]);
        assert_eq!(
            policy,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:my-bucket/uploads/*"]}]}"#
        );
    }

    #[test]
    fn each_action_is_allowed_on_the_prefixes_that_need_it_and_no_others() {
        let policy = permission_policy(&[
            objects(&["oss:PutObject"], "b", "small/"),
            objects(&["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"], "b", "large/"),
            objects(&["oss:PutObject"], "b", "large/inner/"),
            objects(&["oss:PutObject"], "c", "large/inner/"),
        ]);
        assert_eq!(
            policy,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:b/large/*","acs:oss:*:*:b/small/*","acs:oss:*:*:c/large/inner/*"]},{"Effect":"Allow","Action":["oss:ListParts","oss:AbortMultipartUpload"],"Resource":["acs:oss:*:*:b/large/*"]}]}"#
        );
    }

    #[test]
    fn the_order_of_a_policy_does_not_matter_and_its_content_does() {
        let one = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["a","b"],"Resource":["r"]}]}"#;
        let same = r#"{ "Statement": [{"Resource":"r","Action":["b","a"],"Effect":"Allow"}], "Version": "1" }"#;
        assert!(is_same_policy(one, same));
        for other in [
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["a"],"Resource":["r"]}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":["a","b"],"Resource":["r"]}]}"#,
            r#"{"Version":"1","Statement":[]}"#,
            "",
        ] {
            assert!(!is_same_policy(one, other), "{other}");
            assert!(!is_same_policy(other, one), "{other}");
        }
    }

    #[test]
    fn a_trust_policy_gets_the_statement_for_function_compute_and_keeps_its_own() {
        let foreign = r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["ecs.aliyuncs.com"]}}],"Version":"1"}"#;
        assert!(trusts_function_compute(TRUST_POLICY));
        assert!(!trusts_function_compute(foreign));
        let both = with_trust(foreign).unwrap();
        assert!(trusts_function_compute(&both));
        assert!(both.contains("ecs.aliyuncs.com"), "{both}");
        let conditional = TRUST_POLICY.replace(r#""Effect""#, r#""Condition":{},"Effect""#);
        let denied = TRUST_POLICY.replace("Allow", "Deny");
        for text in [conditional.as_str(), &denied, "", "[]", r#"{"Statement":{}}"#] {
            assert!(!trusts_function_compute(text), "{text}");
        }
        assert_eq!(with_trust("[]"), None);
    }
}
