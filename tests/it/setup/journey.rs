//! Whole journeys: from an empty account to an upload, a second run, a run that broke off, and the removal.

use insta::assert_snapshot;
use oss_emulator::faults::{Fault, Operation};

use super::fixture::{Cloud, PAGE, ROLE, changes};
use crate::support::form::{BUCKET, REGION};

#[tokio::test]
async fn an_empty_account_gets_everything_and_a_second_run_changes_nothing() {
    let cloud = Cloud::open().await;
    let first = cloud.setup(&["--yes"]).await;
    assert_eq!(first.code, 0, "{first:?}");
    assert_snapshot!(first.out, @r#"
    account  1234567890123456
    bucket   examplebucket in cn-hangzhou
    change   create the RAM role oss-upload-signer, which Function Compute may assume
               {"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["fc.aliyuncs.com"]}}]}
    change   create the RAM policy oss-upload-signer
               {"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:examplebucket/uploads/*"]}]}
    change   attach the RAM policy oss-upload-signer to the role oss-upload-signer
    change   bucket examplebucket: let CORS allow pages of https://app.example
               <CORSConfiguration>
                 <CORSRule>
                   <AllowedOrigin>https://app.example</AllowedOrigin>
                   <AllowedMethod>POST</AllowedMethod>
                   <AllowedMethod>PUT</AllowedMethod>
                   <AllowedHeader>*</AllowedHeader>
                   <ExposeHeader>ETag</ExposeHeader>
                   <ExposeHeader>Location</ExposeHeader>
                   <ExposeHeader>x-oss-request-id</ExposeHeader>
                   <ExposeHeader>x-setup-oss-upload-signer</ExposeHeader>
                   <MaxAgeSeconds>600</MaxAgeSeconds>
                 </CORSRule>
                 <ResponseVary>true</ResponseVary>
               </CORSConfiguration>
    done     create the RAM role oss-upload-signer, which Function Compute may assume
    done     create the RAM policy oss-upload-signer
    done     attach the RAM policy oss-upload-signer to the role oss-upload-signer
    done     bucket examplebucket: let CORS allow pages of https://app.example
    next     OSS_BUCKET=examplebucket OSS_REGION=cn-hangzhou UPLOAD_AUTH=… UPLOAD_ORIGINS=https://app.example s deploy -y
    then     oss-upload doctor --signer https://<the address that s deploy prints> --origin https://app.example
    "#);
    let second = cloud.setup(&["--yes"]).await;
    assert_eq!((second.code, changes(&second).len()), (0, 0), "{second:?}");
    let check = cloud.setup(&["--check"]).await.good();
    assert!(check.ends_with("nothing to change\n"), "{check}");
}

#[tokio::test]
async fn after_setup_a_function_with_the_role_uploads_and_doctor_finds_nothing() {
    let cloud = Cloud::open().await;
    assert!(cloud.sts.lend(ROLE, "fc.aliyuncs.com").is_none());
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    assert!(cloud.sts.lend(ROLE, "ecs.aliyuncs.com").is_none());
    let key = cloud.sts.lend(ROLE, "fc.aliyuncs.com").unwrap();
    let variables = [("UPLOAD_AUTH", "origin"), ("UPLOAD_ORIGINS", PAGE)];
    let (_function, signer) = cloud.signer(key, &variables, None).await;
    let doctor = cloud.tool.run(&["doctor", "--signer", &signer, "--origin", PAGE]).await;
    assert_eq!(doctor.code, 0, "{doctor:?}");
    assert!(!doctor.out.contains("FAIL"), "{}", doctor.out);
    assert!(!doctor.out.contains("  warn"), "{}", doctor.out);
    assert!(doctor.out.contains("ok    stored"), "{}", doctor.out);
}

#[tokio::test]
async fn check_names_what_differs_and_changes_nothing() {
    let cloud = Cloud::open().await;
    let check = cloud.setup(&["--check"]).await;
    assert_eq!((check.code, changes(&check).len()), (1, 4), "{check:?}");
    assert!(check.err.contains("4 changes are needed; nothing was changed"), "{check:?}");
    assert_eq!(cloud.get("cors").await.status, 404);
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    let other = ["--bucket", BUCKET, "--region", REGION, "--origin", "https://other.example"];
    let differs = cloud.setup_of(&other, &["--check"]).await;
    assert_eq!(differs.code, 1, "{differs:?}");
    assert_eq!(
        changes(&differs),
        ["bucket examplebucket: let CORS allow pages of https://other.example"]
    );
}

#[tokio::test]
async fn without_a_terminal_the_changes_need_the_option_for_scripts() {
    let cloud = Cloud::open().await;
    let refused = cloud.setup(&[]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--yes"), "{refused:?}");
    assert_eq!(cloud.get("cors").await.status, 404);
}

#[tokio::test]
async fn a_run_that_breaks_off_can_be_run_again() {
    let cloud = Cloud::open().await;
    let everything_but = |action: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{action}","Resource":"*"}}]}}"#
        )
    };
    cloud.allow_user(&everything_but("ram:AttachPolicyToRole"));
    let broken = cloud.setup(&["--yes"]).await;
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(broken.err.contains("2 of 4 changes are made, and 2 are left"), "{broken:?}");
    cloud.allow_user(&everything_but("nothing:Nothing"));
    let again = cloud.setup(&["--yes"]).await;
    assert_eq!((again.code, changes(&again).len()), (0, 2), "{again:?}");
}

#[tokio::test]
async fn a_service_that_limits_the_rate_is_asked_again() {
    let cloud = Cloud::open().await;
    cloud.faults.next(Operation::Ram, Fault::Throttle { status: 429, retry_after: None }, 1);
    cloud.faults.next(Operation::CallerIdentity, Fault::Failure(503), 1);
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
}

#[tokio::test]
async fn changed_settings_give_the_policy_a_new_version_which_removal_deletes_too() {
    let cloud = Cloud::open().await;
    for number in 0..7 {
        let file = format!("[routes.photos]\ndir = \"photos-{number}/\"\n");
        cloud.tool.write("upload.toml", file);
        let outcome = cloud.setup(&["--yes"]).await;
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let expected = if number == 0 { 4 } else { 1 };
        assert_eq!(changes(&outcome).len(), expected, "{outcome:?}");
    }
    let removal = cloud.setup(&["--remove", "--yes"]).await;
    assert_eq!(removal.code, 0, "{removal:?}");
    assert_eq!(changes(&removal).len(), 4, "{removal:?}");
    let again = cloud.setup(&["--remove", "--yes"]).await;
    assert_eq!((again.code, changes(&again).len()), (0, 0), "{again:?}");
}
