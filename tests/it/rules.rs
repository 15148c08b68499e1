//! Named routes, called in process: their answers, and one refusal for each rule.

use bytes::Bytes;
use http::{Request, header};
use insta::assert_snapshot;

use crate::support::app::Function;

const DOCUMENTED: &str = "/get_post_signature_for_oss_upload";

const FILE: &str = r#"
[routes.avatar]
key = "avatars/{random:8}-{stem}.{ext}"
types = ["image/*"]
extensions = ["png", "JPG"]
max_size = "2MiB"
max_files = 2
expires = "1h"

[routes.documents]
dir = "documents/"
[routes.documents.headers]
content-disposition = "attachment"
x-oss-storage-class = "IA"
[routes.documents.metadata]
title = { required = true }
project = "[a-z]+-[0-9]+"

[routes.own]
dir = "users/{sub}/"
[routes.team]
key = "teams/{claim:team}/logo.png"
[routes.one]
key = "one/{uuid}"
[routes.quiet]
success_status = 204
"#;

fn function() -> Function {
    Function::with_file(&[], FILE)
}

/// Requests a grant for one file and returns the error's code, or the key.
async fn verdict(route: &str, file: &str) -> String {
    let call = format!(r#"{{"route":"{route}","files":[{file}]}}"#);
    let answer = function().post("/uploads", &call).await.json();
    let upload = &answer["uploads"][0];
    let text = upload["key"].as_str().or(upload["error"]["error"].as_str());
    assert!(text.is_some(), "{answer}");
    text.unwrap().to_owned()
}

#[tokio::test]
async fn a_route_answers_with_its_limits() {
    assert_snapshot!(function().get("/routes/avatar").await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 210
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"name":"avatar","min_size":1,"max_size":2097152,"types":["image/*"],"extensions":["png","jpg"],"max_files":2,"expires_in":3600,"accept":".png,.jpg","metadata":[],"callback":false,"auth":[],"public_read":false}
    "#);
    assert_snapshot!(function().get("/routes/documents").await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 281
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"name":"documents","min_size":1,"max_size":104857600,"types":[],"extensions":[],"max_files":100,"expires_in":600,"accept":"","metadata":[{"name":"project","required":false,"pattern":"[a-z]+-[0-9]+"},{"name":"title","required":true}],"callback":false,"auth":[],"public_read":false}
    "#);
}

#[tokio::test]
async fn a_route_names_the_credentials_that_it_needs_and_whether_its_objects_are_public() {
    let file = r#"
        [routes.open.headers]
        x-oss-object-acl = "public-read"
        [routes.private.headers]
        x-oss-object-acl = "private"
        [routes.closed]
        auth = "any(ticket, all(origin, ticket))"
    "#;
    let settings = [
        ("UPLOAD_TICKET_KEYS", "an example key of more than 32 bytes"),
        ("UPLOAD_ORIGINS", "https://app.example.com"),
    ];
    let function = Function::with_file(&settings, file);
    for (route, auth, public_read) in
        [("open", "[]", true), ("private", "[]", false), ("closed", r#"["ticket"]"#, false)]
    {
        let answer = function.get(&format!("/routes/{route}")).await.json();
        assert_eq!(answer["auth"].to_string(), auth, "{route}");
        assert_eq!(answer["public_read"], public_read, "{route}");
    }
}

#[tokio::test]
async fn an_unknown_route_and_a_foreign_page_are_refused() {
    assert_eq!(function().get("/routes/none").await.json()["error"], "route_not_found");
    assert_eq!(function().get("/routes/%80").await.json()["error"], "invalid_request");
    assert_eq!(function().get("/routes").await.status, 404);
    let request = Request::get("/routes/avatar").header(header::ORIGIN, "https://evil.example");
    let answer = function().call(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(answer.json()["error"], "origin_not_allowed");
    let keyless = Function::with_file(
        &[("ALIBABA_CLOUD_ACCESS_KEY_ID", ""), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")],
        FILE,
    );
    assert_eq!(keyless.get("/routes/avatar").await.status, 200);
}

#[tokio::test]
async fn extension_not_allowed() {
    let png = r#""type":"image/png""#;
    assert_eq!(
        verdict("avatar", &format!(r#"{{"name":"x/Me.PNG",{png}}}"#)).await,
        "avatars/bxaqtnen-Me.png"
    );
    for name in ["me.gif", "me", "png", ".png", "me.png.", "me.png.exe", "me.p\u{200b}ng"] {
        let file = format!(r#"{{"name":"{name}",{png}}}"#);
        let code = verdict("avatar", &file).await;
        let safe = name.starts_with("me.p") && !name.ends_with("exe");
        assert_eq!(code == "extension_not_allowed", !safe, "{name}: {code}");
    }
    let call = r#"{"route":"avatar","files":[{"name":"a.gif","type":"image/gif"}]}"#;
    assert_snapshot!(function().post("/uploads", call).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 284
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"server_time":"2024-11-27T06:09:41Z","uploads":[{"error":{"error":"extension_not_allowed","message":"A file named \"a.gif\" is not taken; the names that are end in: png, jpg.","limits":{"min_size":1,"max_size":2097152,"types":["image/*"],"extensions":["png","jpg"],"max_files":2}}}]}
    "#);
}

#[tokio::test]
async fn name_required() {
    assert_eq!(verdict("avatar", "{}").await, "name_required");
    // A cropped picture has no name, or `FormData` calls it `blob`: it gets the extension of its type.
    assert_eq!(verdict("avatar", r#"{"type":"image/png"}"#).await, "avatars/bxaqtnen-file.png");
    assert_eq!(
        verdict("avatar", r#"{"name":"blob","type":"image/jpeg"}"#).await,
        "avatars/bxaqtnen-blob.jpg"
    );
    assert_snapshot!(function().get(&format!("{DOCUMENTED}?route=avatar")).await.whole(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 255
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"name_required","message":"The file's name is required, since the rules of this route depend on it. Ask with the name.","limits":{"min_size":1,"max_size":2097152,"types":["image/*"],"extensions":["png","jpg"],"max_files":2},"request_id":"1-test"}
    "#);
    let query = "?route=avatar&filename=a.png&type=image/png";
    let named = function().get(&format!("{DOCUMENTED}{query}")).await.json();
    assert_eq!(named["key"], "avatars/bxaqtnen-a.png");
}

#[tokio::test]
async fn a_complete_key_is_in_the_answer_without_a_file_name_too() {
    let answer = function().get(&format!("{DOCUMENTED}?route=one")).await.json();
    assert_eq!(answer["key"], "one/abababab-abab-4bab-abab-abababababab");
    assert_eq!(answer["dir"], "one/");
}

#[tokio::test]
async fn too_many_files() {
    let file = r#"{"name":"a.png","type":"image/png"}"#;
    let call = |count| format!(r#"{{"route":"avatar","files":[{}]}}"#, vec![file; count].join(","));
    assert_eq!(function().post("/uploads", &call(2)).await.status, 200);
    assert_snapshot!(function().post("/uploads", &call(3)).await.whole(), @r#"
    400 Bad Request
    cache-control: no-store
    content-length: 228
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"too_many_files","message":"The call names 3 files, one call takes 2. Ask in several calls.","limits":{"min_size":1,"max_size":2097152,"types":["image/*"],"extensions":["png","jpg"],"max_files":2},"request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn native_call_required() {
    assert_snapshot!(function().get(&format!("{DOCUMENTED}?route=documents")).await.whole(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 340
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"native_call_required","message":"This route fixes fields that the form of this call does not carry: Content-Disposition, x-oss-storage-class, x-oss-meta-title. Ask with POST /uploads and post every field of the answer.","limits":{"min_size":1,"max_size":104857600,"types":[],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
    let quiet = function().get(&format!("{DOCUMENTED}?route=quiet")).await.json();
    assert_eq!(quiet["error"], "native_call_required");
    assert_eq!(verdict("quiet", r#"{"name":"a"}"#).await.rsplit('/').next(), Some("a"));
}

#[tokio::test]
async fn metadata_is_what_the_route_allows() {
    for (metadata, code) in [
        (r#"{"title":"A cat"}"#, "documents/a"),
        (r#"{"title":"A cat","project":"up-1"}"#, "documents/a"),
        (r#"{"title":"A cat","colour":"red"}"#, "metadata_not_allowed"),
        (r#"{"project":"up-1"}"#, "metadata_required"),
        ("{}", "metadata_required"),
        ("null", "metadata_required"),
        (r#"{"title":"A cat","project":"up-1 "}"#, "metadata_invalid"),
        (r#"{"title":"Grüße"}"#, "metadata_invalid"),
        (r#"{"title":"a\r\nb: c"}"#, "metadata_invalid"),
        (r#"{"title":""}"#, "metadata_invalid"),
    ] {
        let file = format!(r#"{{"name":"a","metadata":{metadata}}}"#);
        assert_eq!(verdict("documents", &file).await, code, "{metadata}");
    }
    let large = format!(r#"{{"name":"a","metadata":{{"title":"{}"}}}}"#, "x".repeat(8192));
    assert_eq!(verdict("documents", &large).await, "metadata_too_large");
    let call = r#"{"route":"documents","files":[
        {"metadata":{"x":"1"}},{},{"metadata":{"title":"é"}}]}"#;
    let answer = function().post("/uploads", call).await.json();
    let uploads = answer["uploads"].as_array().unwrap();
    let messages: Vec<_> =
        uploads.iter().map(|one| one["error"]["message"].as_str().unwrap()).collect();
    assert_snapshot!(messages.join("\n"), @r#"
    This route takes no metadata "x". Leave it out, or allow it in the settings.
    This route wants the metadata "title". Give it in the file's 'metadata'.
    The metadata "title" has characters beyond ASCII, which a header cannot carry. Percent-encode the value, as encodeURIComponent does, and decode it where it is read.
    "#);
}

#[tokio::test]
async fn percent_encoded_metadata_is_taken_as_it_is() {
    let file = r#"{"name":"a","metadata":{"title":"Gr%C3%BC%C3%9Fe"}}"#;
    assert_eq!(verdict("documents", file).await, "documents/a");
}

#[tokio::test]
async fn a_call_without_a_route_means_the_only_one() {
    let only = Function::with_file(&[], "[routes.avatar]\ndir = \"avatars/\"\n");
    assert_eq!(only.get(DOCUMENTED).await.json()["dir"], "avatars/");
    let native = only.post("/uploads", r#"{"files":[{"name":"a"}]}"#).await.json();
    assert_eq!(native["uploads"][0]["key"], "avatars/a");
    let several = Function::with_file(&[], "[routes.a]\n[routes.b]\n").get(DOCUMENTED).await;
    assert_eq!(several.json()["error"], "route_not_found");
    let both = "dir = \"top/\"\n[routes.a]\ndir = \"a/\"\n[routes.default]\n";
    assert_eq!(Function::with_file(&[], both).get(DOCUMENTED).await.json()["dir"], "top/");
}

#[tokio::test]
async fn an_object_is_saved_under_the_name_of_its_file() {
    let file = "[routes.saved]\nkey = \"saved/{uuid}\"\n\
                headers.content-disposition = 'attachment; filename=\"{name}\"'\n";
    let function = Function::with_file(&[], file);
    for (name, disposition) in [
        ("a b.pdf", "attachment; filename=\"a b.pdf\""),
        ("x/re\"port.pdf", "attachment; filename=\"report.pdf\""),
        (
            "年 报.pdf",
            "attachment; filename=\"_ _.pdf\"; filename*=UTF-8''%E5%B9%B4%20%E6%8A%A5.pdf",
        ),
    ] {
        let call = serde_json::json!({"route": "saved", "files": [{"name": name}]}).to_string();
        let answer = function.post("/uploads", &call).await;
        let fields = &answer.json()["uploads"][0]["fields"];
        assert_eq!(fields["Content-Disposition"], disposition, "{name}");
        let policy: serde_json::Value = serde_json::from_str(&answer.policies()[0]).unwrap();
        let condition = serde_json::json!({"content-disposition": disposition});
        assert!(policy["conditions"].as_array().unwrap().contains(&condition), "{policy}");
    }
    // The form of the documentation's call has no such field.
    let refused = function.get(&format!("{DOCUMENTED}?route=saved&filename=a")).await;
    assert_eq!(refused.json()["error"], "native_call_required");
}

#[tokio::test]
async fn caller_unknown() {
    assert_snapshot!(function().get(&format!("{DOCUMENTED}?route=own")).await.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 284
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"caller_unknown","message":"The key or the callback of this route contains {sub} of the caller, and the caller has sent none. Ask with credentials that contain it.","limits":{"min_size":1,"max_size":104857600,"types":[],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
    assert_eq!(verdict("own", r#"{"name":"a"}"#).await, "caller_unknown");
    assert_eq!(verdict("team", "{}").await, "caller_unknown");
}

#[tokio::test]
async fn everything_that_a_route_fixes_is_a_field_and_a_condition() {
    let call = r#"{"route":"documents","files":[
        {"name":"Cafe\u0301.pdf","type":"application/pdf","metadata":{"title":"A cat"}}]}"#;
    assert_snapshot!(function().post("/uploads", call).await.policies()[0], @r#"{"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},{"x-oss-forbid-overwrite":"true"},{"x-oss-content-type":"application/pdf"},{"content-disposition":"attachment"},{"x-oss-storage-class":"IA"},{"x-oss-meta-title":"A cat"},{"key":"documents/Café.pdf"},["content-length-range",1,104857600]]}"#);
}
