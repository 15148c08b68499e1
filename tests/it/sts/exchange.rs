//! Attempts, pauses, clocks: what is sent, how often, and when no more.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use oss_upload_signer::credentials::Failure;
use oss_upload_signer::credentials::FailureKind;
use oss_upload_signer::credentials::Provider;
use oss_upload_signer::credentials::provider::assume_role::AssumeRole;
use oss_upload_signer::net::RequestLimits;
use oss_upload_signer::net::SendError;
use tokio::time::Instant;

use crate::sts::stage::Base;
use crate::sts::stage::DATE;
use crate::sts::stage::MARKER;
use crate::sts::stage::PATIENCE;
use crate::sts::stage::assume;
use crate::sts::stage::base_key;
use crate::sts::stage::errand;
use crate::sts::stage::good;
use crate::sts::stage::identify;
use crate::sts::stage::key;
use crate::sts::stage::moment;
use crate::sts::stage::refusal;
use crate::sts::stage::refusal_with;
use crate::sts::stage::role;
use crate::sts::stage::sts;
use crate::support::script::Asked;
use crate::support::script::Line;
use crate::support::script::Script;

fn broken() -> Line {
    Line::Error(SendError::Broken("connection reset".to_owned()))
}

fn values(asked: &[Asked], name: &str) -> Vec<String> {
    asked.iter().map(|asked| asked.query()[name].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_role_is_taken_with_one_request() {
    let script = Script::new([good()]);
    let taken = assume(&script).await.unwrap();
    assert_eq!(taken.key_id, "STS.given");
    assert_eq!(taken.secret.expose(), "marker-given-secret");
    assert_eq!(taken.token.unwrap().expose(), "marker-given-token");
    assert_eq!(taken.usable_until, Some(moment("2030-01-02T04:04:05Z")));
    let [asked] = script.asked().try_into().unwrap();
    assert_eq!(asked.request.method(), Method::POST);
    assert_eq!(asked.request.uri().authority().unwrap(), "sts.example");
    assert_eq!(
        asked.limits,
        RequestLimits { timeout: PATIENCE, max_body: 65_536, use_proxy: true }
    );
    assert_eq!(asked.query()["Format"], "JSON");
    assert_eq!(asked.form()["Policy"], "{}");
}

#[tokio::test(start_paused = true)]
async fn chance_is_met_by_two_more_attempts_each_with_its_own_nonce_and_time() {
    let throttled =
        || refusal(400, "Throttling.User", "Request was denied due to user flow control.");
    let page = |status| Line::answer(status, &[], "<html><body>Bad gateway</body></html>");
    let xml = "<?xml version='1.0'?><Error><Code>ServiceUnavailable</Code></Error>";
    for chance in [
        throttled(),
        refusal(429, "Throttling", ""),
        refusal(500, "InternalError", ""),
        refusal(503, "ServiceUnavailable", ""),
        refusal(400, "SignatureNonceUsed", ""),
        refusal(502, "SomethingNew", ""),
        Line::answer(503, &[], xml),
        page(502),
        page(200),
        Line::answer(200, &[], r#"{"RequestId":"R-1","Credentials":{"AccessKeyId":"STS.gi"#),
        Line::answer(200, &[], r#"{"RequestId":"R-1","Credentials":{"AccessKeyId":"STS.given"}}"#),
        key("2030-01-02T03:04:05Z", &[("date", DATE)]),
        key("tomorrow", &[]),
        broken(),
        Line::Error(SendError::TimedOut),
        Line::Error(SendError::Unreachable("connection refused".to_owned())),
    ] {
        let script = Script::new([chance.clone(), broken(), good()]);
        assert!(assume(&script).await.is_ok(), "{chance:?}");
        let asked = script.asked();
        let nonces: BTreeSet<_> = values(&asked, "SignatureNonce").into_iter().collect();
        assert_eq!(nonces.len(), 3);
        let signatures: BTreeSet<_> = values(&asked, "Signature").into_iter().collect();
        assert_eq!(signatures.len(), 3);

        let script = Script::new([broken(), broken(), chance]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Temporary, "{failure}");
        assert_eq!(script.asked().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_has_to_mend_is_asked_once() {
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
        let script = Script::new([refusal(status, code, "")]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Permanent, "{failure}");
        assert_eq!(script.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_but_not_now_is_asked_once() {
    for line in [
        Line::answer(403, &[], "<html>Forbidden</html>"),
        Line::answer(407, &[], ""),
        Line::Error(SendError::TooLong),
    ] {
        let script = Script::new([line]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Temporary, "{failure}");
        assert_eq!(script.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_are_drawn_and_a_server_may_ask_for_more() {
    let busy = |header, value| refusal_with(400, "Throttling", "", &[(header, value)]);
    // The dice show 2 and then 4 of 255 as the first byte, of at most 100 ms and 1 s.
    for (first, waited) in [
        (broken(), Duration::from_micros(781)..Duration::from_millis(3)),
        (busy("x-acs-retry-after", "250"), Duration::from_millis(250)..Duration::from_millis(260)),
        (busy("retry-after", "2"), Duration::from_secs(2)..Duration::from_millis(2010)),
        (busy("retry-after", "soon"), Duration::from_micros(781)..Duration::from_millis(3)),
    ] {
        let script = Script::new([first.clone(), broken(), good()]);
        assert!(assume(&script).await.is_ok());
        let asked = script.asked();
        assert!(waited.contains(&(asked[1].at - asked[0].at)), "{first:?}");
        assert!(asked[2].at - asked[1].at < Duration::from_millis(20));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_carries_its_own_time() {
    let busy = refusal_with(400, "Throttling", "", &[("retry-after", "2")]);
    let script = Script::new([busy, good()]);
    assume(&script).await.unwrap();
    let times = values(&script.asked(), "Timestamp");
    assert_eq!(times, ["2030-01-02T03:04:05Z", "2030-01-02T03:04:07Z"]);
}

#[tokio::test(start_paused = true)]
async fn patience_covers_everything() {
    let began = Instant::now();
    let script = Script::new([Line::Silence]);
    let failure = assume(&script).await.unwrap_err();
    assert_eq!((began.elapsed(), failure.kind), (PATIENCE, FailureKind::Temporary));
    assert_eq!(failure.reason, "STS could not be asked: no answer in time");

    let began = Instant::now();
    let failure = assume(&Script::new([Line::Forever])).await.unwrap_err();
    assert_eq!((began.elapsed(), failure.kind), (PATIENCE, FailureKind::Temporary));

    // A pause that would outlast it is not even begun.
    let began = Instant::now();
    let busy = refusal_with(400, "Throttling", "", &[("retry-after", "3")]);
    let failure = assume(&Script::new([busy])).await.unwrap_err();
    assert_eq!((began.elapsed(), failure.kind), (Duration::ZERO, FailureKind::Temporary));
}

#[tokio::test(start_paused = true)]
async fn one_attempt_may_take_ten_seconds_and_no_longer() {
    let script = Script::new([Line::Silence, good()]);
    let base = Base::giving([Ok(base_key(1))]);
    let mut errand = errand();
    errand.patience = Duration::from_mins(1);
    AssumeRole::new(base, role(), sts(&script)).fetch(errand).await.unwrap();
    let asked = script.asked();
    assert_eq!(asked[0].limits.timeout, Duration::from_secs(10));
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected_once() {
    let early = [("date", "Wed, 02 Jan 2030 05:04:05 GMT")];
    for code in ["InvalidTimeStamp.Expired", "IllegalTimestamp"] {
        let refusal = || refusal_with(400, code, "", &early);
        let script = Script::new([refusal(), key("2030-01-02T06:04:05Z", &early)]);
        let taken = assume(&script).await.unwrap();
        let times = values(&script.asked(), "Timestamp");
        assert_eq!(times, ["2030-01-02T03:04:05Z", "2030-01-02T05:04:05Z"]);
        // The key has an hour left, and the local clock is two hours late.
        assert_eq!(taken.usable_until, Some(moment("2030-01-02T04:04:05Z")));

        let script = Script::new([refusal(), refusal()]);
        let failure = assume(&script).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Temporary);
        assert_eq!(script.asked().len(), 2);

        // Without the server's time there is nothing to correct by.
        let script = Script::new([refusal_with(400, code, "", &[])]);
        assert_eq!(assume(&script).await.unwrap_err().kind, FailureKind::Temporary);
        assert_eq!(script.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_key_is_told_by_the_local_clock() {
    for (date, expiration, expected) in [
        // Nearly right: as STS says.
        (Some("Wed, 02 Jan 2030 03:05:05 GMT"), "2030-01-02T04:05:05Z", "2030-01-02T04:05:05Z"),
        (None, "2030-01-02T04:05:05.123Z", "2030-01-02T04:05:05Z"),
        (Some("no date"), "2030-01-02T04:05:05Z", "2030-01-02T04:05:05Z"),
        // A day late, an hour early: what is left counts.
        (Some("Thu, 03 Jan 2030 03:04:05 GMT"), "2030-01-03T04:04:05Z", "2030-01-02T04:04:05Z"),
        (Some("Wed, 02 Jan 2030 02:04:05 GMT"), "2030-01-02T03:04:05Z", "2030-01-02T04:04:05Z"),
    ] {
        let headers: Vec<_> = date.map(|date| ("date", date)).into_iter().collect();
        let taken = assume(&Script::new([key(expiration, &headers)])).await.unwrap();
        assert_eq!(taken.usable_until, Some(moment(expected)), "{date:?} {expiration}");
    }
}

#[tokio::test(start_paused = true)]
async fn small_first_letters_are_read_too() {
    let body = r#"{"requestId":"R-1","credentials":{"accessKeyId":"STS.given",
        "accessKeySecret":"s","securityToken":"t","expiration":"2030-01-02T04:04:05Z"}}"#;
    let taken = assume(&Script::new([Line::answer(200, &[], body)])).await.unwrap();
    assert_eq!(taken.key_id, "STS.given");
}

#[tokio::test(start_paused = true)]
async fn an_expired_base_key_is_fetched_once_more() {
    let expired = || refusal(400, "InvalidSecurityToken.Expired", "");
    let script = Script::new([expired(), good()]);
    assume(&script).await.unwrap();
    assert_eq!(values(&script.asked(), "AccessKeyId"), ["STS.base-1", "STS.base-2"]);

    let script = Script::new([expired(), expired()]);
    assert_eq!(assume(&script).await.unwrap_err().kind, FailureKind::Temporary);
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_role_is_never_passed_over_because_its_base_has_no_key() {
    for (failure, kind) in [
        (Failure::absent("nothing there"), FailureKind::Temporary),
        (Failure::temporary("nothing there"), FailureKind::Temporary),
        (Failure::permanent("nothing there"), FailureKind::Permanent),
    ] {
        let script = Script::new([]);
        let provider = AssumeRole::new(Base::giving([Err(failure)]), role(), sts(&script));
        let failure = provider.fetch(errand()).await.unwrap_err();
        assert_eq!(failure.kind, kind);
        assert_eq!(failure.reason, "no key to take the role with: nothing there");
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_token_is_read_anew_and_sent_without_its_last_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let expired = || refusal(401, "AuthenticationFail.OIDCToken.Expired", "");
    std::fs::write(&file, "marker.aaa.bbb\n").unwrap();
    let script = Script::new([expired(), good()]);
    identify(&script, &file).await.unwrap();
    for asked in script.asked() {
        assert_eq!(asked.form()["OIDCToken"], "marker.aaa.bbb");
        let query: Vec<_> = asked.query().into_keys().collect();
        assert_eq!(query, ["Action", "Format", "Timestamp", "Version"]);
    }
    let script = Script::new([expired(), expired()]);
    assert_eq!(identify(&script, &file).await.unwrap_err().kind, FailureKind::Temporary);
    assert_eq!(script.asked().len(), 2);

    std::fs::write(&file, "marker.ccc.ddd").unwrap();
    let script = Script::new([good()]);
    identify(&script, &file).await.unwrap();
    assert_eq!(script.asked()[0].form()["OIDCToken"], "marker.ccc.ddd");
}

#[tokio::test(start_paused = true)]
async fn a_token_file_that_cannot_hold_a_token_is_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for content in
        [None, Some(" \n".to_owned()), Some("mar\n".into()), Some("marker".repeat(9_999))]
    {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let failure = identify(&Script::new([]), &file).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Permanent);
        let start = format!("the token file {} ", file.display());
        assert!(failure.reason.starts_with(&start) && !failure.reason.contains("mar"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_stands_in_a_url_or_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "marker.aaa.bbb\n").unwrap();
    let lines = || [broken(), broken(), good()];
    let (keyed, identified) = (Script::new(lines()), Script::new(lines()));
    let taken = assume(&keyed).await.unwrap();
    assert!(!format!("{taken:?}").contains(MARKER));
    identify(&identified, &file).await.unwrap();
    for asked in keyed.asked().into_iter().chain(identified.asked()) {
        assert!(String::from_utf8_lossy(asked.request.body()).contains(MARKER), "there was prey");
        let head = format!("{} {:?}", asked.request.uri(), asked.request.headers());
        assert!(!head.contains(MARKER), "{head}");
    }
}
