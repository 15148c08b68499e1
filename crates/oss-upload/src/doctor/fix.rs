//! Fixes to paste: the policies of the function's role, and the bucket's CORS rule.

use crate::doctor::target::RouteFeatures;
use crate::language::{Text, text};
use crate::requirements::cors_rule::{self, CHECKSUM_HEADER, CorsRule};
use crate::requirements::lifecycle_rule::{self, LifecycleRule};
use crate::requirements::ram_policy::{self, Permission, Resource};
use oss_upload_signer::credentials::session_policy::ObjectPrefix;

/// The bucket in a policy while the real one is not known.
const UNKNOWN_BUCKET: &str = "my-bucket";

/// Returns the permission policy for what the signer does on this route, and nothing else.
pub(super) fn permission_policy(
    bucket: Option<&str>,
    directory: &str,
    features: RouteFeatures,
) -> String {
    let bucket = bucket.unwrap_or(UNKNOWN_BUCKET).to_owned();
    let prefix = ObjectPrefix { bucket, prefix: directory.to_owned() };
    ram_policy::permission_policy(&[Permission {
        actions: features.actions(),
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
pub(super) fn create_cors_rule(bucket: &str, origin: &str, features: RouteFeatures) -> Text {
    let rule = cors_rule_for(origin, features);
    let (headers, methods) = (rule.exposed_headers.join(" "), rule.methods.join(" "));
    let xml = cors_rule::configuration(&[rule.to_xml()]);
    text!(
        "OSS console > Buckets > {bucket} > Content Security > CORS > Create Rule:\n  Source {origin}, \
         Allowed Methods {methods}, Allowed Headers *,\n  Exposed Headers {headers}, Return Vary: Origin \
         on.\nOr save the following as cors.xml (it replaces all existing rules) and run\n  ossutil api \
         put-bucket-cors --bucket {bucket} --cors-configuration file://cors.xml\n{xml}",
        "OSS 控制台 > Bucket 列表 > {bucket} > 数据安全 > 跨域设置 > 创建规则：\n  来源 {origin}，允许 \
         Methods {methods}，允许 Headers *，\n  暴露 Headers {headers}，返回 Vary: Origin \
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

fn cors_rule_for(origin: &str, features: RouteFeatures) -> CorsRule {
    let mut rule = CorsRule::new(&[origin.to_owned()], &features.methods());
    if features.multipart.is_some() {
        rule.exposed_headers.push(CHECKSUM_HEADER.to_owned());
    }
    rule
}

/// Returns how to create the lifecycle rule that removes the parts of unfinished uploads.
pub(super) fn lifecycle_rule(bucket: &str, directory: &str, days: u64) -> Text {
    let rule =
        LifecycleRule { id: "unfinished-uploads".to_owned(), prefix: directory.to_owned(), days };
    let xml = lifecycle_rule::configuration(&[rule.to_xml()]);
    text!(
        "Run oss-upload setup, which adds the rule to those of the bucket. Or OSS console > Buckets > \
         {bucket} > Data Management > Lifecycle > Create Rule: prefix {directory:?}, delete parts after \
         {days} days. As XML (a configuration replaces all existing rules):\n{xml}",
        "运行 oss-upload setup，它会在存储空间的规则中添加此规则。或 OSS 控制台 > Bucket 列表 > {bucket} > \
         数据管理 > 生命周期 > 创建规则：前缀 {directory:?}，{days} 天后删除碎片。XML（配置会替换已有的全部规则）：\n{xml}"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::target::MultipartFeature;
    use crate::language::Language;

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
    fn each_feature_of_a_route_needs_its_own_actions_and_methods() {
        let multipart = Some(MultipartFeature { resume: Duration::from_hours(1) });
        for (multipart, download, actions, methods) in [
            (None, false, r#"["oss:PutObject"]"#, "POST,"),
            (
                multipart,
                false,
                r#"["oss:PutObject","oss:ListParts","oss:AbortMultipartUpload"]"#,
                "POST PUT,",
            ),
            (None, true, r#"["oss:PutObject","oss:GetObject"]"#, "POST GET HEAD,"),
        ] {
            let features = RouteFeatures { multipart, download };
            let policy = permission_policy(Some("b"), "up/", features);
            assert!(policy.contains(&format!("\"Action\":{actions},")), "{policy}");
            let rule = create_cors_rule("b", "https://a.test", features);
            let rule = rule.in_language(Language::En);
            assert!(rule.contains(&format!("Allowed Methods {methods}")), "{rule}");
            assert_eq!(rule.contains(CHECKSUM_HEADER), multipart.is_some());
        }
    }
}
