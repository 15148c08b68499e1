//! Fixes to paste: the policies of the function's role, and the bucket's CORS rule.

use crate::language::{Text, text};
use crate::requirements::cors_rule::{self, CorsRule, EXPOSED_HEADERS};
use crate::requirements::ram_policy::{self, Permission, Resource};
use oss_upload_signer::credentials::session_policy::{ObjectPrefix, upload_actions};

/// The bucket in a policy while the real one is not known.
const UNKNOWN_BUCKET: &str = "my-bucket";

/// Returns the permission policy for what the signer does on this route, and nothing else.
pub(super) fn permission_policy(
    bucket: Option<&str>,
    directory: &str,
    has_multipart: bool,
) -> String {
    let bucket = bucket.unwrap_or(UNKNOWN_BUCKET).to_owned();
    let prefix = ObjectPrefix { bucket, prefix: directory.to_owned() };
    ram_policy::permission_policy(&[Permission {
        actions: upload_actions(has_multipart).to_vec(),
        resource: Resource::Objects(prefix),
    }])
}

/// Returns the part of a directory template or of a key that is the same for every upload: its first
/// segments up to one that may change. It is never longer, so that the policy covers every upload.
pub(super) fn fixed_directory(key: &str) -> String {
    let (segments, _) = key.rsplit_once('/').unwrap_or(("", key));
    let is_fixed =
        |segment: &&str| !segment.contains(|one: char| one == '{' || one.is_ascii_digit());
    let fixed = segments.split('/').take_while(is_fixed).filter(|one| !one.is_empty());
    fixed.flat_map(|segment| [segment, "/"]).collect()
}

/// Returns the fix of a clock.
pub(super) fn clock() -> Text {
    text!(
        "The platform sets the clock of instances. Deploy again, so that new instances start. Outside \
         Function Compute, set the clock by NTP.",
        "实例的时钟由平台维护。请重新部署以启动新实例。不在函数计算中运行时，请用 NTP 校准时钟。"
    )
}

/// Returns how to create the CORS rule for a page.
pub(super) fn create_cors_rule(bucket: &str, origin: &str) -> Text {
    let (headers, xml) = (EXPOSED_HEADERS.join(" "), cors_xml(origin));
    text!(
        "OSS console > Buckets > {bucket} > Content Security > CORS > Create Rule:\n  Source {origin}, \
         Allowed Methods POST, Allowed Headers *,\n  Exposed Headers {headers}, Return Vary: Origin \
         on.\nOr save the following as cors.xml (it replaces all existing rules) and run\n  ossutil api \
         put-bucket-cors --bucket {bucket} --cors-configuration file://cors.xml\n{xml}",
        "OSS 控制台 > Bucket 列表 > {bucket} > 数据安全 > 跨域设置 > 创建规则：\n  来源 {origin}，允许 \
         Methods POST，允许 Headers *，\n  暴露 Headers {headers}，返回 Vary: Origin \
         开启。\n或将以下内容保存为 cors.xml（会替换已有的全部规则）并运行\n  ossutil api \
         put-bucket-cors --bucket {bucket} --cors-configuration file://cors.xml\n{xml}"
    )
}

/// Returns how to change the existing CORS rule.
pub(super) fn edit_cors_rule(bucket: &str, change: &Text) -> Text {
    text!(
        "OSS console > Buckets > {bucket} > Content Security > CORS > the rule > Edit: ",
        "OSS 控制台 > Bucket 列表 > {bucket} > 数据安全 > 跨域设置 > 该规则 > 编辑："
    )
    .with(change)
}

fn cors_xml(origin: &str) -> String {
    let rule = CorsRule::new(&[origin.to_owned()], &["POST"]);
    cors_rule::configuration(&[rule.to_xml()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_kept_up_to_the_first_segment_that_changes() {
        for (key, directory) in [
            ("uploads/2024/11/27/uuid/a.txt", "uploads/"),
            ("uploads/{yyyy}/{uuid}/", "uploads/"),
            ("a/b/5e5e/file", "a/b/"),
            ("{uuid}.png", ""),
            ("file", ""),
        ] {
            assert_eq!(fixed_directory(key), directory, "{key}");
        }
    }

    #[test]
    fn uploads_in_parts_need_two_more_actions() {
        let policy = |has_multipart| permission_policy(Some("b"), "up/", has_multipart);
        assert!(policy(false).contains(r#""Action":["oss:PutObject"],"#));
        let actions = r#""Action":["oss:PutObject","oss:ListParts","oss:AbortMultipartUpload"],"#;
        assert!(policy(true).contains(actions));
    }
}
