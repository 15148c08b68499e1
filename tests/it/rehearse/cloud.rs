//! `rehearse --cloud`: a whole deployment of this project's own function against a local cloud.

use std::fs;
use std::path::Path;

use crate::support::tool::Tool;
use crate::support::{PROJECT, function_binary};

#[tokio::test]
async fn this_projects_function_is_deployed_tested_and_removed() {
    let tool = Tool::new();
    let file = "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\n";
    fs::create_dir(tool.path("code")).unwrap();
    fs::copy(Path::new(PROJECT).join("bootstrap"), tool.path("code/bootstrap")).unwrap();
    fs::copy(function_binary(), tool.path("code/oss-upload-signer")).unwrap();
    tool.write("code/upload.toml", file);
    tool.write("upload.toml", file);
    let outcome = tool.run(&["rehearse", "--cloud", "code"]).await;
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{}", outcome.out);
    let steps: Vec<_> =
        outcome.out.lines().filter_map(|line| line.strip_prefix("step     ")).collect();
    assert_eq!(steps, ["setup", "rehearse", "doctor", "upload", "setup"]);
    for line in [
        "change   create the RAM role oss-upload-rehearsal, which Function Compute may assume",
        "done     bucket rehearsal-bucket: let CORS allow pages of https://app.example",
        "change   bucket rehearsal-bucket: remove unfinished uploads below \"video/\" after 2 days",
        "done     delete the RAM role oss-upload-rehearsal",
        "the rehearsal went well: the deployment works against the local cloud",
    ] {
        assert!(outcome.out.lines().any(|one| one == line), "{line}: {}", outcome.out);
    }
    assert!(outcome.out.contains("ok    stored"), "{}", outcome.out);
    assert!(outcome.out.contains("\nstored   video/"), "{}", outcome.out);
    assert!(!outcome.out.contains("FAIL"), "{}", outcome.out);
    let mut left: Vec<_> =
        fs::read_dir(tool.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["code", "upload.toml"]);
}

#[tokio::test]
async fn a_step_that_fails_is_named_and_the_others_are_not_run() {
    let tool = Tool::new();
    tool.write("bootstrap", "no program");
    let outcome = tool.run(&["rehearse", "--cloud", "."]).await;
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.err.ends_with("the step rehearse has failed; its lines say what to do\n"));
    assert!(!outcome.out.contains("step     doctor"), "{}", outcome.out);
}

#[tokio::test]
async fn settings_that_the_local_cloud_cannot_have_are_refused_before_anything_runs() {
    for (file, part) in [
        ("[routes.a]\n[routes.b]\nbucket = \"b-bucket\"\n", "has one bucket"),
        ("role_arn = \"acs:ram::1234567890123456:role/other\"\n", "has no role to assume"),
        ("colour = 1\n", "there is no such setting"),
    ] {
        let tool = Tool::new();
        tool.write("upload.toml", file);
        let outcome = tool.run(&["rehearse", "--cloud", "."]).await;
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{outcome:?}");
        assert!(outcome.err.contains(part), "{outcome:?}");
    }
}
