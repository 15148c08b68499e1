//! Receipts that do not fit what is stored.

use insta::assert_snapshot;
use oss_upload_signer::callback::receipt::{GRACE, Receipt, ReceiptScope};
use oss_upload_signer::secret::Secret;

use crate::callback::fixture::{CallbackFixture, UnsignedCallback, receipt};

const MISMATCH: &str = "receipt_mismatch";

#[tokio::test]
async fn what_is_stored_has_to_be_what_was_granted() {
    let unsigned = UnsignedCallback::new("default");
    for (name, value, code) in [
        ("object", "photos/夏 1.png", ""),
        ("object", "photos/夏 1.png/", MISMATCH),
        ("object", "photos/other.png", MISMATCH),
        ("object", "", MISMATCH),
        ("bucket", "otherbucket", MISMATCH),
        ("size", "1", ""),
        ("size", "1024", ""),
        ("size", "0", MISMATCH),
        ("size", "1025", MISMATCH),
        ("mimeType", "image/gif", ""),
        ("mimeType", "Image/PNG; charset=utf-8", ""),
        ("mimeType", "text/html", MISMATCH),
        ("mimeType", "image/png;,text/html", MISMATCH),
        ("mimeType", "image/,text/html", MISMATCH),
        ("mimeType", "", MISMATCH),
    ] {
        let unsigned = unsigned.clone().but(name, Some(value));
        assert_eq!(CallbackFixture::new().code(&unsigned).await, code, "{name}={value}");
    }
    let elsewhere = UnsignedCallback::of("default", &receipt("notified"));
    assert_eq!(CallbackFixture::new().code(&elsewhere).await, MISMATCH, "of another route");
}

#[tokio::test]
async fn a_prefix_is_good_for_what_lies_under_it() {
    let scope = ReceiptScope::Prefix("photos/".to_owned());
    let unsigned = UnsignedCallback::of("default", &Receipt { scope, ..receipt("default") });
    for (key, code) in [("photos/a", ""), ("photos/", ""), ("photo/a", MISMATCH), ("a", MISMATCH)] {
        let unsigned = unsigned.clone().but("object", Some(key));
        assert_eq!(CallbackFixture::new().code(&unsigned).await, code, "{key}");
    }
}

#[tokio::test]
async fn an_object_may_come_a_day_after_its_grant_and_not_later() {
    let last = 600 + i64::try_from(GRACE.as_secs()).unwrap();
    let unsigned = UnsignedCallback::new("default");
    assert_eq!(CallbackFixture::at(last).code(&unsigned).await, "");
    assert_snapshot!(CallbackFixture::at(last + 1).deliver(&unsigned).await.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 140
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"receipt_expired","message":"The object was stored too long after its grant had ended. Ask for a new grant.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn a_receipt_of_somebody_else_is_none() {
    let fixture = CallbackFixture::new();
    let good = receipt("default");
    let sealed = |key: &str| good.sign(&Secret::new(key));
    let with = |receipt: &str| UnsignedCallback::new("default").but("receipt", Some(receipt));
    assert_eq!(fixture.code(&with(&sealed("the key before, which still opens"))).await, "");
    let own = sealed(crate::callback::fixture::RECEIPT_KEY);
    let (head, code) = own.rsplit_once('.').unwrap();
    let richer = Receipt { max_size: 1 << 40, ..good.clone() };
    let richer = richer.sign(&Secret::new("a key that nobody here has ever heard of"));
    let (richer_head, _) = richer.rsplit_once('.').unwrap();
    for text in [
        richer.clone(),
        format!("{richer_head}.{code}"),
        format!("{head}."),
        head.to_owned(),
        format!("{head}.{code}A"),
        format!("{head}.{}", code.to_uppercase()),
        format!("R1{}", &own[2..]),
        String::new(),
        "x".repeat(9000),
    ] {
        assert_eq!(fixture.code(&with(&text)).await, "receipt_invalid", "{text}");
    }
    assert_snapshot!(fixture.deliver(&with("r1.a.b")).await.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 148
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"receipt_invalid","message":"The receipt was not sealed here. Keep the old key beside the new one when keys change.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn the_log_says_in_what_it_does_not_fit() {
    let unsigned = UnsignedCallback::new("default").but("object", Some("photos/other.png"));
    let (answer, log) = CallbackFixture::new().logged(&unsigned.request()).await;
    assert_snapshot!(answer.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 138
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"receipt_mismatch","message":"What is stored is not what the receipt was given for; the log says in what.","request_id":"1-test"}
    "#);
    let events = log.events("WARN");
    let said = events[0]["message"].as_str().unwrap();
    assert_eq!(said, "callback refused: the object lies under another key than was granted");
}

#[tokio::test]
async fn a_route_that_orders_no_callback_takes_none() {
    let fixture = CallbackFixture::new();
    assert_snapshot!(fixture.deliver(&UnsignedCallback::new("mute")).await.whole(), @r#"
    404 Not Found
    cache-control: no-store
    content-length: 193
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"callback_not_configured","message":"The forms of this route order no callback. Set 'to' in its [routes.<name>.callback], or correct the address that is called.","request_id":"1-test"}
    "#);
    assert_eq!(fixture.code(&UnsignedCallback::new("none")).await, "route_not_found");
    assert_eq!(fixture.outside.oss.calls(), 0);
}
