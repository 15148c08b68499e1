//! Content types that a browser reads as another type: no call grants one, whatever its dialect.
//!
//! A browser splits a `Content-Type` header at commas and takes the last type, so that
//! `image/png;,text/html` is a web page. `tests/web/content-type.test.mjs` shows it in one.

use bytes::Bytes;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::app::{Answer, Function};

/// Two routes: one for a type, one for all types.
const FILE: &str = r#"
[routes.png]
types = ["image/png"]

[routes.open]
"#;

const ATTACKS: [&str; 22] = [
    "image/png;,text/html",
    "image/png;,text/html;",
    "image/png; ,text/html",
    "image/png,text/html",
    "image/png, text/html",
    "image/png ,text/html",
    "text/html,image/png",
    "image/,text/html",
    "text/plain;,text/html",
    "application/pdf;,text/html",
    "image/png; a=b, image/svg+xml",
    "image/png; charset=utf-8, text/html",
    "image/png; charset=utf-8,text/html; charset=utf-8",
    "image/png; charset=\",\";,text/html",
    "image/png; codecs=\"a,text/html\"",
    "image/png; codecs=\"a\\\",text/html\"",
    "image/png; codecs=\"a,text/html",
    "image/png; charset=\"\"\",text/html",
    "image/png; x=y",
    "image/png; text/html",
    "image/png; charset=a; charset=b",
    "image/png\t,\ttext/html",
];

fn functions() -> [Function; 2] {
    ["v4", "v1"].map(|signature| Function::with_file(&[("UPLOAD_SIGNATURE", signature)], FILE))
}

/// Asks for this type with every call that there is.
async fn answers(function: &Function, route: &str, content_type: &str) -> Vec<(String, Answer)> {
    let encoded = utf8_percent_encode(content_type, NON_ALPHANUMERIC);
    let query = format!("filename=a.png&type={encoded}");
    let mut requests: Vec<_> = [
        format!("/get_post_signature_for_oss_upload?route={route}&{query}"),
        format!("/presigned-post/{route}?{query}"),
        format!("/uppy/{route}/s3/params?{query}"),
        format!("/uview/{route}?{query}"),
        format!("/wechat/{route}?{query}"),
    ]
    .map(|address| (address.clone(), Request::get(address).body(Bytes::new()).unwrap()))
    .into();
    let file = json!({"name": "a.png", "type": content_type});
    for (address, body) in [
        ("/uploads".to_owned(), json!({"route": route, "files": [file]})),
        (
            format!("/uppy/{route}/sign"),
            json!({"method": "PUT", "key": "a.png", "contentType": content_type}),
        ),
    ] {
        let request = Request::post(&address).body(body.to_string().into()).unwrap();
        requests.push((address, request));
    }
    let mut answers = Vec::new();
    for (address, request) in requests {
        answers.push((address, function.call(request).await));
    }
    answers
}

/// Gives the code with which a type was refused, in a whole answer or in the verdict on the one file.
fn code(answer: &Answer) -> String {
    let json = answer.json();
    let verdict = json.pointer("/uploads/0/error/error").and_then(Value::as_str);
    verdict.map_or_else(|| answer.code(), str::to_owned)
}

#[tokio::test]
async fn no_call_grants_a_type_that_a_browser_may_read_as_another() {
    for function in functions() {
        for attack in ATTACKS {
            for route in ["png", "open"] {
                for (address, answer) in answers(&function, route, attack).await {
                    assert_eq!(code(&answer), "invalid_request", "{attack} {address}");
                    assert_eq!(answer.policies(), [""; 0], "{attack} {address}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_call_pins_the_canonical_type_however_it_was_written() {
    for function in functions() {
        for (written, pinned, part) in [
            (
                "IMAGE/PNG",
                r#"{"x-oss-content-type":"image/png"}"#,
                r#"{"content-type":"image/png"}"#,
            ),
            (
                "Image/Png;CHARSET=\"UTF-8\"",
                r#"{"x-oss-content-type":"image/png; charset=utf-8"}"#,
                r#"["in","$content-type",["image/png; charset=utf-8","image/png;charset=utf-8"]]"#,
            ),
        ] {
            for route in ["png", "open"] {
                for (address, answer) in answers(&function, route, written).await {
                    let [policy] = &answer.policies()[..] else { panic!("{address}") };
                    let is_documented = address.starts_with("/get_post");
                    let condition = if is_documented { part } else { pinned };
                    assert!(policy.contains(condition), "{written} {address}: {policy}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_type_that_can_run_scripts_is_an_attachment_however_it_is_written() {
    let [function, _] = functions();
    for written in [
        "text/html",
        "TEXT/HTML",
        "Text/Html ; Charset=\"UTF-8\"",
        "image/SVG+xml;charset=utf-8",
        "application/rss+XML",
        "text/javascript1.2",
        "multipart/mixed;boundary=a",
        "message/rfc822",
        "application/x-unknown-content-type",
    ] {
        for (address, answer) in answers(&function, "open", written).await {
            let [policy] = &answer.policies()[..] else { panic!("{written} {address}") };
            if !address.starts_with("/get_post") {
                let attachment = r#"{"content-disposition":"attachment"}"#;
                assert!(policy.contains(attachment), "{written} {address}: {policy}");
            }
        }
    }
}
