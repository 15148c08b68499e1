//! What is stored is not what was granted, and OSS says so: the back end hears of it, whatever it is.

use std::time::Duration;

use insta::assert_snapshot;
use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::callback::fixture::{CallbackFixture, UnsignedCallback, receipt};
use crate::support::script::ScriptedResponse;

/// The webhooks that the back end got.
fn webhooks(fixture: &CallbackFixture) -> Vec<Value> {
    let asked = fixture.outside.back_end.sent();
    asked.iter().map(|one| serde_json::from_slice(one.request.body()).unwrap()).collect()
}

#[tokio::test]
async fn the_back_end_learns_what_was_granted_and_what_is_stored() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::new("notified")
        .but("mimeType", Some("image/,text/html"))
        .but("size", Some("4096"));
    assert_snapshot!(fixture.deliver(&unsigned).await.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 190
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"receipt_mismatch","message":"What is stored is not what was granted. The back end was notified, and may delete it. Ask for a new grant and upload what fits.","request_id":"1-test"}
    "#);
    let [asked] = &fixture.outside.back_end.sent()[..] else { panic!("notified once") };
    assert_snapshot!(str::from_utf8(asked.request.body()).unwrap(), @r#"{"data":{"granted":{"key":"photos/夏 1.png","max":1024,"min":1,"types":["image/*"]},"mismatches":["size","type"],"receipt_id":"0123456789abcdef0123456789abcdef","route":"notified","stored":{"bucket":"examplebucket","etag":"D41D8CD98F00B204E9800998ECF8427E","key":"photos/夏 1.png","size":4096,"type":"image/,text/html"},"subject":"alice"},"timestamp":"2024-11-27T06:09:41Z","type":"upload.mismatched"}"#);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert!(asked.request.headers().contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn whatever_the_uploader_chooses_is_reported() {
    for (name, value, mismatches) in [
        ("size", "0", json!(["size"])),
        ("size", "1025", json!(["size"])),
        ("size", "18446744073709551615", json!(["size"])),
        ("mimeType", "", json!(["type"])),
        ("mimeType", "image/", json!(["type"])),
        ("mimeType", "image/,text/html", json!(["type"])),
        ("mimeType", "image/png;,text/html", json!(["type"])),
        ("mimeType", "image/a b", json!(["type"])),
        ("mimeType", "image/png\tx", json!(["type"])),
        ("mimeType", "image/png\r\nx: y", json!(["type"])),
        ("mimeType", "text/html", json!(["type"])),
        ("mimeType", "图/片", json!(["type"])),
        ("mimeType", &"image/".repeat(1000), json!(["type"])),
    ] {
        let unsigned = UnsignedCallback::new("notified").but(name, Some(value));
        for unsigned in [unsigned.clone(), unsigned.in_json()] {
            let fixture = CallbackFixture::new();
            assert_eq!(fixture.code(&unsigned).await, "receipt_mismatch", "{name} {value}");
            let [webhook] = &webhooks(&fixture)[..] else {
                panic!("one webhook for {name} {value}")
            };
            assert_eq!(webhook["type"], "upload.mismatched", "{name} {value}");
            assert_eq!(webhook["data"]["mismatches"], mismatches, "{name} {value}");
            let member = if name == "size" { "size" } else { "type" };
            let stored = &webhook["data"]["stored"][member];
            assert_eq!(stored.as_str().map_or_else(|| stored.to_string(), str::to_owned), value);
        }
    }
}

#[tokio::test]
async fn a_grant_of_a_directory_and_of_any_type_is_reported_as_it_was_given() {
    let fixture = CallbackFixture::new();
    let scope = ReceiptScope::Prefix("photos/".to_owned());
    let wide = Receipt { scope, types: Vec::new(), subject: None, ..receipt("notified") };
    let unsigned = UnsignedCallback::of("notified", &wide).but("size", Some("0"));
    assert_eq!(fixture.code(&unsigned).await, "receipt_mismatch");
    let data = &webhooks(&fixture)[0]["data"];
    assert_eq!(data["granted"], json!({ "prefix": "photos/", "min": 1, "max": 1024 }));
    assert_eq!(data["subject"], Value::Null);
}

/// A back end that reads every message as a completed upload must not save this one.
#[tokio::test]
async fn nothing_stands_where_a_completed_upload_has_its_members() {
    let fixture = CallbackFixture::new();
    assert_eq!(
        fixture.code(&UnsignedCallback::new("notified").but("size", Some("0"))).await,
        "receipt_mismatch"
    );
    let data = &webhooks(&fixture)[0]["data"];
    for member in ["key", "bucket", "etag", "size", "type", "image", "variables"] {
        assert_eq!(data[member], Value::Null, "{member}");
    }
}

/// After the back end has deleted the object, the same upload under the same grant has to be reported again.
#[tokio::test]
async fn the_same_mismatch_is_reported_each_time_and_under_another_id() {
    let fixture = CallbackFixture::new();
    for once in [false, true] {
        let unsigned = UnsignedCallback::of("notified", &Receipt { once, ..receipt("notified") });
        let unsigned = unsigned.but("size", Some("0"));
        for _ in 0..3 {
            assert_eq!(fixture.code(&unsigned).await, "receipt_mismatch");
            fixture.wait(1);
        }
    }
    let asked = fixture.outside.back_end.sent();
    let mut ids: Vec<_> =
        asked.iter().map(|one| one.request.headers()["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 6);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6, "{ids:?}");
}

#[tokio::test]
async fn it_is_an_error_in_the_log_which_names_the_object() {
    let unsigned = UnsignedCallback::new("notified").but("mimeType", Some("text/html"));
    let (_, log) = CallbackFixture::new().logged(&unsigned.request()).await;
    let events = log.events("ERROR");
    assert_eq!(events.len(), 1, "{}", log.text());
    assert_eq!(
        events[0]["message"],
        "callback: what is stored is not what was granted (type); the back end was notified"
    );
    assert_eq!(events[0]["code"], "receipt_mismatch");
    assert_eq!(events[0]["key"], "photos/夏 1.png");
    assert_eq!(events[0]["receipt_id"], "0123456789abcdef0123456789abcdef");
    assert_eq!(events[0]["request_id"], "1-test");
}

#[tokio::test]
async fn a_route_without_a_back_end_has_it_in_its_log() {
    let unsigned = UnsignedCallback::new("default").but("size", Some("4096"));
    let (answer, log) = CallbackFixture::new().logged(&unsigned.request()).await;
    assert_snapshot!(answer.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 166
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"receipt_mismatch","message":"What is stored is not what was granted; the log says in what. Ask for a new grant and upload what fits.","request_id":"1-test"}
    "#);
    let said = log.events("ERROR")[0]["message"].as_str().unwrap().to_owned();
    assert_snapshot!(said, @"callback: what is stored is not what was granted (size); this route notifies no back end");
}

#[tokio::test]
async fn a_key_in_the_log_is_no_longer_than_a_key_can_be() {
    let scope = ReceiptScope::Prefix("夏/".to_owned());
    let unsigned = UnsignedCallback::of("notified", &Receipt { scope, ..receipt("notified") })
        .but("size", Some("0"));
    let unsigned = unsigned.but("object", Some(&format!("夏/{}", "夏".repeat(5000))));
    let (_, log) = CallbackFixture::new().logged(&unsigned.request()).await;
    let key = log.events("ERROR")[0]["key"].as_str().unwrap().to_owned();
    assert!((1020..=1023).contains(&key.len()), "{}", key.len());
}

#[tokio::test(start_paused = true)]
async fn a_back_end_that_does_not_take_it_is_said_in_the_log_and_not_waited_for() {
    for line in [
        ScriptedResponse::answer(500, &[], ""),
        ScriptedResponse::Timeout,
        ScriptedResponse::Forever,
    ] {
        let (fixture, start) = (CallbackFixture::new(), Instant::now());
        fixture.outside.back_end.says(line.clone());
        let unsigned = UnsignedCallback::new("notified").but("size", Some("0"));
        let (answer, log) = fixture.logged(&unsigned.request()).await;
        assert_eq!(answer.code(), "receipt_mismatch", "{line:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains("the log says in what"));
        assert!(start.elapsed() <= Duration::from_secs(9), "two calls: {:?}", start.elapsed());
        let said = log.events("ERROR")[0]["message"].as_str().unwrap().to_owned();
        assert!(said.contains("(size); the back end was not notified: "), "{said}");
    }
}

/// Nothing of it is believed without OSS's signature.
#[tokio::test]
async fn a_mismatch_that_oss_has_not_signed_is_reported_to_nobody() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::new("notified").but("size", Some("0"));
    let forged = unsigned.with("AAAA", unsigned.body());
    assert_eq!(fixture.function.call(forged).await.code(), "callback_signature_invalid");
    assert_eq!(fixture.outside.back_end.calls(), 0);
}
