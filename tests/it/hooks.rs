//! What the platform itself asks: hooks, events, health.

use bytes::Bytes;
use fc_http::Event;
use http::Request;
use insta::assert_snapshot;

use crate::support::app::{Answer, Function, context};

async fn called(event: Event, body: &'static str) -> Answer {
    let request =
        Request::post("/any").extension(context(event)).body(Bytes::from_static(body.as_bytes()));
    Function::new(&[]).call(request.unwrap()).await
}

#[tokio::test]
async fn the_hooks_are_acknowledged_whatever_their_path() {
    for event in [Event::Initialize, Event::PreStop] {
        assert_eq!(called(event, "").await.status, 200, "{event:?}");
    }
}

#[tokio::test]
async fn an_event_is_answered_like_the_native_call() {
    let body = r#"{"files":[{"name":"a.png","type":"image/png","size":10}]}"#;
    let native = Function::new(&[]).post("/uploads", body).await;
    assert_eq!(called(Event::Invoke, body).await.json(), native.json());
    assert_eq!(called(Event::Invoke, "not json").await.json()["error"], "invalid_request");
}

#[tokio::test]
async fn health_tells_version_and_clock_and_nothing_else() {
    assert_snapshot!(Function::new(&[]).get("/health").await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 63
    content-type: application/json
    x-content-type-options: nosniff

    {"status":"ok","version":"0.1.0","time":"2024-11-27T06:09:41Z"}
    "#);
}
