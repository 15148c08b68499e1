//! Packages that do not start, or not so that anybody would notice, and what is said of each.

use std::fs;

use crate::rehearse::package::Package;

/// Rehearses a package until its first failure and gives what is said.
async fn end(package: &Package, options: &[&str]) -> String {
    package.rehearse(&[options, &["--quick"]].concat()).await.end().to_owned()
}

fn assert_says(said: &str, what: &str) {
    assert!(said.contains(what), "{said}");
}

#[tokio::test]
async fn without_a_bootstrap() {
    let package = Package::with("");
    fs::remove_file(package.path("bootstrap")).unwrap();
    assert_says(&end(&package, &[]).await, "there is no bootstrap in the package");
}

#[tokio::test]
async fn with_a_bootstrap_that_may_not_be_run() {
    let package = Package::with("");
    package.bootstrap("#!/bin/sh\n", 0o644);
    assert_says(&end(&package, &[]).await, "bootstrap is not executable (mode 644)");
}

#[tokio::test]
async fn with_the_line_ends_of_windows() {
    let package = Package::with("");
    package.bootstrap("#!/bin/sh\r\nexec python3 function.py\r\n", 0o755);
    assert_says(&end(&package, &[]).await, "the line ends of Windows (CRLF)");
}

#[tokio::test]
async fn with_an_interpreter_that_is_not_there() {
    let package = Package::with("");
    package.bootstrap("#!/no/such/interpreter\n", 0o755);
    let said = end(&package, &[]).await;
    assert_says(&said, "or what its first line names, is not found");
    let said = end(&package, &["--command", "no-such-program"]).await;
    assert_says(&said, "no-such-program, or what its first line names, is not found");
}

#[tokio::test]
async fn ending_at_once() {
    let package = Package::with("");
    package.bootstrap("#!/bin/sh\necho one\necho two >&2\nexit 3\n", 0o755);
    let rehearsal = package.rehearse(&[]).await;
    assert_eq!(rehearsal.figure("cold start"), "CAExited");
    let said = rehearsal.end();
    assert_says(said, "the process ended before it listened, with exit status: 3; it said: ");
    assert_says(said, "one");
    assert_says(said, "two");
}

#[tokio::test]
async fn never_listening() {
    let package = Package::with("import time\ntime.sleep(600)\n");
    let said = end(&package, &["--start-limit", "1"]).await;
    assert_says(&said, "within 1 s; listen on the one in FC_CUSTOM_LISTEN_PORT");
}

#[tokio::test]
async fn listening_elsewhere() {
    let package = Package::with("port = 0\n");
    let said = end(&package, &["--start-limit", "1"]).await;
    assert_says(&said, "it listens on ");
    assert_says(&said, "take the port from FC_CUSTOM_LISTEN_PORT, or set the function's port to ");
}

#[tokio::test]
async fn listening_for_itself_only() {
    let package = Package::with("host = '127.0.0.1'\n");
    let said = end(&package, &[]).await;
    assert_says(&said, "only, where the platform does not reach it; listen on 0.0.0.0");
}

#[tokio::test]
async fn with_an_initializer_that_fails() {
    let package = Package::with("Handler.status = lambda self: 500\n");
    let rehearsal = package.rehearse(&["--initializer", "on"]).await;
    assert_eq!(rehearsal.figure("initializer"), "InitializationError");
    assert_says(rehearsal.end(), "the initializer answered 500; it has to answer 2xx");
}

#[tokio::test]
async fn packed_one_folder_too_deep() {
    let package = Package::with("");
    fs::create_dir(package.path("deep")).unwrap();
    fs::rename(package.path("bootstrap"), package.path("deep/bootstrap")).unwrap();
    assert_says(&end(&package, &[]).await, "not at the top of the package but in deep");
}
