//! The same event twice: told once, answered the same.

use std::sync::Arc;
use std::time::Duration;

use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope};

use crate::callback::stage::{Stage, Told, receipt};
use crate::support::wait::until;

/// The ids of all messages so far.
fn ids(stage: &Stage) -> Vec<String> {
    let id = |asked: &crate::support::script::SentRequest| {
        asked.request.headers()["webhook-id"].to_str().unwrap().to_owned()
    };
    stage.outside.back_end.sent().iter().map(id).collect()
}

#[tokio::test]
async fn a_replay_is_answered_the_same_and_not_told_again() {
    let stage = Stage::new();
    stage.outside.back_end.answers(200, "{\"id\":1}");
    let first = stage.tell(&Told::new("told")).await;
    stage.outside.back_end.answers(200, "{\"id\":2}");
    for told in [Told::new("told"), Told::new("told").in_json()] {
        assert_eq!(stage.tell(&told).await.whole(), first.whole());
    }
    assert_eq!(stage.outside.back_end.calls(), 1);
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_keeps_its_id() {
    let stage = Stage::new();
    stage.outside.back_end.answers(500, "");
    assert_eq!(stage.code(&Told::new("told")).await, "notify_failed");
    stage.outside.back_end.answers(204, "");
    assert_eq!(stage.code(&Told::new("told")).await, "");
    let ids = ids(&stage);
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    let other = Stage::new();
    assert_eq!(other.code(&Told::new("told")).await, "");
    assert_eq!(self::ids(&other)[0], ids[0], "another instance calls it the same");
}

#[tokio::test]
async fn another_object_and_another_content_are_other_events() {
    let stage = Stage::new();
    let scope = ReceiptScope::Prefix("photos/".to_owned());
    let told = Told::of("told", &Receipt { scope, ..receipt("told") });
    for (key, etag) in [("photos/a", "A"), ("photos/b", "A"), ("photos/a", "B"), ("photos/aA", "")]
    {
        let told = told.clone().but("object", Some(key)).but("etag", Some(etag));
        assert_eq!(stage.code(&told).await, "");
    }
    let mut ids = ids(&stage);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_it_is_being_told_waits_for_the_answer() {
    let stage = Arc::new(Stage::new());
    stage.outside.back_end.answers(200, "{\"id\":1}");
    stage.outside.back_end.takes(Duration::from_secs(1));
    let request = Told::new("told").request();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (stage, request) = (Arc::clone(&stage), request.clone());
            tokio::spawn(async move { stage.function.call(request).await.body })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "{\"id\":1}");
    }
    assert_eq!(stage.outside.back_end.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_leaves_the_turn_to_the_next() {
    let stage = Arc::new(Stage::new());
    stage.outside.back_end.takes(Duration::from_secs(1));
    let request = Told::new("told").request();
    let call = || {
        let (stage, request) = (Arc::clone(&stage), request.clone());
        tokio::spawn(async move { stage.function.call(request).await.status })
    };
    let (gone, stays) = (call(), call());
    until("the back end is called", || stage.outside.back_end.calls() > 0).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(stays.await.unwrap(), 200);
    assert_eq!(stage.outside.back_end.calls(), 2);
}

#[tokio::test]
async fn the_memory_has_an_end() {
    let stage = Stage::new();
    let scope = ReceiptScope::Prefix("photos/".to_owned());
    let told = Told::of("told", &Receipt { scope, ..receipt("told") });
    let numbered = |number: usize| told.clone().but("object", Some(&format!("photos/{number}")));
    for number in 0..65 {
        assert_eq!(stage.tell(&numbered(number)).await.status, 200);
    }
    assert_eq!(stage.tell(&numbered(1)).await.status, 200);
    assert_eq!(stage.outside.back_end.calls(), 65, "the last 64 are known");
    assert_eq!(stage.tell(&numbered(0)).await.status, 200);
    assert_eq!(stage.outside.back_end.calls(), 66, "the first one is told again");
}
