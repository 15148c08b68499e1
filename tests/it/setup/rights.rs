//! Each right that the caller lacks gives a sentence with its name.

use oss_emulator::keys::AccessKey;

use super::fixture::Cloud;
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

#[tokio::test]
async fn each_right_of_creation_is_named_when_it_is_missing() {
    for action in [
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
    ] {
        let cloud = Cloud::open().await;
        let file = "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\n";
        cloud.tool.write("upload.toml", file);
        cloud.allow_user(&without(action));
        names(&cloud.setup(&["--yes"]).await, action);
    }
}

#[tokio::test]
async fn each_right_of_a_change_and_of_removal_is_named_when_it_is_missing() {
    let cloud = Cloud::open().await;
    let multipart = "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\n";
    cloud.tool.write("upload.toml", multipart);
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    for action in ["ram:ListPoliciesForRole", "ram:ListPolicyVersions"] {
        cloud.allow_user(&without(action));
        names(&cloud.setup(&["--check"]).await, action);
    }
    let changed = multipart.replace("\"video/\"", "\"films/\"");
    cloud.tool.write("upload.toml", changed);
    cloud.allow_user(&without("ram:CreatePolicyVersion"));
    names(&cloud.setup(&["--yes"]).await, "ram:CreatePolicyVersion");
    cloud.allow_user(&without("nothing:Nothing"));
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    for action in [
        "oss:DeleteBucketCors",
        "oss:DeleteBucketLifecycle",
        "ram:DetachPolicyFromRole",
        "ram:DeletePolicyVersion",
        "ram:DeletePolicy",
        "ram:DeleteRole",
    ] {
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
