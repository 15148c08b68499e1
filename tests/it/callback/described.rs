//! `openapi.json` on the call that no client makes: every answer is as described, and every one that is
//! described is met.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;

use crate::callback::stage::{Stage, Told};
use crate::machines::document::Document;
use crate::support::script::ScriptedResponse;

const PATH: &str = "/callback/{route}";

/// One call for each status.
async fn answers() -> Vec<crate::support::app::Answer> {
    let told = Told::new("told");
    let of = |line: ScriptedResponse| {
        let stage = Stage::new();
        stage.outside.back_end.says(line);
        stage
    };
    let no_key = Stage::new();
    no_key.outside.oss.answers(404, "");
    let no_text = Request::post("/callback/%ff").body(Bytes::new()).unwrap();
    let mut answers = vec![Stage::new().function.call(no_text).await];
    for (stage, told) in [
        (Stage::new(), Told::new("default")),
        (of(ScriptedResponse::answer(200, &[], "{\"id\":1}")), told.clone()),
        (of(ScriptedResponse::answer(500, &[], "")), told.clone()),
        (of(ScriptedResponse::Timeout), told.clone()),
        (no_key, told.clone()),
        (Stage::new(), told.clone().but("etag", None)),
        (Stage::new(), told.clone().but("size", Some("0"))),
        (Stage::new(), Told::new("mute")),
        (Stage::new(), Told::new("none")),
    ] {
        answers.push(stage.tell(&told).await);
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
    let answer = Stage::new().tell(&Told::new("default")).await.json();
    assert!(stored.is_valid(&answer), "{answer}");
}

#[test]
fn what_oss_tells_is_described() {
    let document = Document::read();
    let operations = document.operations();
    let operation = operations.iter().find(|one| one.path == PATH).unwrap();
    let told = document.asked(operation.body.as_ref().unwrap());
    let body = Told::new("default").in_json().body();
    assert!(told.is_valid(&serde_json::from_str(&body).unwrap()), "{body}");
}
