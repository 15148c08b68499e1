//! Tests the command `conformance` against the local OSS and the local gateway, and `emulate --like` with its report.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fc_emulator::Gateway;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time;
use serde_json::Value;

use crate::support::PROJECT;
use crate::support::app::SMALL;
use crate::support::emulate::Process;
use crate::support::gateway;
use crate::support::server::Server;
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
    assert_eq!((&report["format"], &report["region"]), (&Value::from(2), &"cn-hangzhou".into()));
    assert_eq!((&report["subject"], &report["temporary_key"]), (&"bucket".into(), &false.into()));
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

/// Starts a function behind the local gateway, and returns its address.
async fn signer(conformance: &str) -> (Server, String) {
    let mut environment = Environment::default();
    for (name, value) in SMALL.iter().chain(&[("UPLOAD_CONFORMANCE", conformance)]) {
        environment.set(name, *value);
    }
    let settings = Settings::load(&environment, None, time::now()).unwrap();
    let service = oss_upload_signer::http::service(Arc::new(App::new(settings)));
    let options = fc_http::Options { platform: true, ..fc_http::Options::default() };
    let function = Server::start(service, options).await;
    let address = gateway::serve(Gateway::new(gateway::options(function.address))).await;
    (function, format!("http://{address}"))
}

#[tokio::test]
async fn the_gateway_in_front_of_a_function_is_measured() {
    let (_function, url) = signer("1").await;
    let tool = tool();
    let unconfirmed = tool.run(&["conformance", "--signer", &url]).await;
    assert_eq!(unconfirmed.code, 2, "{unconfirmed:?}");
    assert!(unconfirmed.out.contains("nothing is stored"), "{unconfirmed:?}");
    let names = ["--only", "path", "--only", "method-not-listed", "--only", "cors-headers"];
    let outcome =
        tool.run(&[&["conformance", "--signer", &url, "--yes"], &names[..]].concat()).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let summary = "2 as in the local gateway, 0 as another reading says, 0 otherwise, 1 not run";
    assert!(outcome.out.contains(summary), "{}", outcome.out);
    let report: Value = serde_json::from_str(&tool.read("conformance.json")).unwrap();
    assert_eq!((&report["format"], &report["subject"]), (&2.into(), &"gateway".into()));
    assert_eq!(report.get("temporary_key"), None);
    let like = tool.run(&["emulate", "--bucket", "b", "--like", "conformance.json"]).await;
    assert_eq!(like.code, 2, "{like:?}");
    assert!(like.err.contains("the report is of a gateway"), "{like:?}");
}

#[tokio::test]
async fn a_function_whose_setting_is_off_is_not_measured() {
    let (_function, url) = signer("").await;
    let outcome = tool().run(&["conformance", "--signer", &url, "--yes"]).await;
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.err.contains("set the variable UPLOAD_CONFORMANCE"), "{outcome:?}");
}

#[test]
fn the_folder_of_reports_says_how_many_there_are() {
    let folder = Path::new(PROJECT).join("docs/conformance");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    for subject in ["bucket", "gateway"] {
        let beginning = format!("{subject}-");
        let count = names.iter().filter(|name| name.starts_with(&beginning)).count();
        let row = format!("| {subject}s | {count} |");
        assert!(readme.lines().any(|line| line == row), "docs/conformance/README.md lacks {row}");
    }
    let is_known = |name: &String| {
        let is_report = name.starts_with("bucket-") || name.starts_with("gateway-");
        let is_json = Path::new(name).extension().is_some_and(|extension| extension == "json");
        name == "README.md" || (is_report && is_json)
    };
    assert!(names.iter().all(is_known), "{names:?}");
    let has_none = names.len() == 1;
    assert_eq!(readme.contains("**There is no report yet.**"), has_none);
}
