//! Uploads in parts with a store that all instances share: completions that are repeated, and a store that fails.

use http::{Method, StatusCode};

use crate::multipart::fixture::{Fixture, PART, ROUTE, send, wish};
use crate::support::redis::RedisServer;

/// Deletes an object of the local OSS.
async fn delete(fixture: &Fixture, key: &str) {
    let url = fixture.signed_url("DELETE", key);
    assert_eq!(send(Method::DELETE, &url, b"").await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_completion_that_is_repeated_at_another_instance_gets_the_first_answer() {
    let redis = RedisServer::start(&[]).await;
    let url = redis.url();
    let content = vec![7; PART + 1];
    for (variables, expected) in
        [(vec![("UPLOAD_STORE_URL", url.as_str())], ""), (vec![], "upload_not_found")]
    {
        let fixture = Fixture::start(ROUTE, &variables).await;
        let upload = fixture.begin(content.len()).await;
        for number in [1, 2] {
            assert_eq!(upload.put(number, &content).await.status(), 200);
        }
        let first = fixture.at(0).post("/multipart/complete", &upload.body()).await;
        assert_eq!(first.status, 200, "{}", first.whole());
        // What the application has moved away meanwhile is no reason to fail.
        delete(&fixture, upload.key()).await;
        let again = fixture.at(60).post("/multipart/complete", &upload.body()).await;
        assert_eq!(again.code(), expected);
        if expected.is_empty() {
            assert_eq!(again.json(), first.json());
        }
    }
    assert_eq!(redis.names().len(), 1);
}

#[tokio::test]
async fn an_upload_that_was_granted_is_not_lost_if_the_store_fails() {
    let mut redis = RedisServer::start(&[]).await;
    let url = redis.url();
    let variables = [
        ("UPLOAD_STORE_URL", url.as_str()),
        ("UPLOAD_STORE_FAILURE", "refuse"),
        ("UPLOAD_BUDGETS", "total 1000/1h"),
    ];
    let fixture = Fixture::start(ROUTE, &variables).await;
    let content = vec![7; PART + 1];
    let upload = fixture.begin(content.len()).await;
    assert_eq!(upload.put(1, &content).await.status(), 200);
    redis.kill();
    assert_eq!(upload.put(2, &content).await.status(), 200);
    let parts = serde_json::json!({ "token": upload.token(), "from": 1, "count": 2 }).to_string();
    assert_eq!(fixture.at(1).post("/multipart/parts", &parts).await.status, 200);
    let done = fixture.at(1).post("/multipart/status", &upload.body()).await.json();
    assert_eq!(done["bytes"], content.len());
    let finished = fixture.at(1).post("/multipart/complete", &upload.body()).await;
    assert_eq!(finished.status, 200, "{}", finished.whole());
    let refused = fixture.at(1).post("/multipart", &wish(content.len()).to_string()).await;
    assert_eq!(refused.code(), "limits_unavailable");
}
