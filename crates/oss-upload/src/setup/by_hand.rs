//! What is wanted as files and commands, for people who make the changes themselves.

use std::fmt::Write;

use crate::requirements::lifecycle_rule::LifecycleRule;
use crate::requirements::ram_policy::TRUST_POLICY;
use crate::requirements::{cors_rule, lifecycle_rule};
use crate::setup::plan::{Wanted, WantedBucket};

/// The rights that `setup` needs, and `--remove` too.
const RIGHTS: [&str; 2] = [
    "ram:GetRole ram:CreateRole ram:UpdateRole ram:DeleteRole ram:GetPolicy ram:ListPolicyVersions \
     ram:CreatePolicy ram:CreatePolicyVersion ram:DeletePolicyVersion ram:DeletePolicy \
     ram:ListPoliciesForRole ram:AttachPolicyToRole ram:DetachPolicyFromRole",
    "oss:GetBucketInfo oss:GetBucketCors oss:PutBucketCors oss:DeleteBucketCors \
     oss:GetBucketLifecycle oss:PutBucketLifecycle oss:DeleteBucketLifecycle",
];

/// Writes everything as text.
pub(super) fn text(wanted: &Wanted) -> String {
    let mut text = String::new();
    ram(&mut text, wanted);
    for bucket in &wanted.buckets {
        configurations(&mut text, wanted, bucket);
    }
    if let Some(role) = &wanted.signing_role {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "# The routes sign as another role. Its policy has to allow at least this, and its trust\n\
             # policy has to name the role {}.\n# {}\n{}\n",
            wanted.names.role(),
            role.arn,
            role.policy
        );
    }
    let _ =
        write!(text, "# The rights of somebody who runs setup itself:\n# {}", RIGHTS.join("\n# "));
    text
}

fn ram(text: &mut String, wanted: &Wanted) {
    let (role, policy) = (wanted.names.role(), wanted.names.policy());
    let description = wanted.names.description();
    let _ = writeln!(
        text,
        "# The role of the function. trust-policy.json:\n{TRUST_POLICY}\n\n# What the role may do. \
         policy.json:\n{}\n",
        wanted.policy
    );
    let _ = writeln!(
        text,
        "aliyun ram CreateRole --RoleName {role} --Description {} --AssumeRolePolicyDocument {}",
        quoted(&description),
        quoted(TRUST_POLICY)
    );
    let _ = writeln!(
        text,
        "aliyun ram CreatePolicy --PolicyName {policy} --Description {} --PolicyDocument {}",
        quoted(&description),
        quoted(&wanted.policy)
    );
    let _ = writeln!(
        text,
        "aliyun ram AttachPolicyToRole --PolicyType Custom --PolicyName {policy} --RoleName {role}\n"
    );
}

fn configurations(text: &mut String, wanted: &Wanted, bucket: &WantedBucket) {
    let WantedBucket { name, region, .. } = bucket;
    let mut cors = bucket.cors.clone();
    cors.exposed_headers.push(wanted.names.cors_mark());
    let cors = cors_rule::configuration(&[cors.to_xml()]);
    let _ = writeln!(
        text,
        "# The bucket {name}. The next commands replace all rules: first add those that are there\n\
         # (aliyun oss cors --method get oss://{name}). cors.xml:\n{cors}\n\naliyun oss cors --method put \
         oss://{name} cors.xml --region {region}\n"
    );
    if bucket.parts.is_empty() {
        return;
    }
    let rules = bucket.parts.iter().map(|one| {
        let id = wanted.names.lifecycle_id(&one.prefix);
        LifecycleRule { id, prefix: one.prefix.clone(), days: one.days }.to_xml()
    });
    let lifecycle = lifecycle_rule::configuration(&rules.collect::<Vec<_>>());
    let _ = writeln!(
        text,
        "# lifecycle.xml:\n{lifecycle}\n\naliyun oss lifecycle --method put oss://{name} \
         lifecycle.xml --region {region}\n"
    );
}

/// Quotes a text for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
