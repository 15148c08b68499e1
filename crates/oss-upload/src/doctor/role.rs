//! What the function's role needs, ready to be pasted: who may be it, and what it may do.

/// The trust policy: Function Compute may take the role.
pub(super) const TRUST: &str = r#"{"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["fc.aliyuncs.com"]}}]}"#;

/// What a bucket is called while nobody has said it.
const UNKNOWN_BUCKET: &str = "my-bucket";

/// Writes the permission policy for what the signer signs, and nothing else.
pub(super) fn permission(bucket: Option<&str>, directory: &str) -> String {
    let bucket = bucket.unwrap_or(UNKNOWN_BUCKET);
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:{bucket}/{directory}*"]}}]}}"#
    )
}

/// What of a directory's template or of a key stays the same for every upload: its first segments up
/// to one that may change. Never longer than that, so that no upload falls out of the policy.
pub(super) fn steady(key: &str) -> String {
    let (segments, _) = key.rsplit_once('/').unwrap_or(("", key));
    let is_steady =
        |segment: &&str| !segment.contains(|one: char| one == '{' || one.is_ascii_digit());
    let steady = segments.split('/').take_while(is_steady).filter(|one| !one.is_empty());
    steady.flat_map(|segment| [segment, "/"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_kept_up_to_what_changes() {
        for (key, directory) in [
            ("uploads/2024/11/27/uuid/a.txt", "uploads/"),
            ("uploads/{yyyy}/{uuid}/", "uploads/"),
            ("a/b/5e5e/file", "a/b/"),
            ("{uuid}.png", ""),
            ("file", ""),
        ] {
            assert_eq!(steady(key), directory, "{key}");
        }
    }

    #[test]
    fn both_policies_are_json() {
        for text in [TRUST.to_owned(), permission(Some("b"), "uploads/"), permission(None, "")] {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }
}
