//! The same event at several instances that share a store: the back end is notified once.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::callback::fixture::{CallbackFixture, UnsignedCallback};
use crate::support::redis::RedisServer;

#[tokio::test]
async fn a_replay_at_another_instance_gets_the_same_answer_and_sends_no_second_webhook() {
    let redis = RedisServer::start(&[]).await;
    let (one, other) =
        (CallbackFixture::sharing(&redis.url()), CallbackFixture::sharing(&redis.url()));
    one.outside.back_end.answers(200, "{\"id\":\"marker-1\"}");
    other.outside.back_end.answers(200, "{\"id\":\"marker-2\"}");
    let callback = UnsignedCallback::new("notified");
    let first = one.deliver(&callback).await;
    assert_eq!(first.body, "{\"id\":\"marker-1\"}");
    for _ in 0..2 {
        assert_eq!(other.deliver(&callback).await.whole(), first.whole());
    }
    assert_eq!((one.outside.back_end.calls(), other.outside.back_end.calls()), (1, 0));
    let left: u32 = redis.ask(&["TTL", &redis.names()[0]]).parse().unwrap();
    assert!((3000..=3600).contains(&left), "{left}");
    // The store cannot read the answer.
    redis.ask(&["SAVE"]);
    let stored = fs::read(redis.path("dump.rdb")).unwrap();
    assert!(!stored.windows(6).any(|bytes| bytes == b"marker"));
}

#[tokio::test]
async fn a_failure_is_not_shared_and_another_instance_may_try_at_once() {
    let redis = RedisServer::start(&[]).await;
    let (one, other) =
        (CallbackFixture::sharing(&redis.url()), CallbackFixture::sharing(&redis.url()));
    one.outside.back_end.answers(500, "");
    other.outside.back_end.answers(204, "");
    let callback = UnsignedCallback::new("notified");
    assert_eq!(one.code(&callback).await, "notify_failed");
    assert_eq!(other.code(&callback).await, "");
    assert_eq!(one.code(&callback).await, "", "the answer of the other instance");
    assert_eq!((one.outside.back_end.calls(), other.outside.back_end.calls()), (1, 1));
}

#[tokio::test]
async fn an_instance_waits_for_the_webhook_of_another_one() {
    let redis = RedisServer::start(&[]).await;
    let instances: Vec<_> =
        (0..4).map(|_| Arc::new(CallbackFixture::sharing(&redis.url()))).collect();
    let callers: Vec<_> = instances
        .iter()
        .map(|instance| {
            instance.outside.back_end.answers(200, "{\"id\":1}");
            instance.outside.back_end.takes(Duration::from_millis(500));
            let (instance, callback) = (Arc::clone(instance), UnsignedCallback::new("notified"));
            tokio::spawn(async move { instance.deliver(&callback).await.body })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "{\"id\":1}");
    }
    let calls: usize = instances.iter().map(|instance| instance.outside.back_end.calls()).sum();
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn a_callback_is_not_lost_if_the_store_fails() {
    let mut redis = RedisServer::start(&[]).await;
    let fixture = CallbackFixture::sharing(&redis.url());
    redis.kill();
    assert_eq!(fixture.code(&UnsignedCallback::new("notified")).await, "");
    assert_eq!(fixture.code(&UnsignedCallback::new("notified")).await, "");
    assert_eq!(fixture.outside.back_end.calls(), 1, "the instance remembers it alone");
}
