//! Variables that the grant did not set: an uploader who writes the callback's body by hand, and has OSS sign it
//! for a bucket of their own.

use std::collections::BTreeSet;

use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope};
use serde_json::{Value, json};

use crate::callback::fixture::{CallbackFixture, UnsignedCallback, receipt, sealed};
use crate::support::script::SentRequest;

/// The webhooks that the back end got.
fn webhooks(fixture: &CallbackFixture) -> Vec<Value> {
    let asked = fixture.outside.back_end.sent();
    asked.iter().map(|one| serde_json::from_slice(one.request.body()).unwrap()).collect()
}

/// The one webhook that the back end got.
fn webhook(fixture: &CallbackFixture) -> Value {
    let mut webhooks = webhooks(fixture);
    assert_eq!(webhooks.len(), 1, "{webhooks:?}");
    webhooks.remove(0)
}

/// The ids of all webhooks, each once.
fn ids(fixture: &CallbackFixture) -> BTreeSet<String> {
    let asked = fixture.outside.back_end.sent();
    let id = |one: &SentRequest| one.request.headers()["webhook-id"].to_str().unwrap().to_owned();
    asked.iter().map(id).collect()
}

#[tokio::test]
async fn variables_that_differ_from_the_grant_are_never_passed_on() {
    let unsigned = UnsignedCallback::new("notified");
    for forged in [
        unsigned.clone().but("x:album", Some("another")),
        unsigned.clone().but("x:album", Some("a & b ")),
        unsigned.clone().but("x:album", Some("")),
        unsigned.clone().but("x:album", None),
        unsigned.clone().but("x:album", None).but("x:Album", Some("a & b")),
        unsigned.clone().but("x:album", None).but("album", Some("a & b")),
        unsigned.clone().but("x:album", None).but("x:x:album", Some("a & b")),
        unsigned.clone().but("x:album", Some("another")).but("x:role", Some("admin")),
    ] {
        for forged in [forged.clone(), forged.in_json()] {
            let fixture = CallbackFixture::new();
            let answer = fixture.deliver(&forged).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "receipt_mismatch"));
            let webhook = webhook(&fixture);
            assert_eq!(webhook["type"], "upload.mismatched", "{:?}", forged.members);
            assert_eq!(webhook["data"]["mismatches"], json!(["variables"]), "{:?}", forged.members);
            assert!(!webhook.to_string().contains("variables\":{"), "{webhook}");
            assert!(!webhook.to_string().contains("admin"), "{webhook}");
        }
    }
}

#[tokio::test]
async fn names_that_the_route_does_not_set_are_dropped() {
    let more = [("x:role", "admin"), ("x:tenant", "bob"), ("x:x:album", "c"), ("x:", "d")];
    for unsigned in [UnsignedCallback::new("notified"), UnsignedCallback::of("bare", &bare())] {
        let granted = if unsigned.address.ends_with("notified") {
            json!({ "album": "a & b" })
        } else {
            Value::Null
        };
        let unsigned = if granted.is_null() { unsigned.but("x:album", None) } else { unsigned };
        let more =
            more.iter().fold(unsigned, |unsigned, (name, value)| unsigned.but(name, Some(value)));
        for unsigned in [more.clone(), more.in_json()] {
            let fixture = CallbackFixture::new();
            assert_eq!(fixture.code(&unsigned).await, "");
            let webhook = webhook(&fixture);
            assert_eq!(webhook["type"], "upload.completed");
            assert_eq!(webhook["data"]["variables"], granted, "{webhook}");
        }
    }
    let own = CallbackFixture::new()
        .deliver(&UnsignedCallback::new("default").but("x:role", Some("admin")))
        .await
        .json();
    assert_eq!(own["variables"], json!({ "album": "a & b" }), "the function's own answer");
}

/// A receipt of the route that sets no variable.
fn bare() -> Receipt {
    Receipt { variables_hash: Some(sealed(&[])), ..receipt("bare") }
}

#[tokio::test]
async fn a_receipt_of_an_earlier_version_proves_no_variable() {
    let earlier = |route: &str| Receipt { variables_hash: None, ..receipt(route) };
    let fixture = CallbackFixture::new();
    assert_eq!(
        fixture.code(&UnsignedCallback::of("notified", &earlier("notified"))).await,
        "receipt_mismatch"
    );
    assert_eq!(webhook(&fixture)["data"]["mismatches"], json!(["variables"]));
    let without = UnsignedCallback::of("notified", &earlier("notified")).but("x:album", None);
    assert_eq!(CallbackFixture::new().code(&without).await, "receipt_mismatch");
    let fixture = CallbackFixture::new();
    assert_eq!(fixture.code(&UnsignedCallback::of("bare", &earlier("bare"))).await, "");
    assert_eq!(
        webhook(&fixture)["data"]["variables"],
        Value::Null,
        "where the route sets none, none is passed on"
    );
}

#[tokio::test]
async fn a_grant_of_before_the_settings_changed_still_holds() {
    // The route set a variable when it granted, and sets none now.
    let unsigned = UnsignedCallback::of("bare", &receipt("bare"));
    let fixture = CallbackFixture::new();
    assert_eq!(fixture.code(&unsigned).await, "");
    assert_eq!(webhook(&fixture)["data"]["variables"], json!({ "album": "a & b" }));
    // The route set none when it granted, and sets one now.
    let none = Receipt { variables_hash: Some(sealed(&[])), ..receipt("notified") };
    let fixture = CallbackFixture::new();
    assert_eq!(
        fixture.code(&UnsignedCallback::of("notified", &none).but("x:album", None)).await,
        ""
    );
    assert_eq!(webhook(&fixture)["data"]["variables"], Value::Null);
    assert_eq!(
        CallbackFixture::new().code(&UnsignedCallback::of("notified", &none)).await,
        "receipt_mismatch",
        "and one that was invented"
    );
}

#[tokio::test]
async fn invented_entity_tags_are_one_event_where_the_receipt_stands_for_one_upload() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::of("notified", &Receipt { once: true, ..receipt("notified") });
    for etag in ["A", "B", "C", "B\u{0}C", ""] {
        let unsigned = unsigned.clone().but("etag", Some(etag)).but("size", Some("7"));
        assert_eq!(fixture.code(&unsigned).await, "");
    }
    let known = ids(&fixture);
    assert_eq!(known.len(), 1, "{known:?}");
    let next = Receipt { once: true, id: "f".repeat(32), ..receipt("notified") };
    let other = CallbackFixture::new();
    assert_eq!(other.code(&UnsignedCallback::of("notified", &next)).await, "");
    assert_ne!(ids(&other), known, "another receipt is another event");
}

/// An object that was deleted can be uploaded anew under the same grant. The back end is asked again.
#[tokio::test]
async fn another_content_under_the_one_event_is_sent_again() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::of("notified", &Receipt { once: true, ..receipt("notified") });
    for etag in ["A", "A", "B"] {
        assert_eq!(fixture.code(&unsigned.clone().but("etag", Some(etag))).await, "");
    }
    assert_eq!(webhooks(&fixture).len(), 2);
    let scope = ReceiptScope::Prefix("photos/".to_owned());
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::of("notified", &Receipt { scope, ..receipt("notified") });
    for etag in ["A", "B"] {
        assert_eq!(fixture.code(&unsigned.clone().but("etag", Some(etag))).await, "");
    }
    assert_eq!(ids(&fixture).len(), 2, "a receipt of a directory stands for many uploads");
}
