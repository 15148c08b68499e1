//! Tests the command `conformance` against the local OSS, and `emulate --like` with its report.

use serde_json::Value;

use crate::support::emulate::Process;
use crate::support::tool::{Outcome, Tool};

fn tool() -> Tool {
    Tool::new()
        .with("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tLong")
        .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ExampleSecret")
}

/// Measures a local OSS with these further arguments.
async fn measure(tool: &Tool, oss: &Process, more: &[&str]) -> Outcome {
    let url = format!("http://examplebucket.localhost:{}", oss.address.port());
    let bucket = ["--bucket", "examplebucket", "--region", "cn-hangzhou", "--upload-host", &url];
    tool.run(&[&["conformance"], &bucket[..], more].concat()).await
}

#[tokio::test]
async fn nothing_is_sent_without_a_confirmation() {
    let (tool, oss) = (tool(), Process::start(""));
    let outcome = measure(&tool, &oss, &["--only", "etag"]).await;
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.out.contains("sends    2 requests"), "{}", outcome.out);
    assert!(outcome.err.contains("nothing was sent; --yes sends"), "{}", outcome.err);
    assert!(!tool.path("conformance.json").exists());
}

#[tokio::test]
async fn a_measured_bucket_is_left_as_it_was() {
    let (tool, oss) = (tool(), Process::start(""));
    let names = ["--only", "etag", "--only", "private-bucket", "--only", "uncovered-token"];
    let outcome = measure(&tool, &oss, &[&names[..], &["--yes"]].concat()).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let summary = "3 as in the local OSS, 0 as another reading says, 0 otherwise, 1 not run";
    assert!(outcome.out.contains(summary), "{}", outcome.out);
    assert!(oss.files().is_empty(), "{:?}", oss.files());
    let report: Value = serde_json::from_str(&tool.read("conformance.json")).unwrap();
    assert_eq!((&report["format"], &report["region"]), (&Value::from(1), &"cn-hangzhou".into()));
    let reason = &report["probes"].as_array().unwrap()[1]["reason"];
    assert_eq!(reason, "the key is not a temporary one");
}

#[tokio::test]
async fn emulate_follows_a_report() {
    let tool = tool();
    let measured = Process::start_with("", "--lenient preamble");
    let arguments = ["--only", "preamble", "--yes", "--json"];
    let outcome = measure(&tool, &measured, &arguments).await;
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(report["probes"][1]["result"], "other", "{report}");
    let path = tool.path("conformance.json");
    let like = Process::start_with("", &format!("--like '{}'", path.display()));
    assert!(like.printed("like").ends_with("other readings taken: 1"));
    let again = measure(&tool, &like, &arguments).await;
    assert_eq!(serde_json::from_str::<Value>(&again.out).unwrap()["probes"], report["probes"]);
}

#[tokio::test]
async fn a_file_that_is_no_report_is_refused() {
    let tool = tool();
    tool.write("other.json", "{}");
    let outcome = tool.run(&["emulate", "--bucket", "b", "--like", "other.json"]).await;
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.err.contains("no report of `oss-upload conformance`"), "{}", outcome.err);
}
