//! `openapi.json` on the call that no client makes: every answer is as described, and every one that is
//! described is met.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;

use crate::callback::fixture::{CallbackFixture, UnsignedCallback};
use crate::machines::document::Document;
use crate::support::script::ScriptedResponse;

const PATH: &str = "/callback/{route}";

/// One call for each status.
async fn answers() -> Vec<crate::support::app::Answer> {
    let unsigned = UnsignedCallback::new("notified");
    let of = |line: ScriptedResponse| {
        let fixture = CallbackFixture::new();
        fixture.outside.back_end.says(line);
        fixture
    };
    let no_key = CallbackFixture::new();
    no_key.outside.oss.answers(404, "");
    let no_text = Request::post("/callback/%ff").body(Bytes::new()).unwrap();
    let mut answers = vec![CallbackFixture::new().function.call(no_text).await];
    for (fixture, unsigned) in [
        (CallbackFixture::new(), UnsignedCallback::new("default")),
        (of(ScriptedResponse::answer(200, &[], "{\"id\":1}")), unsigned.clone()),
        (of(ScriptedResponse::answer(500, &[], "")), unsigned.clone()),
        (of(ScriptedResponse::Timeout), unsigned.clone()),
        (no_key, unsigned.clone()),
        (CallbackFixture::new(), unsigned.clone().but("etag", None)),
        (CallbackFixture::new(), unsigned.clone().but("size", Some("0"))),
        (CallbackFixture::new(), UnsignedCallback::new("mute")),
        (CallbackFixture::new(), UnsignedCallback::new("none")),
    ] {
        answers.push(fixture.deliver(&unsigned).await);
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_as_described() {
    let document = Document::read();
    let operations = document.operations();
    let operation = operations.iter().find(|one| one.path == PATH).unwrap();
    let mut met = BTreeSet::new();
    for answer in answers().await {
        let status = answer.status.as_str();
        let (_, response) = operation.responses.iter().find(|(one, _)| one == status).unwrap();
        let schema = document.answered(&response["content"]["application/json"]["schema"]);
        assert!(schema.is_valid(&answer.json()), "{}", answer.whole());
        met.insert(status.to_owned());
    }
    let described = operation.responses.iter().map(|(status, _)| status.clone());
    assert_eq!(met, described.filter(|status| status != "default").collect());
}

#[tokio::test]
async fn the_functions_own_answer_is_described_whole() {
    let document = Document::read();
    let stored = document.answered(&document.0["components"]["schemas"]["Stored"]);
    let answer = CallbackFixture::new().deliver(&UnsignedCallback::new("default")).await.json();
    assert!(stored.is_valid(&answer), "{answer}");
}

#[test]
fn what_oss_tells_is_described() {
    let document = Document::read();
    let operations = document.operations();
    let operation = operations.iter().find(|one| one.path == PATH).unwrap();
    let unsigned = document.asked(operation.body.as_ref().unwrap());
    let body = UnsignedCallback::new("default").in_json().body();
    assert!(unsigned.is_valid(&serde_json::from_str(&body).unwrap()), "{body}");
}
