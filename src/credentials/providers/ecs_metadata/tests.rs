//! The metadata service, with scripted responses.

use super::*;
use crate::credentials::ProviderErrorKind;
use crate::credentials::providers::test_http;
use crate::credentials::providers::test_http::{Outcome, ScriptedHttp, answer};
use crate::time::Timestamp;

const PUT: &str = "PUT http://100.100.100.200/latest/api/token";
const LIST: &str = "GET http://100.100.100.200/latest/meta-data/ram/security-credentials/";

fn key(id: &str, end: &str) -> String {
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{id}","AccessKeySecret":"{id}-secret","SecurityToken":"{id}-token","Expiration":"{end}"}}"#
    )
}

fn good(id: &str) -> Outcome {
    answer(200, &key(id, "2030-01-02T09:04:05Z"))
}

fn metadata(script: &Arc<ScriptedHttp>, role: Option<&str>, token_only: bool) -> EcsMetadata {
    let options =
        EcsMetadataOptions { base_url: ADDRESS.into(), role: role.map(str::to_owned), token_only };
    EcsMetadata::new(options, Arc::clone(script) as Arc<dyn HttpClient>)
}

async fn failure(
    outcomes: Vec<Outcome>,
    role: Option<&str>,
    token_only: bool,
) -> (ProviderErrorKind, String) {
    let script = ScriptedHttp::new(outcomes);
    let failure =
        metadata(&script, role, token_only).fetch(test_http::request()).await.unwrap_err();
    (failure.kind, failure.reason)
}

fn gone() -> Outcome {
    Err(SendError::Unreachable("no route to host".into()))
}

#[tokio::test]
async fn the_requests_are_those_of_the_vector_with_one_token_for_both() {
    let vector = test_http::vector("imds-v2-flow");
    let bodies = &vector["response_bodies"];
    let script = ScriptedHttp::new([
        answer(200, "IMDSTOKENabc=="),
        answer(200, "\n EcsRamRoleTest \nsecond-line\n"),
        answer(200, &bodies["credentials"].to_string()),
    ]);
    let given = metadata(&script, None, false).fetch(test_http::request()).await.unwrap();
    assert_eq!(given.key_id, "STS.imdsAK");
    assert_eq!(given.secret.expose(), "imdsSecret");
    assert_eq!(given.token.unwrap().expose(), "CAISimds");
    assert_eq!(given.usable_until.unwrap().rfc3339(), "2030-01-02T09:04:05Z");

    // The library of the vector fetches a second token in between.
    let mut steps = vector["steps"].as_array().unwrap().clone();
    steps.remove(2);
    let calls = script.calls();
    assert_eq!(calls.len(), steps.len());
    for (call, step) in calls.iter().zip(&steps) {
        assert_eq!(call.method, step["method"]);
        assert_eq!(call.url, step["url"]);
        assert!(call.body.is_empty());
        let expected: Vec<_> = step["headers"].as_object().unwrap().iter().collect();
        let expected: Vec<_> = expected.iter().filter(|(name, _)| *name != "host").collect();
        assert_eq!(call.headers.len(), expected.len());
        for ((name, value), (wanted_name, wanted)) in call.headers.iter().zip(expected) {
            assert_eq!((name, value.as_str()), (*wanted_name, wanted.as_str().unwrap()));
        }
    }
}

#[tokio::test]
async fn the_token_is_fetched_with_put_and_never_with_get() {
    let script = ScriptedHttp::new([answer(200, "token"), good("STS.a")]);
    metadata(&script, Some("role"), false).fetch(test_http::request()).await.unwrap();
    assert_eq!(script.lines(), [PUT.to_owned(), format!("{LIST}role")]);
}

#[tokio::test]
async fn no_request_uses_a_proxy_or_has_forwarding_headers_or_lasts_long() {
    let script = ScriptedHttp::new([answer(200, "token"), answer(200, "role"), good("STS.a")]);
    metadata(&script, None, false).fetch(test_http::request()).await.unwrap();
    for call in script.calls() {
        assert!(!call.limits.use_proxy);
        assert_eq!(call.limits.timeout, Duration::from_secs(1));
        assert!(call.headers.iter().all(|(name, _)| name.starts_with("x-aliyun-")));
    }
}

#[tokio::test]
async fn a_service_that_knows_no_tokens_is_asked_without_one() {
    for refused in [answer(404, ""), answer(405, ""), answer(403, ""), answer(200, " ")] {
        let script = ScriptedHttp::new([refused, answer(200, "role"), good("STS.a")]);
        metadata(&script, None, false).fetch(test_http::request()).await.unwrap();
        let calls = script.calls();
        assert!(calls[1].headers.is_empty() && calls[2].headers.is_empty());
    }
}

#[tokio::test]
async fn with_tokens_only_nothing_is_asked_without_one() {
    let (kind, reason) = failure(vec![answer(404, "")], None, true).await;
    assert_eq!(kind, ProviderErrorKind::Permanent);
    insta::assert_snapshot!(reason, @"the service gives no token (status 404) and ALIBABA_CLOUD_IMDSV1_DISABLED forbids requests without one: let PUT requests reach it without a proxy");
}

#[tokio::test]
async fn off_the_cloud_the_source_is_absent_after_one_call() {
    for silence in [gone(), Err(SendError::TimedOut)] {
        let (kind, reason) = failure(vec![silence], None, false).await;
        assert_eq!(kind, ProviderErrorKind::Absent);
        assert!(reason.contains("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "{reason}");
    }
}

#[tokio::test]
async fn silence_is_a_fault_once_the_service_has_answered() {
    let script = ScriptedHttp::new([
        answer(200, "token"),
        gone(),
        gone(),
        answer(200, "token"),
        answer(200, "role"),
        good("STS.b"),
    ]);
    let metadata = metadata(&script, None, false);
    for _ in 0..2 {
        let failure = metadata.fetch(test_http::request()).await.unwrap_err();
        assert_eq!(failure.kind, ProviderErrorKind::Temporary);
    }
    // Nothing is left of the failures.
    assert_eq!(metadata.fetch(test_http::request()).await.unwrap().key_id, "STS.b");
}

#[tokio::test]
async fn every_refusal_has_its_meaning() {
    use ProviderErrorKind::{Absent, Permanent, Temporary};
    let token = || answer(200, "token");
    let none = || answer(404, "");
    let table = [
        (vec![token(), answer(404, "")], None, Absent),
        (vec![token(), answer(200, "\n")], None, Absent),
        (vec![token(), answer(200, "<html>")], None, Temporary),
        (vec![token(), answer(200, "..")], None, Temporary),
        (vec![token(), answer(401, "")], None, Temporary),
        (vec![token(), answer(403, "")], None, Permanent),
        (vec![none(), answer(403, "")], None, Permanent),
        (vec![none(), answer(401, "")], None, Permanent),
        (vec![answer(503, "")], None, Temporary),
        (vec![answer(429, "")], None, Temporary),
        (vec![token(), answer(500, "")], None, Temporary),
        (vec![token(), answer(404, "")], Some("role"), Permanent),
        (vec![token(), answer(200, "role"), answer(404, "")], None, Temporary),
        (vec![token()], Some("../../x"), Permanent),
        (vec![Err(SendError::Broken("reset".into()))], None, Temporary),
    ];
    for (outcomes, role, expected) in table {
        let shown = format!("{outcomes:?} {role:?}");
        let (kind, reason) = failure(outcomes, role, false).await;
        assert_eq!(kind, expected, "{shown}: {reason}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_whole_key_is_refused_and_not_repeated() {
    let end = "2030-01-02T09:04:05Z";
    for body in [
        String::new(),
        "null".into(),
        "{}".into(),
        "[\"marker\"]".into(),
        key("STS.marker", end).replace("Success", "Failed"),
        key("STS.marker", end).replace("\"STS.marker\"", "null"),
        key("STS.marker", end).replace("STS.marker-secret", ""),
        key("STS.marker", end).replace("STS.marker-token", ""),
        key("STS.marker", end).replace("STS.marker-token", "a marker"),
        key("STS.marker", ""),
        key("STS.marker", "21600"),
        key("STS.marker", "2030-01-02T03:04:05Z"),
        key("STS.marker", "marker"),
    ] {
        let outcomes = vec![answer(200, "token"), answer(200, &body)];
        let (kind, reason) = failure(outcomes, Some("role"), false).await;
        assert_eq!(kind, ProviderErrorKind::Temporary, "{body}");
        assert!(!reason.contains("marker"), "{reason}");
    }
}

#[tokio::test]
async fn id_secret_and_token_are_of_one_generation() {
    let script = ScriptedHttp::new([
        answer(200, "token"),
        good("STS.first"),
        answer(200, "token"),
        good("STS.second"),
    ]);
    let metadata = metadata(&script, Some("role"), false);
    for id in ["STS.first", "STS.second"] {
        let given = metadata.fetch(test_http::request()).await.unwrap();
        assert_eq!(given.key_id, id);
        assert_eq!(given.secret.expose(), format!("{id}-secret"));
        assert_eq!(given.token.unwrap().expose(), format!("{id}-token"));
    }
}

/// Never answers.
#[derive(Debug)]
struct Silent;

impl HttpClient for Silent {
    fn send(&self, _: Request<Bytes>, _: RequestLimits) -> crate::net::ResponseFuture<'_> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn the_caller_s_patience_is_never_outstayed() {
    let options = EcsMetadataOptions { base_url: ADDRESS.into(), role: None, token_only: false };
    let metadata = EcsMetadata::new(options, Arc::new(Silent));
    let fetch_request =
        FetchRequest { timeout: Duration::from_millis(300), ..test_http::request() };
    let start = tokio::time::Instant::now();
    let failure = metadata.fetch(fetch_request).await.unwrap_err();
    assert_eq!(failure.kind, ProviderErrorKind::Absent);
    assert!(start.elapsed() <= Duration::from_millis(302));
}

#[test]
fn the_end_is_a_moment_and_not_a_duration() {
    let early = Timestamp::from_unix(1_000).unwrap();
    let given =
        raw_credentials::read_response(key("STS.a", "2030-01-02T09:04:05Z").as_bytes(), early)
            .unwrap();
    assert_eq!(given.usable_until, Timestamp::from_unix(1_893_575_045));
}
