//! The session policy, which narrows a role's permissions to the uploads that are granted here.
//!
//! A session may do what both its role and this policy allow. Pure. A JSON library writes the policy, since a
//! prefix may contain any character that a directory may. RAM names resources
//! `acs:oss:*:*:<bucket>/<prefix>*`, where `*` and `?` match any text, so neither may come from outside.

use std::fmt;

use serde::Serialize;

/// The longest session policy in bytes. STS counts 2048 in one item and "smaller than" in another.
pub const MAX_POLICY_BYTES: usize = 2047;

/// The permissions that a key needs for the forms that it signs.
pub const UPLOAD_ACTIONS: &[&str] = &["oss:PutObject"];

/// The permissions that a key needs where files can be uploaded in parts.
pub const MULTIPART_ACTIONS: &[&str] =
    &["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"];

/// The permission that a key needs for download links.
pub const DOWNLOAD_ACTIONS: &[&str] = &["oss:GetObject"];

/// Returns the permissions that a key needs for uploads to a route.
#[must_use]
pub fn upload_actions(has_multipart: bool) -> &'static [&'static str] {
    if has_multipart { MULTIPART_ACTIONS } else { UPLOAD_ACTIONS }
}

/// Some permissions, and the objects that they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPermissions<'a> {
    /// The permissions, such as `oss:PutObject`.
    pub actions: &'a [&'a str],
    /// The objects.
    pub prefixes: Vec<ObjectPrefix>,
}

/// A bucket and the beginning of the keys in it that may be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectPrefix {
    /// The bucket.
    pub bucket: String,
    /// Empty for the whole bucket, otherwise it ends in `/`.
    pub prefix: String,
}

/// The reason why there is no session policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionPolicyError {
    /// A prefix contains a wildcard of RAM, or leaves its directory.
    Unsafe(String),
    /// The policy would be longer than STS accepts.
    TooLong {
        /// The length of the policy.
        bytes: usize,
        /// The number of prefixes in it.
        prefixes: usize,
    },
}

impl fmt::Display for SessionPolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe(prefix) => write!(
                formatter,
                "the prefix {prefix:?} holds '*', '?', '..', an empty part or a control character, \
                 which a permission would read as more than it says"
            ),
            Self::TooLong { bytes, prefixes } => write!(
                formatter,
                "the session policy for {prefixes} prefixes has {bytes} bytes, STS takes \
                 {MAX_POLICY_BYTES}; put routes below a common directory, or set role_scope to \
                 'role' and narrow the role itself"
            ),
        }
    }
}

impl std::error::Error for SessionPolicyError {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SessionPolicyDocument<'a> {
    version: &'static str,
    statement: Vec<SessionPolicyStatement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SessionPolicyStatement<'a> {
    effect: &'static str,
    action: &'a [&'a str],
    resource: Vec<String>,
}

/// Writes the shortest policy that allows exactly these permissions. Permissions without objects are left out.
pub fn session_policy(permissions: &[ObjectPermissions<'_>]) -> Result<String, SessionPolicyError> {
    let mut prefixes = permissions.iter().flat_map(|one| &one.prefixes);
    if let Some(item) = prefixes.find(|item| !is_safe(&item.prefix)) {
        return Err(SessionPolicyError::Unsafe(item.prefix.clone()));
    }
    let statement: Vec<_> = permissions
        .iter()
        .filter(|one| !one.prefixes.is_empty())
        .map(|one| SessionPolicyStatement {
            effect: "Allow",
            action: one.actions,
            resource: widest(&one.prefixes).into_iter().map(ObjectPrefix::resource).collect(),
        })
        .collect();
    write(statement)
}

/// Writes the policy that allows `actions` on one object and on no other.
pub fn object_policy(
    actions: &[&str],
    bucket: &str,
    key: &str,
) -> Result<String, SessionPolicyError> {
    if !is_safe(&format!("{key}/")) {
        return Err(SessionPolicyError::Unsafe(key.to_owned()));
    }
    let resource = vec![format!("acs:oss:*:*:{bucket}/{key}")];
    write(vec![SessionPolicyStatement { effect: "Allow", action: actions, resource }])
}

fn write(statement: Vec<SessionPolicyStatement<'_>>) -> Result<String, SessionPolicyError> {
    let prefixes = statement.iter().map(|one| one.resource.len()).sum();
    let policy = SessionPolicyDocument { version: "1", statement };
    // Strings and lists of strings always have a JSON form.
    let text = serde_json::to_string(&policy).unwrap_or_default();
    if text.len() > MAX_POLICY_BYTES {
        return Err(SessionPolicyError::TooLong { bytes: text.len(), prefixes });
    }
    Ok(text)
}

impl ObjectPrefix {
    /// Returns the resource of RAM that is every object with this prefix.
    fn resource(&self) -> String {
        let Self { bucket, prefix } = self;
        format!("acs:oss:*:*:{bucket}/{prefix}*")
    }
}

/// Returns whether a prefix is made of whole segments without wildcards.
fn is_safe(prefix: &str) -> bool {
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && !segment.contains(|c: char| c.is_control() || matches!(c, '*' | '?' | '\\' | '$'))
    };
    prefix.is_empty() || prefix.strip_suffix('/').is_some_and(|path| path.split('/').all(plain))
}

/// Leaves out every prefix that lies within another one.
fn widest(prefixes: &[ObjectPrefix]) -> Vec<&ObjectPrefix> {
    let mut sorted: Vec<&ObjectPrefix> = prefixes.iter().collect();
    sorted.sort();
    // In this order a prefix comes after every prefix that contains it.
    let mut kept: Vec<&ObjectPrefix> = Vec::new();
    for item in sorted {
        let covers =
            |one: &&ObjectPrefix| one.bucket == item.bucket && item.prefix.starts_with(&one.prefix);
        if !kept.iter().any(covers) {
            kept.push(item);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object_prefix(bucket: &str, prefix: &str) -> ObjectPrefix {
        ObjectPrefix { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }

    /// Writes the policy for uploads to these prefixes.
    fn upload_policy(prefixes: &[ObjectPrefix]) -> Result<String, SessionPolicyError> {
        let prefixes = prefixes.to_vec();
        session_policy(&[ObjectPermissions { actions: UPLOAD_ACTIONS, prefixes }])
    }

    #[test]
    fn uploads_in_parts_have_their_permissions_where_they_are_allowed_only() {
        let permissions = |actions, prefix: &str| ObjectPermissions {
            actions,
            prefixes: vec![object_prefix("examplebucket", prefix)],
        };
        let both =
            [permissions(upload_actions(false), "a/"), permissions(upload_actions(true), "b/")];
        assert_eq!(
            session_policy(&both).unwrap(),
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:examplebucket/a/*"]},{"Effect":"Allow","Action":["oss:PutObject","oss:ListParts","oss:AbortMultipartUpload"],"Resource":["acs:oss:*:*:examplebucket/b/*"]}]}"#
        );
        let none = ObjectPermissions { actions: UPLOAD_ACTIONS, prefixes: Vec::new() };
        let one = session_policy(&[none, both[1].clone()]).unwrap();
        assert_eq!(one.matches("Effect").count(), 1, "{one}");
    }

    #[test]
    fn a_policy_for_one_object_has_no_wildcard_at_its_end() {
        assert_eq!(
            object_policy(MULTIPART_ACTIONS, "examplebucket", "users/a/照.png").unwrap(),
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject","oss:ListParts","oss:AbortMultipartUpload"],"Resource":["acs:oss:*:*:examplebucket/users/a/照.png"]}]}"#
        );
        for key in ["", "a*", "a?b", "a/../b", "a//b", "/a", "a/", "${a}", "a\\b", "a\n"] {
            let refused = object_policy(UPLOAD_ACTIONS, "b", key);
            assert_eq!(refused, Err(SessionPolicyError::Unsafe(key.to_owned())), "{key}");
        }
    }

    #[test]
    fn a_policy_names_exactly_the_prefixes() {
        let prefixes = [object_prefix("examplebucket", "user-dir/")];
        assert_eq!(
            upload_policy(&prefixes).unwrap(),
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:examplebucket/user-dir/*"]}]}"#
        );
    }

    #[test]
    fn a_prefix_within_another_one_is_left_out() {
        let prefixes = [
            object_prefix("a", "x/y/"),
            object_prefix("a", "x/"),
            object_prefix("b", "x/y/"),
            object_prefix("a", "x/"),
            object_prefix("a", "xy/"),
        ];
        let policy = upload_policy(&prefixes).unwrap();
        let resources = r#"["acs:oss:*:*:a/x/*","acs:oss:*:*:a/xy/*","acs:oss:*:*:b/x/y/*"]"#;
        assert!(policy.contains(resources), "{policy}");
        assert!(
            upload_policy(&[object_prefix("a", "x/"), object_prefix("a", "")])
                .unwrap()
                .contains(r#"["acs:oss:*:*:a/*"]"#)
        );
    }

    #[test]
    fn a_prefix_with_a_wildcard_or_a_dot_segment_is_refused() {
        for prefix in
            ["*/", "a?/", "../", "a/../b/", "a//", "/", "a", "a\n/", "a\\/", "${x}/", "./"]
        {
            let refused = upload_policy(&[object_prefix("b", prefix)]);
            assert_eq!(refused, Err(SessionPolicyError::Unsafe(prefix.to_owned())), "{prefix}");
        }
        let quoted = upload_policy(&[object_prefix("b", "\"],\"x\":[\"/")]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&quoted).unwrap();
        assert_eq!(value["Statement"][0]["Resource"][0], "acs:oss:*:*:b/\"],\"x\":[\"/*");
    }

    #[test]
    fn a_policy_that_is_too_long_is_refused_with_its_size() {
        let prefixes: Vec<_> = (0..60)
            .map(|n| object_prefix("examplebucket", &format!("routes/number-{n}/")))
            .collect();
        let refused = upload_policy(&prefixes).unwrap_err();
        assert!(
            matches!(refused, SessionPolicyError::TooLong { prefixes: 60, bytes } if bytes > 2048)
        );
        assert!(refused.to_string().contains("STS takes 2047"));
        // The limit is in bytes, not in characters.
        let long = format!("{}/", "ü".repeat(1000));
        assert!(matches!(
            upload_policy(&[object_prefix("b", &long)]),
            Err(SessionPolicyError::TooLong { .. })
        ));
    }
}
