//! What holds for every answer of the function, whoever asked for what.

use bytes::Bytes;
use fc_http::Event;
use http::{Request, header};
use serde_json::json;

use crate::support::app::{Answer, Function, context};

const DOCUMENTED: &str = "/get_post_signature_for_oss_upload";

const FILE: &str = r#"
[routes.png]
types = ["image/png"]
extensions = ["png"]

[routes.titled.metadata]
title = { pattern = "[a-z]{1,40}" }
"#;

fn function() -> Function {
    Function::with_file(&[("UPLOAD_ORIGINS", "https://app.example")], FILE)
}

async fn from_origin(function: &Function, method: &str, origin: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(DOCUMENTED)
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
    function.call(request.body(Bytes::new()).unwrap()).await
}

#[tokio::test]
async fn no_answer_lets_a_browser_guess_its_type() {
    let function = function();
    let mut answers = Vec::new();
    for path in [
        "/",
        "/client.js",
        "/oss-errors.json",
        "/openapi.json",
        "/llms.txt",
        "/health",
        "/routes/default",
        "/routes/none",
        "/nothing",
        "/uploads",
        DOCUMENTED,
        "/uview/default",
        "/uview/none",
        "/wechat/default?type=none",
        "/presigned-post/default",
        "/uppy/default/s3/params",
        "/callback/default",
    ] {
        answers.push((path, function.get(path).await));
    }
    for (path, body) in [
        ("/uploads", r#"{"files":[{"name":"a.png"}]}"#),
        ("/uploads", "no JSON"),
        ("/uppy/default/sign", r#"{"key":"a.png"}"#),
        ("/callback/default", ""),
        ("/health", ""),
    ] {
        answers.push((path, function.post(path, body).await));
    }
    for (method, origin) in
        [("OPTIONS", "https://app.example"), ("OPTIONS", "null"), ("GET", "https://evil.example")]
    {
        answers.push((method, from_origin(&function, method, origin).await));
    }
    for event in [Event::Invoke, Event::Initialize, Event::PreStop] {
        let request = Request::post("/any").extension(context(event)).body(Bytes::new()).unwrap();
        answers.push(("an event", function.call(request).await));
    }
    for (asked, answer) in answers {
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{asked}");
    }
}

/// Counts the longest run of a letter that no sentence of the function's has twice in a row.
fn longest_run(answer: &Answer) -> usize {
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    body.split(|letter| letter != 'q').map(str::len).max().unwrap_or(0)
}

/// Sends texts of up to 900,000 letters wherever a call takes a text, and returns what was answered.
async fn answers_to_long_texts() -> Vec<(&'static str, Answer)> {
    let function = function();
    let long = "q".repeat(900_000);
    let line = &long[..9000];
    let mut answers = vec![(
        "an origin",
        from_origin(&function, "GET", &format!("https://{line}.example")).await,
    )];
    for (what, path) in [
        ("a route in a query", format!("{DOCUMENTED}?route={line}")),
        ("a route in a path", format!("/presigned-post/{line}")),
        ("a route's limits", format!("/routes/{line}")),
        ("a type", format!("/uview/png?filename=a.png&type=a/{}", &long[..250])),
        ("what is no type", format!("/wechat/png?type={line}")),
        ("a size", format!("/wechat/png?size={line}")),
        ("a name", format!("/wechat/png?filename={line}.exe&type=image/png")),
    ] {
        answers.push((what, function.get(&path).await));
    }
    let listed = [
        ("a route", json!({"route": long, "files": [{}]})),
        (
            "a name in a list",
            json!({"route": "png", "files": [{"name": long, "type": "image/png"}]}),
        ),
        ("a type in a list", json!({"route": "png", "files": [{"name": "a", "type": long}]})),
        ("metadata", json!({"files": [{"metadata": {long.as_str(): "a"}}]})),
        ("a value", json!({"route": "titled", "files": [{"metadata": {"title": long}}]})),
        ("no list", json!({"files": long})),
        ("no object", json!({"files": [long]})),
        ("no number", json!({"files": [{"size": long}]})),
        ("a text", json!(long)),
    ];
    let signed = [
        ("a method", json!({"key": "a.png", "method": long})),
        ("no size", json!({"key": "a.png", "size": long})),
        ("an id", json!({"key": "a.png", "uploadId": [long]})),
        ("a content type", json!({"key": "a.png", "contentType": long})),
    ];
    let callback = format!("/callback/{line}");
    let listed = listed.map(|case| ("/uploads", case));
    let signed = signed.map(|case| ("/uppy/default/sign", case));
    let others = [(callback.as_str(), ("a callback's route", json!("")))];
    for (path, (what, body)) in listed.into_iter().chain(signed).chain(others) {
        answers.push((what, function.post(path, &body.to_string()).await));
    }
    answers
}

#[tokio::test]
async fn no_error_echoes_more_than_200_characters_of_what_was_sent() {
    let mut echoes = 0;
    for (what, answer) in answers_to_long_texts().await {
        let run = longest_run(&answer);
        assert!(run <= 200, "{what}: {run}");
        assert!(answer.body.len() < 2000, "{what}: {}", answer.body.len());
        let json = answer.json();
        assert!(!json["error"].is_null() || json["uploads"][0]["error"].is_object(), "{what}");
        echoes += usize::from(run > 150);
    }
    assert!(echoes >= 10, "what is echoed is cut, not left out: {echoes}");
}

#[tokio::test]
async fn an_echo_is_cut_between_two_characters_and_says_so() {
    let body = json!({"route": "照".repeat(201), "files": [{}]}).to_string();
    let answer = function().post("/uploads", &body).await;
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("\"{}\"…", "照".repeat(200))), "{message}");
}
