//! Each right that the caller lacks gives a sentence with its name.

use std::collections::BTreeSet;

use oss_emulator::keys::AccessKey;

use super::fixture::{Cloud, ROLE};
use crate::support::form::KEY_ID;
use crate::support::tool::Outcome;

/// Allows everything but one action.
fn without(action: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{action}","Resource":"*"}}]}}"#
    )
}

fn names(outcome: &Outcome, action: &str) {
    assert_eq!(outcome.code, 1, "{action}: {outcome:?}");
    let sentence = format!("the access key may not do {action} on ");
    assert!(outcome.err.contains(&sentence), "{action}: {outcome:?}");
    assert!(outcome.err.contains(&format!("allow its user or role {action} ")), "{outcome:?}");
    assert_eq!(outcome.err.lines().count(), 1, "{outcome:?}");
}

/// The rights of a run that creates everything.
const CREATION: [&str; 10] = [
    "ram:GetRole",
    "ram:CreateRole",
    "ram:GetPolicy",
    "ram:CreatePolicy",
    "ram:AttachPolicyToRole",
    "oss:GetBucketInfo",
    "oss:GetBucketCors",
    "oss:PutBucketCors",
    "oss:GetBucketLifecycle",
    "oss:PutBucketLifecycle",
];

/// The further rights of a run that compares.
const COMPARISON: [&str; 2] = ["ram:ListPoliciesForRole", "ram:ListPolicyVersions"];

/// The further rights of a run that changes what is there, in the order of its steps.
const CHANGE: [&str; 2] = ["ram:UpdateRole", "ram:CreatePolicyVersion"];

/// The further rights of a removal.
const REMOVAL: [&str; 6] = [
    "oss:DeleteBucketCors",
    "oss:DeleteBucketLifecycle",
    "ram:DetachPolicyFromRole",
    "ram:DeletePolicyVersion",
    "ram:DeletePolicy",
    "ram:DeleteRole",
];

const MULTIPART: &str = "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\n";

#[tokio::test]
async fn the_rights_of_these_tests_are_those_that_are_printed() {
    let printed = Cloud::open().await.setup(&["--print"]).await.good();
    let words = printed.split_whitespace();
    let printed: BTreeSet<_> = words
        .filter(|word| word.starts_with("ram:") || word.starts_with("oss:"))
        .filter(|word| !word.starts_with("oss://"))
        .collect();
    let tested = CREATION.iter().chain(&COMPARISON).chain(&CHANGE).chain(&REMOVAL).copied();
    assert_eq!(tested.collect::<BTreeSet<_>>(), printed);
}

#[tokio::test]
async fn each_right_of_creation_is_named_when_it_is_missing() {
    for action in CREATION {
        let cloud = Cloud::open().await;
        cloud.tool.write("upload.toml", MULTIPART);
        cloud.allow_user(&without(action));
        names(&cloud.setup(&["--yes"]).await, action);
    }
}

#[tokio::test]
async fn each_right_of_a_change_and_of_removal_is_named_when_it_is_missing() {
    let cloud = Cloud::open().await;
    cloud.tool.write("upload.toml", MULTIPART);
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    for action in COMPARISON {
        cloud.allow_user(&without(action));
        names(&cloud.setup(&["--check"]).await, action);
    }
    cloud.tool.write("upload.toml", MULTIPART.replace("\"video/\"", "\"films/\""));
    let trust = r#"{"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["ecs.aliyuncs.com"]}}]}"#;
    let parameters = [("RoleName", ROLE), ("NewAssumeRolePolicyDocument", trust)];
    cloud.ram("UpdateRole", &parameters).await;
    for action in CHANGE {
        cloud.allow_user(&without(action));
        names(&cloud.setup(&["--yes"]).await, action);
    }
    cloud.allow_user(&without("nothing:Nothing"));
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    for action in REMOVAL {
        cloud.allow_user(&without(action));
        names(&cloud.setup(&["--remove", "--yes"]).await, action);
    }
    cloud.allow_user(&without("nothing:Nothing"));
    let removal = cloud.setup(&["--remove", "--yes"]).await;
    assert_eq!(removal.code, 0, "{removal:?}");
}

#[tokio::test]
async fn a_wrong_secret_is_named_and_not_shown() {
    let cloud = Cloud::open().await;
    cloud.ring.add(AccessKey::new(KEY_ID, "another secret"));
    let refused = cloud.setup(&["--yes"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("the secret does not belong to the access key"), "{refused:?}");
}
