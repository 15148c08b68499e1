//! Download links: for whom and for what they are signed.

use bytes::Bytes;
use http::{Request, header};
use insta::assert_snapshot;
use oss_upload_signer::secret::Secret;
use serde_json::{Value, json};

use crate::support::app::{Answer, Function, NOW};
use crate::support::ticket::ticket_of;

const TICKET_KEY: &str = "an example key of more than 32 bytes";

const FILE: &str = r#"
[routes.own]
auth = "ticket"
key = "users/{sub}/{name}"
download.enabled = true
download.process = ["style/thumb", "image/resize,w_200"]

[routes.shared]
dir = "all/{uuid}/"
download.enabled = true
download.attachment = false
download.expires = "1h"

[routes.plain]
dir = "plain/{uuid}/"

[routes.callback]
dir = "all/{uuid}/"
download.enabled = true
callback.to = "self"
"#;

fn function(more: &[(&str, &str)]) -> Function {
    let keys = [("UPLOAD_TICKET_KEYS", TICKET_KEY), ("UPLOAD_RECEIPT_KEYS", TICKET_KEY)];
    let platform = [("FC_FUNCTION_NAME", "signer"), ("UPLOAD_CREDENTIALS", "environment")];
    Function::with_file(&[&keys[..], &platform, more].concat(), FILE)
}

async fn ask(function: &Function, subject: &str, body: &Value) -> Answer {
    let ticket = ticket_of(subject, NOW + 60);
    let request = Request::post("/downloads")
        .header("x-upload-ticket", ticket.sign(&Secret::new(TICKET_KEY)))
        .header(header::HOST, "sign.example");
    function.call(request.body(Bytes::from(body.to_string())).unwrap()).await
}

/// The parameters of a link.
fn parameters(url: &Value) -> Vec<(String, String)> {
    let query = url.as_str().unwrap().split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn parameter(url: &Value, name: &str) -> Option<String> {
    parameters(url).into_iter().find(|(one, _)| one == name).map(|(_, value)| value)
}

#[tokio::test]
async fn a_caller_gets_links_to_objects_of_their_own_and_to_no_other() {
    let function = function(&[]);
    let body = json!({ "route": "own", "keys": ["users/alice/照片 1.png", "users/bob/a.png"] });
    assert_snapshot!(ask(&function, "alice", &body).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1377
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"server_time":"2024-11-27T06:09:41Z","downloads":[{"key":"users/alice/照片 1.png","get":{"url":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com/users/alice/%E7%85%A7%E7%89%87%201.png?response-content-disposition=attachment%3B%20filename%3D%22__%201.png%22%3B%20filename%2A%3DUTF-8%27%27%25E7%2585%25A7%25E7%2589%2587%25201.png&x-oss-credential=STS.ExampleKeyId%2F20241127%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-date=20241127T060941Z&x-oss-expires=600&x-oss-security-token=ExampleToken&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=1ae21ac30128cf8b737bac528b245fa54f184c3b6f82da097a0809ff3fe8b459"},"head":{"url":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com/users/alice/%E7%85%A7%E7%89%87%201.png?response-content-disposition=attachment%3B%20filename%3D%22__%201.png%22%3B%20filename%2A%3DUTF-8%27%27%25E7%2585%25A7%25E7%2589%2587%25201.png&x-oss-credential=STS.ExampleKeyId%2F20241127%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-date=20241127T060941Z&x-oss-expires=600&x-oss-security-token=ExampleToken&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=166179ec50335daea8ff3509670c18b942fa9fb375fe5bbd555e1822d5904f8a"},"expires_at":"2024-11-27T06:19:41Z"},{"key":"users/bob/a.png","error":{"error":"key_not_allowed","message":"This route stores no object \"users/bob/a.png\" for this caller. Send the key as the upload returned it."}}]}
    "#);
    let keys = [
        "users/alice/../bob/a.png",
        "users/alice//a.png",
        "users/alice/",
        "users/alice",
        "/users/alice/a.png",
        "users/alice/a*.png",
        "users/alice/a/b.png",
        "users/alice2/a.png",
        "all/a.png",
        "",
    ];
    let answer = ask(&function, "alice", &json!({ "route": "own", "keys": keys })).await.json();
    for (index, key) in keys.iter().enumerate() {
        let one = &answer["downloads"][index];
        assert_eq!((&one["key"], &one["error"]["error"]), (&json!(key), &json!("key_not_allowed")));
        assert_eq!(one["get"], Value::Null);
    }
}

#[tokio::test]
async fn every_key_of_a_grant_gets_a_link() {
    let function = function(&[]);
    for name in ["a.png", "照片 🌏.PNG", "../../etc/passwd", "a\"b?.txt", "", "blob", ".env", "é"]
    {
        let upload = json!({ "route": "shared", "files": [{ "name": name }] });
        let grant = function.post("/uploads", &upload.to_string()).await.json();
        let key = &grant["uploads"][0]["key"];
        let answer =
            ask(&function, "alice", &json!({ "route": "shared", "keys": [key] })).await.json();
        let link = &answer["downloads"][0];
        assert_eq!(link["expires_at"], "2024-11-27T07:09:41Z", "{name}: {answer}");
        assert_eq!(parameter(&link["get"]["url"], "response-content-disposition"), None);
        assert_eq!(parameter(&link["get"]["url"], "x-oss-expires").unwrap(), "3600");
    }
}

#[tokio::test]
async fn an_operation_is_one_that_the_route_allows() {
    let function = function(&[]);
    let body = |process: Value| json!({ "route": "own", "keys": ["users/alice/a.png"], "process": process });
    for allowed in ["style/thumb", "image/resize,w_200"] {
        let answer = ask(&function, "alice", &body(json!(allowed))).await.json();
        for method in ["get", "head"] {
            let url = &answer["downloads"][0][method]["url"];
            assert_eq!(parameter(url, "x-oss-process").as_deref(), Some(allowed), "{answer}");
        }
    }
    for refused in ["style/original", "image/resize,w_2000", "style/thumb,", ""] {
        let answer = ask(&function, "alice", &body(json!(refused))).await.json();
        assert_eq!(answer["downloads"][0]["error"]["error"], "process_not_allowed", "{refused}");
    }
    let answer = ask(&function, "alice", &body(Value::Null)).await.json();
    assert_eq!(parameter(&answer["downloads"][0]["get"]["url"], "x-oss-process"), None);
}

#[tokio::test]
async fn links_need_a_route_with_downloads_its_credentials_and_a_body_that_is_understood() {
    let function = function(&[]);
    let refused = async |body: &str| {
        let answer = function.post("/downloads", body).await;
        (answer.status.as_u16(), answer.code())
    };
    for (body, status, code) in [
        (r#"{"keys":["a"]}"#, 404, "route_not_found"),
        (r#"{"route":"plain","keys":["a"]}"#, 404, "download_not_enabled"),
        (r#"{"route":"none","keys":["a"]}"#, 404, "route_not_found"),
        (r#"{"route":"own","keys":["users/alice/a"]}"#, 401, "ticket_missing"),
        (r#"{"route":"shared","keys":[]}"#, 400, "invalid_request"),
        (r#"{"route":"shared"}"#, 400, "invalid_request"),
        (r#"{"route":"shared","key":["a"]}"#, 400, "invalid_request"),
        ("", 400, "invalid_request"),
    ] {
        assert_eq!(refused(body).await, (status, code.to_owned()), "{body}");
    }
    let many = json!({ "route": "shared", "keys": vec!["a"; 101] }).to_string();
    assert_eq!(refused(&many).await.0, 400);
    // OSS calls nobody back, so a route whose callbacks need an address does without it.
    let body = json!({ "route": "callback", "keys": ["all/a"] });
    assert_eq!(ask(&function, "alice", &body).await.status, 200);
    let described = function.get("/routes/own").await.json();
    assert_eq!(
        described["download"],
        json!({ "expires_in": 600, "process": ["style/thumb", "image/resize,w_200"] })
    );
    assert_eq!(function.get("/routes/default").await.json()["download"], Value::Null);
}

#[tokio::test]
async fn links_count_against_the_budget_without_bytes() {
    let budget = [("UPLOAD_BUDGET_GRANTS", "2"), ("UPLOAD_BUDGET_BYTES", "1KB")];
    let function = function(&budget);
    let keys = ["users/alice/a", "users/alice/b", "users/alice/c"];
    let answer = ask(&function, "alice", &json!({ "route": "own", "keys": keys })).await.json();
    assert!(answer["downloads"][1]["get"]["url"].is_string(), "{answer}");
    assert_eq!(answer["downloads"][2]["error"]["error"], "budget_exceeded");
    let over = ask(&function, "alice", &json!({ "route": "own", "keys": keys })).await;
    assert_eq!((over.status.as_u16(), over.code().as_str()), (429, "budget_exceeded"));
    assert!(over.headers.contains_key(header::RETRY_AFTER));
}
