//! Webhooks: what the back end receives, and what follows from its answer or from none.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use insta::assert_snapshot;
use oss_upload_signer::callback::Options;
use oss_upload_signer::net::SendError;
use oss_upload_signer::secret::Secret;
use sha2::Sha256;
use tokio::time::Instant;

use crate::callback::fixture::{CallbackFixture, NOTIFY, UnsignedCallback};
use crate::support::app::NOW;
use crate::support::script::ScriptedResponse;

#[tokio::test]
async fn a_webhook_follows_the_standard() {
    let fixture = CallbackFixture::new();
    assert_eq!(fixture.deliver(&UnsignedCallback::new("notified")).await.status, 200);
    let [asked] = &fixture.outside.back_end.sent()[..] else { panic!("notified once") };
    let request = &asked.request;
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", NOTIFY));
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_snapshot!(str::from_utf8(request.body()).unwrap(), @r#"{"data":{"bucket":"examplebucket","etag":"D41D8CD98F00B204E9800998ECF8427E","image":{"format":"png","height":480,"width":640},"key":"photos/夏 1.png","receipt_id":"0123456789abcdef0123456789abcdef","route":"notified","size":512,"subject":"alice","type":"image/png","variables":{"album":"a & b"}},"timestamp":"2024-11-27T06:09:41Z","type":"upload.completed"}"#);

    let header = |name: &str| request.headers()[name].to_str().unwrap();
    assert_snapshot!(header("webhook-id"), @"msg_36a35ab631ec0b77f77867b7d30bc158");
    assert_eq!(header("webhook-timestamp"), NOW.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(&[b'k'; 32]).unwrap();
    mac.update(format!("{}.{NOW}.", header("webhook-id")).as_bytes());
    mac.update(request.body());
    let expected = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{expected}"));
    // What the package `standardwebhooks` 1.1.1 makes of the same.
    assert_eq!(expected, "YIS78+lHot5pZ8bnjDmy5dhR/EyEecdHCdZi3GfmqO4=");
}

#[tokio::test]
async fn what_it_answers_is_what_the_page_reads() {
    let largest = format!("{{\"a\":\"{}\"}}", "a".repeat(64 * 1024 - 8));
    for body in ["{\"id\":7}", "{ \"名\" : [1, 2.50] }\n", "{}", &largest] {
        let fixture = CallbackFixture::new();
        for status in [200, 201, 202] {
            fixture.outside.back_end.answers(status, body.to_owned());
            let answer = fixture.deliver(&UnsignedCallback::new("notified")).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body, body);
            assert_eq!(answer.headers["content-type"], "application/json");
            assert_eq!(answer.headers["content-length"], body.len().to_string());
        }
    }
}

#[tokio::test]
async fn where_it_has_nothing_to_say_the_function_does() {
    let own = CallbackFixture::new().deliver(&UnsignedCallback::new("default")).await.json();
    for status in [200, 202, 204] {
        let fixture = CallbackFixture::new();
        fixture.outside.back_end.answers(status, "");
        let answer = fixture.deliver(&UnsignedCallback::new("notified")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), own);
    }
}

#[tokio::test]
async fn what_it_should_not_answer_is_a_failure() {
    for line in [
        ScriptedResponse::answer(500, &[], "{}"),
        ScriptedResponse::answer(404, &[], "{}"),
        ScriptedResponse::answer(302, &[("location", "https://evil.example/")], "{}"),
        ScriptedResponse::answer(304, &[], ""),
        ScriptedResponse::answer(200, &[], "OK"),
        ScriptedResponse::answer(200, &[], "<html>"),
        ScriptedResponse::answer(200, &[], "{\"id\":"),
        ScriptedResponse::answer(200, &[], "{} {}"),
        ScriptedResponse::answer(200, &[], "\u{feff}{}"),
        ScriptedResponse::answer(200, &[], "[]"),
        ScriptedResponse::answer(200, &[], "null"),
        ScriptedResponse::answer(200, &[], b"{\"a\":\"\xff\"}".to_vec()),
        ScriptedResponse::answer(200, &[], format!("{{\"a\":\"{}\"}}", "a".repeat(64 * 1024 - 7))),
        ScriptedResponse::Error(SendError::Unreachable("refused".into())),
        ScriptedResponse::Error(SendError::Broken("reset".into())),
        ScriptedResponse::Error(SendError::TooLong),
    ] {
        let fixture = CallbackFixture::new();
        fixture.outside.back_end.says(line.clone());
        let answer = fixture.deliver(&UnsignedCallback::new("notified")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (502, "notify_failed"),
            "{line:?}"
        );
        assert_eq!(fixture.outside.back_end.calls(), 1, "nothing is sent again");
    }
}

#[tokio::test]
async fn a_failure_is_said_and_its_cause_is_logged() {
    let fixture = CallbackFixture::new();
    fixture.outside.back_end.answers(500, "a secret of the back end's");
    let (answer, log) = fixture.logged(&UnsignedCallback::new("notified").request()).await;
    assert_snapshot!(answer.whole(), @r#"
    502 Bad Gateway
    cache-control: no-store
    content-length: 200
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"notify_failed","message":"The object is stored, but the back end was not notified, or did not answer as it should. Do not upload again; the log says what it answered.","request_id":"1-test"}
    "#);
    let events = log.events("ERROR");
    assert_eq!(events[0]["message"], "callback: the back end answered 500");
    assert!(!log.text().contains("a secret"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_back_end_leaves_oss_its_time() {
    for (key, back_end, status) in
        [(0, 3900, 200), (0, 4100, 504), (1500, 2400, 200), (1500, 2600, 504)]
    {
        let (fixture, start) = (CallbackFixture::new(), Instant::now());
        fixture.outside.oss.takes(Duration::from_millis(key));
        fixture.outside.back_end.takes(Duration::from_millis(back_end));
        assert_eq!(
            fixture.deliver(&UnsignedCallback::new("notified")).await.status,
            status,
            "{key} {back_end}"
        );
        assert!(start.elapsed() <= Duration::from_millis(4001), "{:?}", start.elapsed());
    }
    for line in [ScriptedResponse::Timeout, ScriptedResponse::Forever] {
        let (fixture, start) = (CallbackFixture::new(), Instant::now());
        fixture.outside.back_end.says(line);
        let answer = fixture.deliver(&UnsignedCallback::new("notified")).await;
        assert_eq!(answer.code(), "notify_timeout");
        assert!(start.elapsed() <= Duration::from_millis(4001), "{:?}", start.elapsed());
    }
    let fixture = CallbackFixture::new();
    fixture.outside.back_end.says(ScriptedResponse::Timeout);
    assert_snapshot!(fixture.deliver(&UnsignedCallback::new("notified")).await.whole(), @r#"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 171
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"notify_timeout","message":"The object is stored, but the back end did not answer in time. Do not upload again; have it answer within 2 s.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn no_back_end_is_notified_of_what_is_not_proved() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::new("notified");
    for unsigned in [
        unsigned.clone().but("object", Some("photos/other.png")),
        unsigned.clone().but("bucket", Some("otherbucket")),
        unsigned.clone().but("receipt", Some("r1.a.b")),
        unsigned.clone().but("etag", None),
    ] {
        assert_ne!(fixture.deliver(&unsigned).await.status, 200);
    }
    let forged = unsigned.with("AAAA", unsigned.body());
    assert_eq!(fixture.function.call(forged).await.code(), "callback_signature_invalid");
    assert_eq!(fixture.outside.back_end.calls(), 0);
}

#[tokio::test]
async fn without_a_secret_nothing_is_sent() {
    for secret in
        [None, Some("whsec_"), Some("whsec_c2hvcnQ="), Some("a2tra2tra2tra2tra2tra2tra2tra2s=")]
    {
        let fixture = CallbackFixture::with(0, |options: &mut Options| {
            options.webhook_secret = secret.map(Secret::new);
        });
        assert_eq!(
            fixture.code(&UnsignedCallback::new("notified")).await,
            "notify_failed",
            "{secret:?}"
        );
        assert_eq!(fixture.outside.back_end.calls(), 0);
    }
}
