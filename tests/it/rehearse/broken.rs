//! Packages that do not start or that the platform could not reach, and the sentence for each.

use std::fs;

use crate::rehearse::package::Package;

/// Rehearses a package whose only failed check is the last one, and returns its sentence.
async fn failure(package: &Package, options: &[&str]) -> String {
    package.rehearse(&[options, &["--quick"]].concat()).await.failure().to_owned()
}

fn assert_contains(sentence: &str, part: &str) {
    assert!(sentence.contains(part), "{sentence}");
}

#[tokio::test]
async fn a_package_without_bootstrap_does_not_start() {
    let package = Package::with("");
    fs::remove_file(package.path("bootstrap")).unwrap();
    assert_contains(&failure(&package, &[]).await, "there is no bootstrap in the package");
}

#[tokio::test]
async fn a_bootstrap_without_execute_permission_does_not_start() {
    let package = Package::with("");
    package.bootstrap("#!/bin/sh\n", 0o644);
    assert_contains(&failure(&package, &[]).await, "bootstrap is not executable (mode 644)");
}

#[tokio::test]
async fn a_bootstrap_with_windows_line_ends_does_not_start() {
    let package = Package::with("");
    package.bootstrap("#!/bin/sh\r\nexec python3 function.py\r\n", 0o755);
    assert_contains(&failure(&package, &[]).await, "the line ends of Windows (CRLF)");
}

#[tokio::test]
async fn a_missing_interpreter_or_command_is_named() {
    let package = Package::with("");
    package.bootstrap("#!/no/such/interpreter\n", 0o755);
    let sentence = failure(&package, &[]).await;
    assert_contains(&sentence, "or what its first line names, is not found");
    let sentence = failure(&package, &["--command", "no-such-program"]).await;
    assert_contains(&sentence, "no-such-program, or what its first line names, is not found");
}

#[tokio::test]
async fn a_process_that_ends_at_once_is_reported_with_its_output() {
    let package = Package::with("");
    package.bootstrap("#!/bin/sh\necho one\necho two >&2\nexit 3\n", 0o755);
    let rehearsal = package.rehearse(&[]).await;
    assert_eq!(rehearsal.figure("cold start"), "CAExited");
    let sentence = rehearsal.failure();
    assert_contains(
        sentence,
        "the process ended before it listened, with exit status: 3; it wrote: ",
    );
    assert_contains(sentence, "one");
    assert_contains(sentence, "two");
}

#[tokio::test]
async fn a_port_that_never_opens_is_reported() {
    let package = Package::with("import time\ntime.sleep(600)\n");
    let sentence = failure(&package, &["--start-limit", "1"]).await;
    assert_contains(&sentence, "within 1 s; listen on the one in FC_CUSTOM_LISTEN_PORT");
}

#[tokio::test]
async fn a_process_that_listens_on_another_port_is_reported_with_that_port() {
    let package = Package::with("port = 0\n");
    let sentence = failure(&package, &["--start-limit", "6"]).await;
    assert_contains(&sentence, "it listens on ");
    assert_contains(
        &sentence,
        "take the port from FC_CUSTOM_LISTEN_PORT, or set the function's port to ",
    );
}

#[tokio::test]
async fn a_process_that_listens_on_loopback_only_is_reported() {
    let package = Package::with("host = '127.0.0.1'\n");
    let sentence = failure(&package, &[]).await;
    assert_contains(&sentence, "only, where the platform does not reach it; listen on 0.0.0.0");
}

#[tokio::test]
async fn a_failed_initializer_ends_the_rehearsal() {
    let package = Package::with("Handler.status = lambda self: 500\n");
    let rehearsal = package.rehearse(&["--initializer", "on"]).await;
    assert_eq!(rehearsal.figure("initializer"), "InitializationError");
    assert_contains(rehearsal.failure(), "the initializer answered 500; it has to answer 2xx");
}

#[tokio::test]
async fn a_package_that_is_one_folder_too_deep_is_reported() {
    let package = Package::with("");
    fs::create_dir(package.path("deep")).unwrap();
    fs::rename(package.path("bootstrap"), package.path("deep/bootstrap")).unwrap();
    assert_contains(&failure(&package, &[]).await, "not at the top of the package but in deep");
}
