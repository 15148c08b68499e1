//! Commands that print credentials, and commands that fail.
#![cfg(unix)]

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::credentials::ProviderErrorKind;
use crate::credentials::providers::raw_credentials::UNKNOWN_END;
use crate::credentials::providers::test_http;

fn printing(json: &str) -> ExternalCommand {
    ExternalCommand::new(Secret::new(format!("printf %s '{json}'")))
}

async fn failure(command: &str) -> (ProviderErrorKind, String) {
    let external = ExternalCommand::new(Secret::new(command));
    let failure = external.fetch(test_http::request()).await.unwrap_err();
    (failure.kind, failure.reason)
}

#[tokio::test]
async fn a_temporary_key_is_returned_with_its_end() {
    let json = r#"{"mode":"StsToken","access_key_id":"STS.a","access_key_secret":"s","sts_token":"t","expiration":"2030-01-02T17:04:05+08:00"}"#;
    let given = printing(json).fetch(test_http::request()).await.unwrap();
    assert_eq!(given.key_id, "STS.a");
    assert_eq!(given.secret.expose(), "s");
    assert_eq!(given.token.unwrap().expose(), "t");
    assert_eq!(given.usable_until.unwrap().rfc3339(), "2030-01-02T09:04:05Z");
}

#[tokio::test]
async fn a_temporary_key_without_an_end_is_used_for_a_short_time() {
    let json = r#"{"mode":"StsToken","access_key_id":"STS.a","access_key_secret":"s","sts_token":"t","expiration":""}"#;
    let given = printing(json).fetch(test_http::request()).await.unwrap();
    assert_eq!(given.usable_until, Some(test_http::now().plus(UNKNOWN_END)));
}

#[tokio::test]
async fn a_long_lived_key_has_no_end() {
    let json = r#"{"mode":"AK","access_key_id":"id","access_key_secret":"s","sts_token":null}"#;
    let given = printing(json).fetch(test_http::request()).await.unwrap();
    assert_eq!((given.token, given.usable_until), (None, None));
}

#[tokio::test]
async fn the_command_is_run_without_a_shell() {
    // A shell would run the second command and take the dollar sign for a variable.
    let json = r#"{"mode":"AK","access_key_id":"$HOME;id","access_key_secret":"`id`"}"#;
    let given = printing(json).fetch(test_http::request()).await.unwrap();
    assert_eq!((given.key_id.as_str(), given.secret.expose()), ("$HOME;id", "`id`"));
}

#[tokio::test]
async fn wrong_output_is_an_error_that_does_not_repeat_it() {
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
        let failure = printing(json).fetch(test_http::request()).await.unwrap_err();
        assert_eq!(failure.kind, ProviderErrorKind::Permanent, "{json}");
        assert!(!failure.reason.contains("marker"), "{}", failure.reason);
    }
}

#[tokio::test]
async fn a_failing_command_is_an_error_with_its_status_and_without_its_output() {
    let (kind, reason) = failure("sh -c 'echo marker; echo marker >&2; exit 3'").await;
    assert_eq!(kind, ProviderErrorKind::Temporary);
    insta::assert_snapshot!(reason, @"the command failed (exit status: 3); run it by hand to see what it says");
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_not_named() {
    for command in ["/nowhere/marker --password marker", "TOKEN=marker get-key", "", "get 'marker"]
    {
        let (kind, reason) = failure(command).await;
        assert_eq!(kind, ProviderErrorKind::Permanent);
        assert!(!reason.contains("marker"), "{reason}");
    }
    let shown = format!("{:?}", ExternalCommand::new(Secret::new("get marker")));
    assert!(!shown.contains("marker"), "{shown}");
}

#[tokio::test]
async fn too_much_output_ends_the_command() {
    let (kind, reason) = failure("yes").await;
    assert_eq!(kind, ProviderErrorKind::Permanent);
    insta::assert_snapshot!(reason, @"the command prints far more than a key");
}

#[tokio::test]
async fn the_standard_input_of_the_command_is_empty() {
    let (kind, _) = failure("cat").await;
    assert_eq!(kind, ProviderErrorKind::Permanent, "it ends at once, with no output");
}

#[tokio::test]
async fn a_slow_command_is_killed() {
    let external = ExternalCommand::new(Secret::new("sleep 600"));
    let fetch_request = FetchRequest { timeout: Duration::from_millis(20), ..test_http::request() };
    let failure = external.fetch(fetch_request).await.unwrap_err();
    assert_eq!(failure.kind, ProviderErrorKind::Temporary);
    insta::assert_snapshot!(failure.reason, @"the command did not end in time and was killed");
}

#[tokio::test]
async fn a_command_is_killed_when_its_caller_goes_away() {
    // The command holds a connection open for as long as it lives.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let command = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; exec sleep 600'");
    let external = ExternalCommand::new(Secret::new(command));
    let mut connection = tokio::select! {
        given = external.fetch(test_http::request()) => panic!("{given:?}"),
        accepted = listener.accept() => accepted.unwrap().0,
    };
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[test]
fn quotes_and_backslashes_keep_words_together() {
    let table: [(&str, &[&str]); 9] = [
        ("", &[]),
        ("  get-key  --json ", &["get-key", "--json"]),
        (r#"get "a b" 'c d'"#, &["get", "a b", "c d"]),
        (r#"a"b c"'d e'f"#, &["ab cd ef"]),
        (r#"get "" ''"#, &["get", "", ""]),
        (r#"get a\ b "say \"so\"" '\n'"#, &["get", "a b", "say \"so\"", r"\n"]),
        (r"C:\tools\get.exe --key", &[r"C:\tools\get.exe", "--key"]),
        ("get '#1' #2 $HOME ~ ; | `id`", &["get", "#1", "#2", "$HOME", "~", ";", "|", "`id`"]),
        ("get 钥匙", &["get", "钥匙"]),
    ];
    for (line, words) in table {
        assert_eq!(*split_words(line).unwrap(), words, "{line}");
    }
    assert_eq!(split_words("get 'a"), None);
    assert_eq!(split_words("get \"a\\\""), None);
}
