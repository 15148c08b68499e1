//! Budgets: per caller, within one instance.

use bytes::Bytes;
use fc_http::Event;
use http::Request;
use insta::assert_snapshot;

use crate::support::app::{Function, context};

const NATIVE: &str =
    r#"{"files":[{"name":"a","size":60},{"name":"b","size":60},{"name":"c","size":20}]}"#;

#[tokio::test]
async fn grants_are_counted() {
    let function = Function::new(&[("UPLOAD_BUDGET_GRANTS", "2"), ("UPLOAD_BUDGET_WINDOW", "90s")]);
    for _ in 0..2 {
        assert_eq!(function.ask("", &[]).await.status, 200);
    }
    assert_snapshot!(function.ask("", &[]).await.whole(), @r#"
    429 Too Many Requests
    cache-control: no-store
    content-length: 131
    content-type: application/json
    retry-after: 90
    vary: Origin
    x-content-type-options: nosniff

    {"error":"budget_exceeded","message":"You have been granted as much as there is for now. Ask again in 90 s.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn event_invocations_are_not_counted() {
    let function =
        Function::new(&[("UPLOAD_BUDGET_GRANTS", "1"), ("UPLOAD_BUDGETS", "total 1/1h")]);
    for _ in 0..3 {
        let mut event = Request::new(Bytes::from(r#"{"files":[{"name":"a.txt","size":1}]}"#));
        event.extensions_mut().insert(context(Event::Invoke));
        let granted = function.call(event).await.json();
        assert!(granted["uploads"][0]["fields"].is_object(), "{granted}");
    }
    assert_eq!(function.ask("", &[]).await.status, 200);
    assert_eq!(function.ask("", &[]).await.status, 429);
}

#[tokio::test]
async fn what_is_refused_by_the_rules_costs_nothing() {
    let function = Function::new(&[("UPLOAD_BUDGET_GRANTS", "1")]);
    for _ in 0..3 {
        assert_eq!(function.ask("?size=0", &[]).await.code(), "file_too_small");
    }
    assert_eq!(function.ask("", &[]).await.status, 200);
}

#[tokio::test]
async fn bytes_are_what_a_grant_allows_at_most() {
    let function = Function::new(&[("UPLOAD_BUDGET_BYTES", "100B")]);
    assert_eq!(
        function.ask("", &[]).await.code(),
        "budget_exceeded",
        "without a size the route's counts"
    );
    let verdicts = function.post("/uploads", NATIVE).await.json();
    let errors: Vec<_> = verdicts["uploads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["error"]["error"].clone())
        .collect();
    assert_eq!(
        errors,
        [serde_json::Value::Null, "budget_exceeded".into(), serde_json::Value::Null]
    );
    let all = function.post("/uploads", r#"{"files":[{"name":"a","size":60}]}"#).await;
    assert_eq!((all.status.as_u16(), all.headers["retry-after"].to_str().unwrap()), (429, "60"));
}
