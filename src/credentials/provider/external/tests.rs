//! Commands that print keys, and commands that do not.
#![cfg(unix)]

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::credentials::FailureKind;
use crate::credentials::provider::found::UNKNOWN_END;
use crate::credentials::provider::scripted_http;

fn printing(json: &str) -> External {
    External::new(Secret::new(format!("printf %s '{json}'")))
}

async fn failure(command: &str) -> (FailureKind, String) {
    let external = External::new(Secret::new(command));
    let failure = external.fetch(scripted_http::errand()).await.unwrap_err();
    (failure.kind, failure.reason)
}

#[tokio::test]
async fn a_temporary_key_is_taken_with_its_end() {
    let json = r#"{"mode":"StsToken","access_key_id":"STS.a","access_key_secret":"s","sts_token":"t","expiration":"2030-01-02T17:04:05+08:00"}"#;
    let given = printing(json).fetch(scripted_http::errand()).await.unwrap();
    assert_eq!(given.key_id, "STS.a");
    assert_eq!(given.secret.expose(), "s");
    assert_eq!(given.token.unwrap().expose(), "t");
    assert_eq!(given.usable_until.unwrap().rfc3339(), "2030-01-02T09:04:05Z");
}

#[tokio::test]
async fn a_temporary_key_without_an_end_is_counted_on_for_a_short_time() {
    let json = r#"{"mode":"StsToken","access_key_id":"STS.a","access_key_secret":"s","sts_token":"t","expiration":""}"#;
    let given = printing(json).fetch(scripted_http::errand()).await.unwrap();
    assert_eq!(given.usable_until, Some(scripted_http::now().plus(UNKNOWN_END)));
}

#[tokio::test]
async fn a_long_lived_key_has_no_end() {
    let json = r#"{"mode":"AK","access_key_id":"id","access_key_secret":"s","sts_token":null}"#;
    let given = printing(json).fetch(scripted_http::errand()).await.unwrap();
    assert_eq!((given.token, given.usable_until), (None, None));
}

#[tokio::test]
async fn no_shell_reads_the_command() {
    // A shell would run the second command and take the dollar sign for a variable.
    let json = r#"{"mode":"AK","access_key_id":"$HOME;id","access_key_secret":"`id`"}"#;
    let given = printing(json).fetch(scripted_http::errand()).await.unwrap();
    assert_eq!((given.key_id.as_str(), given.secret.expose()), ("$HOME;id", "`id`"));
}

#[tokio::test]
async fn what_is_printed_wrongly_is_refused_and_not_repeated() {
    for json in [
        "marker",
        "null",
        "{}",
        r#"{"mode":"AK","access_key_id":"marker"}"#,
        r#"{"mode":"AK","access_key_id":"i","access_key_secret":"marker 2"}"#,
        r#"{"mode":"AK","access_key_id":"i","access_key_secret":"s","sts_token":"marker"}"#,
        r#"{"mode":"StsToken","access_key_id":"marker","access_key_secret":"s"}"#,
        r#"{"mode":"marker","access_key_id":"i","access_key_secret":"s"}"#,
        r#"{"access_key_id":"marker","access_key_secret":"s"}"#,
        r#"{"mode":"StsToken","access_key_id":"i","access_key_secret":"s","sts_token":"marker","expiration":"2030-01-02T03:04:05Z"}"#,
    ] {
        let failure = printing(json).fetch(scripted_http::errand()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Permanent, "{json}");
        assert!(!failure.reason.contains("marker"), "{}", failure.reason);
    }
}

#[tokio::test]
async fn a_failing_command_shows_its_status_and_nothing_that_it_says() {
    let (kind, reason) = failure("sh -c 'echo marker; echo marker >&2; exit 3'").await;
    assert_eq!(kind, FailureKind::Temporary);
    insta::assert_snapshot!(reason, @"the command failed (exit status: 3); run it by hand to see what it says");
}

#[tokio::test]
async fn a_command_that_cannot_run_is_not_named() {
    for command in ["/nowhere/marker --password marker", "TOKEN=marker get-key", "", "get 'marker"]
    {
        let (kind, reason) = failure(command).await;
        assert_eq!(kind, FailureKind::Permanent);
        assert!(!reason.contains("marker"), "{reason}");
    }
    let shown = format!("{:?}", External::new(Secret::new("get marker")));
    assert!(!shown.contains("marker"), "{shown}");
}

#[tokio::test]
async fn a_flood_is_cut_off_and_the_command_does_not_go_on() {
    let (kind, reason) = failure("yes").await;
    assert_eq!(kind, FailureKind::Permanent);
    insta::assert_snapshot!(reason, @"the command prints far more than a key");
}

#[tokio::test]
async fn the_command_has_nothing_to_read() {
    let (kind, _) = failure("cat").await;
    assert_eq!(kind, FailureKind::Permanent, "it ends at once, with no output");
}

#[tokio::test]
async fn a_slow_command_is_given_up() {
    let external = External::new(Secret::new("sleep 600"));
    let errand = Errand { patience: Duration::from_millis(20), ..scripted_http::errand() };
    let failure = external.fetch(errand).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Temporary);
    insta::assert_snapshot!(failure.reason, @"the command did not end in time and was killed");
}

#[tokio::test]
async fn a_command_that_nobody_waits_for_is_killed() {
    // The command holds a connection open for as long as it lives.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let command = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; exec sleep 600'");
    let external = External::new(Secret::new(command));
    let mut connection = tokio::select! {
        given = external.fetch(scripted_http::errand()) => panic!("{given:?}"),
        accepted = listener.accept() => accepted.unwrap().0,
    };
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}
