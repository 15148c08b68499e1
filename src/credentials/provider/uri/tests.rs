//! A credentials URI, played by a script.

use super::*;
use crate::credentials::FailureKind;
use crate::credentials::provider::scripted_http;
use crate::credentials::provider::scripted_http::Script;
use crate::credentials::provider::scripted_http::Turn;
use crate::credentials::provider::scripted_http::answer;
use crate::net::SendError;

const URI: &str = "http://marker-user:marker-password@creds.internal:8080/marker-path?x=marker";

fn source(uri: &str, script: &Arc<Script>) -> CredentialsUri {
    CredentialsUri::new(Secret::new(uri), Arc::clone(script) as Arc<dyn HttpClient>)
}

async fn failure(uri: &str, turn: Option<Turn>) -> (FailureKind, String) {
    let script = Script::new(turn);
    let failure = source(uri, &script).fetch(scripted_http::errand()).await.unwrap_err();
    (failure.kind, failure.reason)
}

#[tokio::test]
async fn the_call_is_that_of_the_vector() {
    let vector = scripted_http::vector("credentials-uri-get");
    let script = Script::new([answer(200, &vector["response_body_served"].to_string())]);
    let wire = &vector["wire"];
    let text = |name: &str| wire[name].as_str().unwrap();
    let uri = format!("http://{}{}?{}", text("host"), text("path"), text("raw_query"));
    let given = source(&uri, &script).fetch(scripted_http::errand()).await.unwrap();
    assert_eq!(given.key_id, "STS.imdsAK");
    assert_eq!(given.secret.expose(), "imdsSecret");
    assert_eq!(given.token.unwrap().expose(), "CAISimds");
    assert_eq!(given.usable_until.unwrap().rfc3339(), "2030-01-02T09:04:05Z");

    let calls = script.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].method, text("method"));
    assert_eq!(calls[0].url, uri);
    assert_eq!(calls[0].body, text("raw_body"));
    assert!(calls[0].headers.is_empty(), "no authentication and nothing else");
}

#[tokio::test]
async fn only_a_call_with_tls_may_take_a_proxy() {
    for (uri, proxy) in [("http://localhost:1/k", false), ("https://keys.example/k", true)] {
        let script = Script::new([answer(500, "")]);
        source(uri, &script).fetch(scripted_http::errand()).await.unwrap_err();
        let limits = script.calls()[0].limits;
        assert_eq!((limits.use_proxy, limits.timeout), (proxy, Duration::from_secs(10)));
    }
}

#[tokio::test]
async fn the_text_undefined_is_no_address_and_nobody_is_called() {
    for uri in ["undefined", "null", "", "localhost:8080", "file:///etc/keys", "http://"] {
        let (kind, _) = failure(uri, None).await;
        assert_eq!(kind, FailureKind::Permanent, "{uri}");
    }
}

#[tokio::test]
async fn a_failure_names_the_host_and_nothing_else_of_the_address() {
    let turns = [
        answer(404, "marker-body"),
        answer(302, ""),
        answer(503, "marker-body"),
        answer(200, "marker-body"),
        answer(200, r#"{"Code":"marker body"}"#),
        Err(SendError::TimedOut),
    ];
    for turn in turns {
        let (_, reason) = failure(URI, Some(turn)).await;
        assert!(reason.starts_with("the credentials URI on creds.internal failed: "), "{reason}");
        assert!(!reason.contains("marker"), "{reason}");
    }
    let shown = format!("{:?}", source(URI, &Script::new([])));
    assert!(!shown.contains("marker"), "{shown}");
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    use FailureKind::Permanent;
    use FailureKind::Temporary;
    for (status, expected) in [
        (204, Temporary),
        (302, Permanent),
        (307, Permanent),
        (401, Permanent),
        (404, Permanent),
        (408, Temporary),
        (429, Temporary),
        (500, Temporary),
    ] {
        assert_eq!(failure(URI, Some(answer(status, ""))).await.0, expected, "{status}");
    }
}

#[tokio::test]
async fn a_code_other_than_success_is_a_failure_and_none_is_not() {
    let body = scripted_http::vector("credentials-uri-get")["response_body_served"].to_string();
    let (kind, reason) =
        failure(URI, Some(answer(200, &body.replace("Success", "NotReady")))).await;
    assert_eq!(kind, FailureKind::Temporary);
    insta::assert_snapshot!(reason, @"the credentials URI on creds.internal failed: the answer's Code is NotReady and not Success");

    let script = Script::new([answer(200, &body.replace("\"Code\":\"Success\"", "\"Code\":null"))]);
    assert!(source(URI, &script).fetch(scripted_http::errand()).await.is_ok());
}
