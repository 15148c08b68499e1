//! The token of an upload: good for one caller, one route and one time, and only as it was given.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use crate::multipart::fixture::{Fixture, KEY, PART, ROUTE, content, failure, post_as, wish};

const CALLS: [&str; 4] =
    ["/multipart/parts", "/multipart/status", "/multipart/complete", "/multipart/abort"];

fn body(path: &str, token: &str) -> String {
    if path == "/multipart/parts" {
        return json!({ "token": token, "from": 1, "count": 1 }).to_string();
    }
    json!({ "token": token }).to_string()
}

#[tokio::test]
async fn a_token_is_good_for_the_caller_who_began() {
    let fixture = Fixture::start(
        ROUTE,
        &[("UPLOAD_AUTH", "any(ticket, origin)"), ("UPLOAD_ORIGINS", "https://app.example.com")],
    )
    .await;
    let function = fixture.at(0);
    let begun = post_as(&function, "alice", "/multipart", &wish(PART).to_string()).await.json();
    let token = begun["token"].as_str().unwrap();
    for path in CALLS {
        let body = body(path, token);
        let other = post_as(&function, "bob", path, &body).await;
        assert_eq!(failure(&other), (403, "upload_token_foreign".to_owned()), "{path}");
        let unknown = function.post(path, &body).await;
        assert_eq!(unknown.status, 401, "{path}: {}", unknown.whole());
    }
    for path in &CALLS[..2] {
        assert_eq!(post_as(&function, "alice", path, &body(path, token)).await.status, 200);
    }
    assert_eq!(post_as(&function, "alice", CALLS[3], &body(CALLS[3], token)).await.status, 204);
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_token_is_good_until_its_end() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let upload = fixture.begin(PART).await;
    for path in CALLS {
        let late = fixture.at(3600).post(path, &body(path, upload.token())).await;
        assert_eq!(failure(&late), (410, "upload_token_expired".to_owned()), "{path}");
    }
    let last = fixture.at(3599).post(CALLS[0], &body(CALLS[0], upload.token())).await;
    assert_eq!(last.json()["expires_at"], upload.0["resume_until"]);
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_token_of_another_key_bucket_or_kind_is_refused() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let upload = fixture.begin(PART).await;
    let other_key = [("UPLOAD_TOKEN_KEYS", "the key of another function and 32 bytes")];
    let other = Fixture::start(ROUTE, &other_key).await;
    let refused = other.at(0).post(CALLS[1], &upload.body()).await;
    assert_eq!(failure(&refused), (400, "upload_token_invalid".to_owned()));
    let two = format!("the key of another function and 32 bytes, {KEY}");
    let rotated = Fixture::start(ROUTE, &[("UPLOAD_TOKEN_KEYS", &two)]).await;
    let signed = rotated.at(0).post(CALLS[0], &body(CALLS[0], upload.token())).await;
    assert_eq!(signed.status, 200, "{}", signed.whole());
    let bucket = Fixture::start(ROUTE, &[("OSS_BUCKET", "otherbucket")]).await;
    let refused = bucket.at(0).post(CALLS[0], &body(CALLS[0], upload.token())).await;
    assert_eq!(failure(&refused), (403, "upload_token_foreign".to_owned()));
    for text in ["", "u1.", "u1.e30.AAAA", "v1.e30.AAAA", "照"] {
        let refused = fixture.at(0).post(CALLS[1], &body(CALLS[1], text)).await;
        assert_eq!(failure(&refused), (400, "upload_token_invalid".to_owned()), "{text}");
    }
    for fixture in [fixture, other, rotated, bucket] {
        fixture.oss.stop().await;
    }
}

/// A thousand tokens, each changed in one to four bytes: none is taken for another one.
#[tokio::test]
async fn a_changed_token_is_never_accepted() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let upload = fixture.begin(PART).await;
    upload.put(1, &content(PART)).await;
    let token = upload.token().to_owned();
    let mut runner = TestRunner::new_with_rng(
        Config { failure_persistence: None, ..Config::with_cases(1000) },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let changes = proptest::collection::vec((0..token.len(), "[A-Za-z0-9_.=-]"), 1..5);
    let tokens = std::cell::RefCell::new(Vec::new());
    let made = runner.run(&changes, |changes| {
        let mut forged = token.clone();
        for (place, character) in changes {
            forged.replace_range(place..=place, &character);
        }
        prop_assume!(forged != token);
        tokens.borrow_mut().push(forged);
        Ok(())
    });
    made.unwrap();
    let tokens = tokens.into_inner();
    assert!(tokens.len() >= 1000);
    let function = fixture.at(0);
    for (index, changed) in tokens.iter().enumerate() {
        let path = CALLS[index % CALLS.len()];
        let refused = function.post(path, &body(path, changed)).await;
        assert_eq!(failure(&refused), (400, "upload_token_invalid".to_owned()), "{changed}");
    }
    assert_eq!(function.post(CALLS[2], &upload.body()).await.status, 200);
    fixture.oss.stop().await;
}
