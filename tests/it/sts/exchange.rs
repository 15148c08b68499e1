//! The exchange with STS: attempts, pauses, clocks and limits.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use oss_upload_signer::credentials::assume_role::AssumeRole;
use oss_upload_signer::credentials::{Provider, ProviderError, ProviderErrorKind};
use oss_upload_signer::net::{RequestLimits, SendError};
use tokio::time::Instant;

use crate::sts::fixture::{
    BaseProvider, DATE, MARKER, TIMEOUT, assume, base_key, fetch_request, good, identify, key,
    moment, refusal, refusal_with, role, sts,
};
use crate::support::script::{ScriptedClient, ScriptedResponse, SentRequest};

fn broken() -> ScriptedResponse {
    ScriptedResponse::Error(SendError::Broken("connection reset".to_owned()))
}

fn values(asked: &[SentRequest], name: &str) -> Vec<String> {
    asked.iter().map(|asked| asked.query()[name].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_role_is_taken_with_one_request() {
    let script = ScriptedClient::new([good()]);
    let taken = assume(&script).await.unwrap();
    assert_eq!(taken.key_id, "STS.given");
    assert_eq!(taken.secret.expose(), "marker-given-secret");
    assert_eq!(taken.token.unwrap().expose(), "marker-given-token");
    assert_eq!(taken.usable_until, Some(moment("2030-01-02T04:04:05Z")));
    let [asked] = script.sent().try_into().unwrap();
    assert_eq!(asked.request.method(), Method::POST);
    assert_eq!(asked.request.uri().authority().unwrap(), "sts.example");
    assert_eq!(asked.limits, RequestLimits { timeout: TIMEOUT, max_body: 65_536, use_proxy: true });
    assert_eq!(asked.query()["Format"], "JSON");
    assert_eq!(asked.form()["Policy"], "{}");
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_is_followed_by_two_more_attempts_with_new_nonces_and_times() {
    let throttled =
        || refusal(400, "Throttling.User", "Request was denied due to user flow control.");
    let page =
        |status| ScriptedResponse::answer(status, &[], "<html><body>Bad gateway</body></html>");
    let xml = "<?xml version='1.0'?><Error><Code>ServiceUnavailable</Code></Error>";
    for chance in [
        throttled(),
        refusal(429, "Throttling", ""),
        refusal(500, "InternalError", ""),
        refusal(503, "ServiceUnavailable", ""),
        refusal(400, "SignatureNonceUsed", ""),
        refusal(502, "SomethingNew", ""),
        ScriptedResponse::answer(503, &[], xml),
        page(502),
        page(200),
        ScriptedResponse::answer(
            200,
            &[],
            r#"{"RequestId":"R-1","Credentials":{"AccessKeyId":"STS.gi"#,
        ),
        ScriptedResponse::answer(
            200,
            &[],
            r#"{"RequestId":"R-1","Credentials":{"AccessKeyId":"STS.given"}}"#,
        ),
        key("2030-01-02T03:04:05Z", &[("date", DATE)]),
        key("tomorrow", &[]),
        broken(),
        ScriptedResponse::Error(SendError::TimedOut),
        ScriptedResponse::Error(SendError::Unreachable("connection refused".to_owned())),
    ] {
        let script = ScriptedClient::new([chance.clone(), broken(), good()]);
        assert!(assume(&script).await.is_ok(), "{chance:?}");
        let asked = script.sent();
        let nonces: BTreeSet<_> = values(&asked, "SignatureNonce").into_iter().collect();
        assert_eq!(nonces.len(), 3);
        let signatures: BTreeSet<_> = values(&asked, "Signature").into_iter().collect();
        assert_eq!(signatures.len(), 3);

        let script = ScriptedClient::new([broken(), broken(), chance]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, ProviderErrorKind::Temporary, "{failure}");
        assert_eq!(script.sent().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_configuration_is_not_retried() {
    for (status, code) in [
        (403, "NoPermission"),
        (404, "EntityNotExist.Role"),
        (400, "InvalidParameter.PolicySize"),
        (404, "InvalidAccessKeyId.NotFound"),
        (400, "SignatureDoesNotMatch"),
        (400, "InvalidSecurityToken.Malformed"),
        (403, "Forbidden.RAM"),
        (400, "SomethingNew"),
    ] {
        let script = ScriptedClient::new([refusal(status, code, "")]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, ProviderErrorKind::Permanent, "{failure}");
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_later_is_not_retried() {
    for line in [
        ScriptedResponse::answer(403, &[], "<html>Forbidden</html>"),
        ScriptedResponse::answer(407, &[], ""),
        ScriptedResponse::Error(SendError::TooLong),
    ] {
        let script = ScriptedClient::new([line]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, ProviderErrorKind::Temporary, "{failure}");
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_are_random_and_the_server_may_demand_longer_ones() {
    let busy = |header, value| refusal_with(400, "Throttling", "", &[(header, value)]);
    // The first random byte is 2, then 4, of 255; the longest pauses are 100 ms and 1 s.
    for (first, waited) in [
        (broken(), Duration::from_micros(781)..Duration::from_millis(3)),
        (busy("x-acs-retry-after", "250"), Duration::from_millis(250)..Duration::from_millis(260)),
        (busy("retry-after", "2"), Duration::from_secs(2)..Duration::from_millis(2010)),
        (busy("retry-after", "soon"), Duration::from_micros(781)..Duration::from_millis(3)),
    ] {
        let script = ScriptedClient::new([first.clone(), broken(), good()]);
        assert!(assume(&script).await.is_ok());
        let asked = script.sent();
        assert!(waited.contains(&(asked[1].at - asked[0].at)), "{first:?}");
        assert!(asked[2].at - asked[1].at < Duration::from_millis(20));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_carries_its_own_time() {
    let busy = refusal_with(400, "Throttling", "", &[("retry-after", "2")]);
    let script = ScriptedClient::new([busy, good()]);
    assume(&script).await.unwrap();
    let times = values(&script.sent(), "Timestamp");
    assert_eq!(times, ["2030-01-02T03:04:05Z", "2030-01-02T03:04:07Z"]);
}

#[tokio::test(start_paused = true)]
async fn the_limit_covers_all_attempts_and_pauses() {
    let began = Instant::now();
    let script = ScriptedClient::new([ScriptedResponse::Timeout]);
    let failure = assume(&script).await.unwrap_err();
    assert_eq!((began.elapsed(), failure.kind), (TIMEOUT, ProviderErrorKind::Temporary));
    assert_eq!(failure.reason, "STS could not be reached: no answer in time");

    let began = Instant::now();
    let failure = assume(&ScriptedClient::new([ScriptedResponse::Forever])).await.unwrap_err();
    assert_eq!((began.elapsed(), failure.kind), (TIMEOUT, ProviderErrorKind::Temporary));

    // A pause beyond the limit does not begin.
    let began = Instant::now();
    let busy = refusal_with(400, "Throttling", "", &[("retry-after", "3")]);
    let failure = assume(&ScriptedClient::new([busy])).await.unwrap_err();
    assert_eq!((began.elapsed(), failure.kind), (Duration::ZERO, ProviderErrorKind::Temporary));
}

#[tokio::test(start_paused = true)]
async fn one_attempt_may_take_ten_seconds_and_no_longer() {
    let script = ScriptedClient::new([ScriptedResponse::Timeout, good()]);
    let base = BaseProvider::returning([Ok(base_key(1))]);
    let mut fetch_request = fetch_request();
    fetch_request.timeout = Duration::from_mins(1);
    AssumeRole::new(base, role(), sts(&script)).fetch(fetch_request).await.unwrap();
    let asked = script.sent();
    assert_eq!(asked[0].limits.timeout, Duration::from_secs(10));
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected_once() {
    let early = [("date", "Wed, 02 Jan 2030 05:04:05 GMT")];
    for code in ["InvalidTimeStamp.Expired", "IllegalTimestamp"] {
        let refusal = || refusal_with(400, code, "", &early);
        let script = ScriptedClient::new([refusal(), key("2030-01-02T06:04:05Z", &early)]);
        let taken = assume(&script).await.unwrap();
        let times = values(&script.sent(), "Timestamp");
        assert_eq!(times, ["2030-01-02T03:04:05Z", "2030-01-02T05:04:05Z"]);
        // The key has an hour left, and the local clock is two hours slow.
        assert_eq!(taken.usable_until, Some(moment("2030-01-02T04:04:05Z")));

        let script = ScriptedClient::new([refusal(), refusal()]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, ProviderErrorKind::Temporary);
        assert_eq!(script.sent().len(), 2);

        // Without the server's time there is no correction.
        let script = ScriptedClient::new([refusal_with(400, code, "", &[])]);
        assert_eq!(assume(&script).await.unwrap_err().kind, ProviderErrorKind::Temporary);
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_key_is_stated_by_the_local_clock() {
    for (date, expiration, expected) in [
        // Nearly right: the end is that of STS.
        (Some("Wed, 02 Jan 2030 03:05:05 GMT"), "2030-01-02T04:05:05Z", "2030-01-02T04:05:05Z"),
        (None, "2030-01-02T04:05:05.123Z", "2030-01-02T04:05:05Z"),
        (Some("no date"), "2030-01-02T04:05:05Z", "2030-01-02T04:05:05Z"),
        // A day slow, an hour fast: the time that is left counts.
        (Some("Thu, 03 Jan 2030 03:04:05 GMT"), "2030-01-03T04:04:05Z", "2030-01-02T04:04:05Z"),
        (Some("Wed, 02 Jan 2030 02:04:05 GMT"), "2030-01-02T03:04:05Z", "2030-01-02T04:04:05Z"),
    ] {
        let headers: Vec<_> = date.map(|date| ("date", date)).into_iter().collect();
        let taken = assume(&ScriptedClient::new([key(expiration, &headers)])).await.unwrap();
        assert_eq!(taken.usable_until, Some(moment(expected)), "{date:?} {expiration}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_with_small_first_letters_are_read() {
    let body = r#"{"requestId":"R-1","credentials":{"accessKeyId":"STS.given",
        "accessKeySecret":"s","securityToken":"t","expiration":"2030-01-02T04:04:05Z"}}"#;
    let taken =
        assume(&ScriptedClient::new([ScriptedResponse::answer(200, &[], body)])).await.unwrap();
    assert_eq!(taken.key_id, "STS.given");
}

#[tokio::test(start_paused = true)]
async fn an_expired_base_key_is_fetched_once_more() {
    let expired = || refusal(400, "InvalidSecurityToken.Expired", "");
    let script = ScriptedClient::new([expired(), good()]);
    assume(&script).await.unwrap();
    assert_eq!(values(&script.sent(), "AccessKeyId"), ["STS.base-1", "STS.base-2"]);

    let script = ScriptedClient::new([expired(), expired()]);
    assert_eq!(assume(&script).await.unwrap_err().kind, ProviderErrorKind::Temporary);
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_role_without_a_base_key_is_a_failure_and_not_skipped() {
    for (failure, kind) in [
        (ProviderError::absent("nothing there"), ProviderErrorKind::Temporary),
        (ProviderError::temporary("nothing there"), ProviderErrorKind::Temporary),
        (ProviderError::permanent("nothing there"), ProviderErrorKind::Permanent),
    ] {
        let script = ScriptedClient::new([]);
        let provider =
            AssumeRole::new(BaseProvider::returning([Err(failure)]), role(), sts(&script));
        let failure = provider.fetch(fetch_request()).await.unwrap_err();
        assert_eq!(failure.kind, kind);
        assert_eq!(failure.reason, "no key to take the role with: nothing there");
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_token_is_read_for_each_exchange_and_sent_without_its_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let expired = || refusal(401, "AuthenticationFail.OIDCToken.Expired", "");
    std::fs::write(&file, "marker.aaa.bbb\n").unwrap();
    let script = ScriptedClient::new([expired(), good()]);
    identify(&script, &file).await.unwrap();
    for asked in script.sent() {
        assert_eq!(asked.form()["OIDCToken"], "marker.aaa.bbb");
        let query: Vec<_> = asked.query().into_keys().collect();
        assert_eq!(query, ["Action", "Format", "Timestamp", "Version"]);
    }
    let script = ScriptedClient::new([expired(), expired()]);
    assert_eq!(identify(&script, &file).await.unwrap_err().kind, ProviderErrorKind::Temporary);
    assert_eq!(script.sent().len(), 2);

    std::fs::write(&file, "marker.ccc.ddd").unwrap();
    let script = ScriptedClient::new([good()]);
    identify(&script, &file).await.unwrap();
    assert_eq!(script.sent()[0].form()["OIDCToken"], "marker.ccc.ddd");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_token_file_names_it_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for content in
        [None, Some(" \n".to_owned()), Some("mar\n".into()), Some("marker".repeat(9_999))]
    {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let failure = identify(&ScriptedClient::new([]), &file).await.unwrap_err();
        assert_eq!(failure.kind, ProviderErrorKind::Permanent);
        let start = format!("the token file {} ", file.display());
        assert!(failure.reason.starts_with(&start) && !failure.reason.contains("mar"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_a_url_or_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "marker.aaa.bbb\n").unwrap();
    let lines = || [broken(), broken(), good()];
    let (keyed, identified) = (ScriptedClient::new(lines()), ScriptedClient::new(lines()));
    let taken = assume(&keyed).await.unwrap();
    assert!(!format!("{taken:?}").contains(MARKER));
    identify(&identified, &file).await.unwrap();
    for asked in keyed.sent().into_iter().chain(identified.sent()) {
        assert!(String::from_utf8_lossy(asked.request.body()).contains(MARKER), "there was prey");
        let head = format!("{} {:?}", asked.request.uri(), asked.request.headers());
        assert!(!head.contains(MARKER), "{head}");
    }
}
