//! The same event twice: the back end is notified once, and OSS gets the same answer.

use std::sync::Arc;
use std::time::Duration;

use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope};

use crate::callback::fixture::{CallbackFixture, UnsignedCallback, receipt};
use crate::support::wait::until;

/// The ids of all messages so far.
fn ids(fixture: &CallbackFixture) -> Vec<String> {
    let id = |asked: &crate::support::script::SentRequest| {
        asked.request.headers()["webhook-id"].to_str().unwrap().to_owned()
    };
    fixture.outside.back_end.sent().iter().map(id).collect()
}

#[tokio::test]
async fn a_replay_gets_the_same_answer_and_sends_no_second_webhook() {
    let fixture = CallbackFixture::new();
    fixture.outside.back_end.answers(200, "{\"id\":1}");
    let first = fixture.deliver(&UnsignedCallback::new("notified")).await;
    fixture.outside.back_end.answers(200, "{\"id\":2}");
    for unsigned in [UnsignedCallback::new("notified"), UnsignedCallback::new("notified").in_json()]
    {
        assert_eq!(fixture.deliver(&unsigned).await.whole(), first.whole());
    }
    assert_eq!(fixture.outside.back_end.calls(), 1);
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_keeps_its_id() {
    let fixture = CallbackFixture::new();
    fixture.outside.back_end.answers(500, "");
    assert_eq!(fixture.code(&UnsignedCallback::new("notified")).await, "notify_failed");
    fixture.outside.back_end.answers(204, "");
    assert_eq!(fixture.code(&UnsignedCallback::new("notified")).await, "");
    let ids = ids(&fixture);
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    let other = CallbackFixture::new();
    assert_eq!(other.code(&UnsignedCallback::new("notified")).await, "");
    assert_eq!(self::ids(&other)[0], ids[0], "another instance calls it the same");
}

#[tokio::test]
async fn another_object_and_another_content_are_other_events() {
    let fixture = CallbackFixture::new();
    let scope = ReceiptScope::Prefix("photos/".to_owned());
    let unsigned = UnsignedCallback::of("notified", &Receipt { scope, ..receipt("notified") });
    for (key, etag) in [("photos/a", "A"), ("photos/b", "A"), ("photos/a", "B"), ("photos/aA", "")]
    {
        let unsigned = unsigned.clone().but("object", Some(key)).but("etag", Some(etag));
        assert_eq!(fixture.code(&unsigned).await, "");
    }
    let mut ids = ids(&fixture);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_comes_during_the_webhook_waits_for_its_answer() {
    let fixture = Arc::new(CallbackFixture::new());
    fixture.outside.back_end.answers(200, "{\"id\":1}");
    fixture.outside.back_end.takes(Duration::from_secs(1));
    let request = UnsignedCallback::new("notified").request();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (fixture, request) = (Arc::clone(&fixture), request.clone());
            tokio::spawn(async move { fixture.function.call(request).await.body })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "{\"id\":1}");
    }
    assert_eq!(fixture.outside.back_end.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_leaves_the_turn_to_the_next() {
    let fixture = Arc::new(CallbackFixture::new());
    fixture.outside.back_end.takes(Duration::from_secs(1));
    let request = UnsignedCallback::new("notified").request();
    let call = || {
        let (fixture, request) = (Arc::clone(&fixture), request.clone());
        tokio::spawn(async move { fixture.function.call(request).await.status })
    };
    let (gone, stays) = (call(), call());
    until("the back end is called", || fixture.outside.back_end.calls() > 0).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(stays.await.unwrap(), 200);
    assert_eq!(fixture.outside.back_end.calls(), 2);
}

#[tokio::test]
async fn the_memory_has_an_end() {
    let fixture = CallbackFixture::new();
    let scope = ReceiptScope::Prefix("photos/".to_owned());
    let unsigned = UnsignedCallback::of("notified", &Receipt { scope, ..receipt("notified") });
    let numbered =
        |number: usize| unsigned.clone().but("object", Some(&format!("photos/{number}")));
    for number in 0..65 {
        assert_eq!(fixture.deliver(&numbered(number)).await.status, 200);
    }
    assert_eq!(fixture.deliver(&numbered(1)).await.status, 200);
    assert_eq!(fixture.outside.back_end.calls(), 65, "the last 64 are known");
    assert_eq!(fixture.deliver(&numbered(0)).await.status, 200);
    assert_eq!(fixture.outside.back_end.calls(), 66, "the first one is notified again");
}
