//! Every failure of the routes, as whole answers: one row per code.

use bytes::Bytes;
use http::{Request, header};
use insta::assert_snapshot;

use crate::support::app::{Answer, Function};

const DOCUMENTED: &str = "/get_post_signature_for_oss_upload";

async fn from_origin(function: &Function, method: &str, origin: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(DOCUMENTED)
        .header(header::HOST, "sign.example")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
    function.call(request.body(Bytes::new()).unwrap()).await
}

#[tokio::test]
async fn origin_not_allowed() {
    let function = Function::new(&[("UPLOAD_ORIGINS", "https://app.example")]);
    assert_snapshot!(from_origin(&function, "GET", "https://evil.example").await.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 178
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"origin_not_allowed","message":"Pages of \"https://evil.example\" may not ask for uploads here. If they should, add the origin to UPLOAD_ORIGINS.","request_id":"1-test"}
    "#);
    assert_eq!(from_origin(&function, "OPTIONS", "https://evil.example").await.status, 403);
    assert_eq!(from_origin(&function, "GET", "null").await.status, 403);
    assert_eq!(from_origin(&Function::new(&[]), "GET", "https://app.example").await.status, 403);
}

#[tokio::test]
async fn an_allowed_origin_may_ask_and_read() {
    for (origins, origin) in [
        ("https://app.example, https://other.example", "https://app.example"),
        ("https://app.example", "https://sign.example"),
        ("", "https://sign.example"),
        ("*", "https://anyone.example"),
    ] {
        let function = Function::new(&[("UPLOAD_ORIGINS", origins)]);
        let answer = from_origin(&function, "GET", origin).await;
        assert_eq!(answer.status, 200, "{origins}");
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
        assert_eq!(answer.headers[header::VARY], "Origin");
    }
    let function = Function::new(&[("UPLOAD_ORIGINS", "https://app.example")]);
    assert_snapshot!(from_origin(&function, "OPTIONS", "https://app.example").await.whole(), @"
    204 No Content
    access-control-allow-headers: authorization, content-type, accept, x-requested-with, x-csrf-token, x-upload-ticket, uppy-auth-token, uppy-versions, uppy-credentials-params
    access-control-allow-methods: GET, POST, DELETE, OPTIONS
    access-control-allow-origin: https://app.example
    access-control-expose-headers: x-request-id, retry-after
    access-control-max-age: 7200
    vary: Origin
    x-content-type-options: nosniff

    0 bytes
    ");
}

#[tokio::test]
async fn the_settings_name_more_headers_that_a_page_may_send() {
    let variables = [
        ("UPLOAD_ORIGINS", "https://app.example"),
        ("UPLOAD_CORS_HEADERS", "Traceparent, x-tenant, accept"),
    ];
    let answer = from_origin(&Function::new(&variables), "OPTIONS", "https://app.example").await;
    assert_eq!(
        answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS],
        "authorization, content-type, accept, x-requested-with, x-csrf-token, x-upload-ticket, uppy-auth-token, \
         uppy-versions, uppy-credentials-params, traceparent, x-tenant"
    );
}

async fn in_chinese(function: &Function, path: &str) -> Answer {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9,en;q=0.8");
    function.call(request.body(Bytes::new()).unwrap()).await
}

#[tokio::test]
async fn a_message_is_in_the_language_of_the_caller() {
    let function =
        Function::new(&[("UPLOAD_TYPES", "image/png"), ("UPLOAD_ORIGINS", "https://a.example")]);
    let mut messages = Vec::new();
    for path in [
        "/nothing",
        "/uploads",
        "/presigned-post/none",
        "/presigned-post/default?type=text/html",
        "/presigned-post/default?size=104857601&type=image/png",
        "/presigned-post/default?fileName=a",
        "/wechat/default?size=ten",
        "/uview/default?filename=a.txt",
    ] {
        let json = in_chinese(&function, path).await.json();
        let message = json["message"].as_str().unwrap().to_owned();
        assert!(json["msg"].is_null() || json["msg"] == message.as_str(), "{json}");
        messages.push(format!("{}: {message}", json["error"].as_str().unwrap()));
    }
    assert_snapshot!(messages.join("\n"), @r#"
    not_found: 该路径不存在。
    method_not_allowed: 该路径不支持此请求方法。
    route_not_found: 没有路由 none。
    type_not_allowed: 不允许 text/html 类型，允许：image/png。
    file_too_large: 文件太大，最多允许 100 MiB。
    invalid_request: 请求有误：没有参数 "fileName"，最接近的是 filename。
    invalid_request: 请求有误：size 不是字节数，正确的形式如 1024。
    type_not_allowed: 不允许 text/plain 类型，允许：image/png。
    "#);
    let request = Request::post("/uploads").header(header::ACCEPT_LANGUAGE, "zh");
    let body = Bytes::from_static(br#"{"files":[{"name":"a.txt"},{"name":"a.png","size":0}]}"#);
    let json = function.call(request.body(body).unwrap()).await.json();
    let inside = [0, 1].map(|index| json["uploads"][index]["error"]["message"].to_string());
    assert_snapshot!(inside.join("\n"), @r#"
    "不允许 text/plain 类型，允许：image/png。"
    "文件是空的。"
    "#);
}

#[tokio::test]
async fn not_found() {
    assert_snapshot!(Function::new(&[]).get("/elsewhere").await.whole(), @r#"
    404 Not Found
    cache-control: no-store
    content-length: 121
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"not_found","message":"There is nothing at this path. GET /openapi.json lists the calls.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn the_hooks_paths_are_ordinary_ones_for_ordinary_callers() {
    for path in ["/initialize", "/pre-stop", "/invoke"] {
        assert_eq!(Function::new(&[]).post(path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn method_not_allowed() {
    assert_snapshot!(Function::new(&[]).get("/uploads").await.whole(), @r#"
    405 Method Not Allowed
    allow: POST
    cache-control: no-store
    content-length: 152
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"method_not_allowed","message":"This path is not called with this method; the header 'allow' lists those that it takes.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn invalid_request() {
    let function = Function::new(&[]);
    assert_snapshot!(function.post("/uploads", "{\"files\":[{\"size\":-1}]}").await.whole(), @r#"
    400 Bad Request
    cache-control: no-store
    content-length: 282
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"invalid_request","message":"The call cannot be understood: the body is not the JSON of this call (invalid value: integer `-1`, expected u64 at line 1 column 20); it looks like {\"files\":[{\"name\":\"a.png\",\"type\":\"image/png\",\"size\":1024}]}.","request_id":"1-test"}
    "#);
    for body in
        ["", "[]", "{}", "{\"files\":[]}", "{\"files\":{}}", "\u{0}", "{\"files\":[{\"name\":1}]}"]
    {
        assert_eq!(
            function.post("/uploads", body).await.json()["error"],
            "invalid_request",
            "{body}"
        );
    }
    let verdict = function.post("/uploads", r#"{"files":[{"type":"image"}]}"#).await.json();
    assert_eq!(verdict["uploads"][0]["error"]["error"], "invalid_request");
    for query in ["size=ten", "size=-1", "type=image", "type=image%2Fpng%0D%0Ax:y"] {
        let answer = function.get(&format!("{DOCUMENTED}?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (400, &"invalid_request".into()),
            "{query}"
        );
    }
}

#[tokio::test]
async fn route_not_found() {
    assert_snapshot!(Function::new(&[]).get(&format!("{DOCUMENTED}?route=avatar")).await.whole(), @r#"
    404 Not Found
    cache-control: no-store
    content-length: 126
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"route_not_found","message":"There is no route \"avatar\". Name one that the settings define.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn too_many_files() {
    let body = |count| format!(r#"{{"files":[{}]}}"#, vec!["{}"; count].join(","));
    assert_snapshot!(Function::new(&[]).post("/uploads", &body(101)).await.whole(), @r#"
    400 Bad Request
    cache-control: no-store
    content-length: 216
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"too_many_files","message":"The call names 101 files, one call takes 100. Ask in several calls.","limits":{"min_size":1,"max_size":104857600,"types":[],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
    assert_eq!(Function::new(&[]).post("/uploads", &body(100)).await.status, 200);
}

#[tokio::test]
async fn file_too_large() {
    assert_snapshot!(Function::new(&[]).get(&format!("{DOCUMENTED}?size=104857601")).await.whole(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 227
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"file_too_large","message":"The file has 104857601 bytes; at most 100 MiB are taken. Choose a smaller one.","limits":{"min_size":1,"max_size":104857600,"types":[],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn file_too_small() {
    assert_snapshot!(Function::new(&[]).get(&format!("{DOCUMENTED}?size=0")).await.whole(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 215
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"file_too_small","message":"The file has 0 bytes; at least 1 B are wanted. Choose another one.","limits":{"min_size":1,"max_size":104857600,"types":[],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn type_not_allowed() {
    let function = Function::new(&[("UPLOAD_TYPES", "image/png")]);
    assert_snapshot!(function.get(&format!("{DOCUMENTED}?type=text/html")).await.whole(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 224
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"type_not_allowed","message":"A file of type \"text/html\" is not taken; what is: image/png.","limits":{"min_size":1,"max_size":104857600,"types":["image/png"],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn type_required() {
    let function = Function::new(&[("UPLOAD_TYPES", "image/*,text/plain")]);
    assert_snapshot!(function.get(DOCUMENTED).await.whole(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 270
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"type_required","message":"The file's type has to be named, since only these are taken: image/*, text/plain. Ask with the type.","limits":{"min_size":1,"max_size":104857600,"types":["image/*","text/plain"],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn no_credentials() {
    let none = [("ALIBABA_CLOUD_ACCESS_KEY_ID", ""), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")];
    assert_snapshot!(Function::new(&none).get(DOCUMENTED).await.whole(), @r#"
    503 Service Unavailable
    cache-control: no-store
    content-length: 285
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"no_credentials","message":"There are no credentials to sign with. Attach a role that may oss:PutObject on the bucket to the function, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET. The log names every source and why it passed.","request_id":"1-test"}
    "#);
    assert_eq!(Function::new(&none).get("/health").await.status, 200);
}

#[tokio::test]
async fn credentials_expired() {
    let function = Function::new(&[]).at(36 * 3600);
    assert_snapshot!(function.get(DOCUMENTED).await.whole(), @r#"
    503 Service Unavailable
    cache-control: no-store
    content-length: 184
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"credentials_expired","message":"The credentials to sign with have reached their end. Redeploy the function, so that new instances start with new keys.","request_id":"1-test"}
    "#);
}
