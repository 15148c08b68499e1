//! The calls of other people's clients, as whole answers.

use bytes::Bytes;
use http::{Request, header};
use insta::assert_snapshot;

use crate::support::app::{Answer, Function};

const RULES: &str = "[routes.photos]\ntypes = [\"image/*\"]\nmax_size = \"1KiB\"\n";

/// One file, asked for in every call that can name all of it.
const FILE: &str = "?filename=a.png&type=image%2Fpng&size=10";

fn function() -> Function {
    Function::with_file(&[("UPLOAD_ORIGINS", "https://app.example")], RULES)
}

async fn sign(body: &str) -> Answer {
    function().post("/uppy/photos/sign", body).await
}

#[tokio::test]
async fn uppy_is_given_method_address_fields_and_a_201() {
    let query = "?filename=a.png&type=image%2Fpng&metadata%5Bname%5D=a.png&metadata%5Bsize%5D=9";
    assert_snapshot!(function().get(&format!("/uppy/photos/s3/params{query}")).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1215
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"method":"POST","url":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","fields":{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsieC1vc3Mtc2lnbmF0dXJlLXZlcnNpb24iOiJPU1M0LUhNQUMtU0hBMjU2In0seyJ4LW9zcy1jcmVkZW50aWFsIjoiU1RTLkV4YW1wbGVLZXlJZC8yMDI0MTEyNy9jbi1oYW5nemhvdS9vc3MvYWxpeXVuX3Y0X3JlcXVlc3QifSx7Ingtb3NzLWRhdGUiOiIyMDI0MTEyN1QwNjA5NDFaIn0seyJ4LW9zcy1zZWN1cml0eS10b2tlbiI6IkV4YW1wbGVUb2tlbiJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAxIn0seyJ4LW9zcy1mb3JiaWQtb3ZlcndyaXRlIjoidHJ1ZSJ9LHsieC1vc3MtY29udGVudC10eXBlIjoiaW1hZ2UvcG5nIn0seyJrZXkiOiJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiL2EucG5nIn0sWyJjb250ZW50LWxlbmd0aC1yYW5nZSIsMSwxMDI0XV19","x-oss-signature-version":"OSS4-HMAC-SHA256","x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request","x-oss-date":"20241127T060941Z","x-oss-security-token":"ExampleToken","x-oss-signature":"cae1adaabf50260a8686fe991844852d593e127507e52c2797d3fb0b25eefc02","success_action_status":"201","x-oss-forbid-overwrite":"true","x-oss-content-type":"image/png"},"expires":600}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"201"},{"x-oss-forbid-overwrite":"true"},{"x-oss-content-type":"image/png"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png"},["content-length-range",1,1024]]}
    "#);
}

#[tokio::test]
async fn uppys_page_may_ask_with_a_body() {
    let body = r#"{"method":"PUT","key":"0f0e0d0c-0b0a-4908-8706-050403020100-a.png","contentType":"image/png","expiresIn":900}"#;
    let signed = sign(body).await;
    assert_eq!(signed.status, 200);
    let asked = "/uppy/photos/s3/params?filename=a.png&type=image%2Fpng";
    assert_eq!(signed.body, function().get(asked).await.body);
    let with_size = sign(r#"{"key":"a.png","contentType":"image/png","size":10}"#).await;
    assert!(with_size.policies()[0].contains(r#"["content-length-range",10,10]"#));
}

#[tokio::test]
async fn a_ticket_in_the_path_changes_nothing_where_nobody_has_to_show_one() {
    let query = "s3/params?filename=a.png&type=image%2Fpng";
    let with = function().get(&format!("/uppy/photos/t/ticket/{query}")).await;
    let without = function().get(&format!("/uppy/photos/{query}")).await;
    assert_eq!(with.whole(), without.whole());
}

#[tokio::test]
async fn uppy_gets_no_signature_for_parts_where_the_route_has_none() {
    for body in [
        r#"{"method":"POST","key":"a.png"}"#,
        r#"{"method":"PUT","key":"a.png","uploadId":"1","partNumber":1}"#,
        r#"{"method":"GET","key":"a.png","uploadId":"1"}"#,
        r#"{"method":"POST","key":"a.png","uploadId":"1"}"#,
        r#"{"method":"DELETE","key":"a.png","uploadId":"1"}"#,
    ] {
        let answer = sign(body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (404, "multipart_not_enabled")
        );
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("'shouldUseMultipart' set to false"), "{message}");
    }
    for body in [
        r#"{"method":"DELETE","key":"a.png"}"#,
        r#"{"method":"GET","key":"a.png"}"#,
        r#"{"method":"PATCH","key":"a.png"}"#,
        r#"{"key":"a.png","partNumber":1}"#,
        r#"{"key":"a.png","uploadId":"1"}"#,
    ] {
        assert_eq!(sign(body).await.code(), "invalid_request", "{body}");
    }
    assert_snapshot!(sign("{}").await.whole(), @r#"
    400 Bad Request
    cache-control: no-store
    content-length: 256
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"invalid_request","message":"The call cannot be understood: the body is not the JSON of this call (missing field `key` at line 1 column 2); it looks like {\"method\":\"PUT\",\"key\":\"a.png\",\"contentType\":\"image/png\"}.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn uview_is_given_the_address_among_the_fields() {
    assert_snapshot!(function().get("/uview/photos?filename=tmp_1.jpg.png").await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1235
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"code":200,"msg":"","data":{"params":{"host":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/tmp_1.jpg.png","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsieC1vc3Mtc2lnbmF0dXJlLXZlcnNpb24iOiJPU1M0LUhNQUMtU0hBMjU2In0seyJ4LW9zcy1jcmVkZW50aWFsIjoiU1RTLkV4YW1wbGVLZXlJZC8yMDI0MTEyNy9jbi1oYW5nemhvdS9vc3MvYWxpeXVuX3Y0X3JlcXVlc3QifSx7Ingtb3NzLWRhdGUiOiIyMDI0MTEyN1QwNjA5NDFaIn0seyJ4LW9zcy1zZWN1cml0eS10b2tlbiI6IkV4YW1wbGVUb2tlbiJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0seyJ4LW9zcy1mb3JiaWQtb3ZlcndyaXRlIjoidHJ1ZSJ9LHsieC1vc3MtY29udGVudC10eXBlIjoiaW1hZ2UvcG5nIn0seyJrZXkiOiJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiL3RtcF8xLmpwZy5wbmcifSxbImNvbnRlbnQtbGVuZ3RoLXJhbmdlIiwxLDEwMjRdXX0=","x-oss-signature-version":"OSS4-HMAC-SHA256","x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request","x-oss-date":"20241127T060941Z","x-oss-security-token":"ExampleToken","x-oss-signature":"3751917a584bb8764139e78e936be9a498d38b03e6da6de2b95787de234088b7","success_action_status":"200","x-oss-forbid-overwrite":"true","x-oss-content-type":"image/png"}}}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},{"x-oss-forbid-overwrite":"true"},{"x-oss-content-type":"image/png"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/tmp_1.jpg.png"},["content-length-range",1,1024]]}
    "#);
}

#[tokio::test]
async fn uview_is_refused_in_its_own_shape_wherever_the_refusal_arises() {
    let function = function();
    assert_snapshot!(function.get("/uview/photos?filename=a.txt").await.whole(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 297
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"code":422,"msg":"A file of type \"text/plain\" is not taken; what is: image/*.","error":"type_not_allowed","message":"A file of type \"text/plain\" is not taken; what is: image/*.","limits":{"min_size":1,"max_size":1024,"types":["image/*"],"extensions":[],"max_files":100},"request_id":"1-test"}
    "#);
    assert_snapshot!(function.get("/uview/elsewhere?filename=a.png").await.whole(), @r#"
    404 Not Found
    cache-control: no-store
    content-length: 216
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"code":404,"msg":"There is no route \"elsewhere\". Name one that the settings define.","error":"route_not_found","message":"There is no route \"elsewhere\". Name one that the settings define.","request_id":"1-test"}
    "#);
    assert_snapshot!(function.post("/uview/photos", "").await.whole(), @r#"
    405 Method Not Allowed
    allow: GET,HEAD
    cache-control: no-store
    content-length: 259
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"code":405,"msg":"This path is not called with this method; the header 'allow' lists those that it takes.","error":"method_not_allowed","message":"This path is not called with this method; the header 'allow' lists those that it takes.","request_id":"1-test"}
    "#);
    let request = Request::get("/uview/photos").header(header::ORIGIN, "https://evil.example");
    let foreign = function.call(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(foreign.status, 403);
    assert_eq!(
        (&foreign.json()["code"], &foreign.json()["error"]),
        (&403.into(), &"origin_not_allowed".into())
    );
}

#[tokio::test]
async fn a_file_that_uview_has_no_name_for_is_one_without_a_name() {
    let function = Function::new(&[]);
    let undefined = function.get("/uview/default?filename=undefined").await;
    assert_eq!(undefined.body, function.get("/uview/default").await.body);
    assert!(undefined.json()["data"]["params"]["key"].as_str().unwrap().ends_with("/file"));
}

#[tokio::test]
async fn wechat_is_given_the_options_of_its_call() {
    assert_snapshot!(function().get("/wechat/photos?filename=tmp_1.jpg&size=10").await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1323
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"url":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","name":"file","formData":{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/tmp_1.jpg","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsieC1vc3Mtc2lnbmF0dXJlLXZlcnNpb24iOiJPU1M0LUhNQUMtU0hBMjU2In0seyJ4LW9zcy1jcmVkZW50aWFsIjoiU1RTLkV4YW1wbGVLZXlJZC8yMDI0MTEyNy9jbi1oYW5nemhvdS9vc3MvYWxpeXVuX3Y0X3JlcXVlc3QifSx7Ingtb3NzLWRhdGUiOiIyMDI0MTEyN1QwNjA5NDFaIn0seyJ4LW9zcy1zZWN1cml0eS10b2tlbiI6IkV4YW1wbGVUb2tlbiJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0seyJ4LW9zcy1mb3JiaWQtb3ZlcndyaXRlIjoidHJ1ZSJ9LHsieC1vc3MtY29udGVudC10eXBlIjoiaW1hZ2UvanBlZyJ9LHsia2V5IjoidXBsb2Fkcy8yMDI0LzExLzI3L2FiYWJhYmFiLWFiYWItNGJhYi1hYmFiLWFiYWJhYmFiYWJhYi90bXBfMS5qcGcifSxbImNvbnRlbnQtbGVuZ3RoLXJhbmdlIiwxMCwxMF1dfQ==","x-oss-signature-version":"OSS4-HMAC-SHA256","x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request","x-oss-date":"20241127T060941Z","x-oss-security-token":"ExampleToken","x-oss-signature":"70fc4d8a8328eecfd80d5395d99de4585df7049383ff98fe629bd52c1a4c904d","success_action_status":"200","x-oss-forbid-overwrite":"true","x-oss-content-type":"image/jpeg"},"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/tmp_1.jpg","expiresAt":"2024-11-27T06:19:41Z"}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},{"x-oss-forbid-overwrite":"true"},{"x-oss-content-type":"image/jpeg"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/tmp_1.jpg"},["content-length-range",10,10]]}
    "#);
}

#[tokio::test]
async fn everything_else_is_given_address_and_fields() {
    assert_snapshot!(function().get(&format!("/presigned-post/photos{FILE}")).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1305
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"url":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","fields":{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsieC1vc3Mtc2lnbmF0dXJlLXZlcnNpb24iOiJPU1M0LUhNQUMtU0hBMjU2In0seyJ4LW9zcy1jcmVkZW50aWFsIjoiU1RTLkV4YW1wbGVLZXlJZC8yMDI0MTEyNy9jbi1oYW5nemhvdS9vc3MvYWxpeXVuX3Y0X3JlcXVlc3QifSx7Ingtb3NzLWRhdGUiOiIyMDI0MTEyN1QwNjA5NDFaIn0seyJ4LW9zcy1zZWN1cml0eS10b2tlbiI6IkV4YW1wbGVUb2tlbiJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0seyJ4LW9zcy1mb3JiaWQtb3ZlcndyaXRlIjoidHJ1ZSJ9LHsieC1vc3MtY29udGVudC10eXBlIjoiaW1hZ2UvcG5nIn0seyJrZXkiOiJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiL2EucG5nIn0sWyJjb250ZW50LWxlbmd0aC1yYW5nZSIsMTAsMTBdXX0=","x-oss-signature-version":"OSS4-HMAC-SHA256","x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request","x-oss-date":"20241127T060941Z","x-oss-security-token":"ExampleToken","x-oss-signature":"a7ef27aa6634d2da43bea565c4098bb4004cb4b6706caabba05b79a48b541ca8","success_action_status":"200","x-oss-forbid-overwrite":"true","x-oss-content-type":"image/png"},"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png","unique":true,"expires_at":"2024-11-27T06:19:41Z"}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},{"x-oss-forbid-overwrite":"true"},{"x-oss-content-type":"image/png"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png"},["content-length-range",10,10]]}
    "#);
}

#[tokio::test]
async fn no_call_allows_more_than_the_native_one() {
    let native = r#"{"route":"photos","files":[{"name":"a.png","type":"image/png","size":10}]}"#;
    let native = function().post("/uploads", native).await.policies().remove(0);
    for path in ["presigned-post/photos", "wechat/photos", "uview/photos", "uppy/photos/s3/params"]
    {
        let answer = function().get(&format!("/{path}{FILE}")).await;
        let policy = answer.policies().remove(0);
        let status = |of: &str| format!(r#"{{"success_action_status":"{of}"}}"#);
        assert_eq!(policy.replace(&status("201"), &status("200")), native, "{path}");
    }
}

#[tokio::test]
async fn every_call_refuses_what_the_route_refuses() {
    let function = function();
    let large = "filename=a.png&type=image%2Fpng&size=2000";
    let foreign = "filename=a.html&type=text%2Fhtml";
    for path in [
        "presigned-post/photos",
        "wechat/photos",
        "uview/photos",
        "uppy/photos/s3/params",
        "uppy/photos/t/x/s3/params",
    ] {
        for (query, status, code) in [
            (large, 422, "file_too_large"),
            (foreign, 422, "type_not_allowed"),
            ("filename=a", 422, "type_required"),
            ("filename=a&type=png", 400, "invalid_request"),
            ("filename=a&size=many", 400, "invalid_request"),
        ] {
            let answer = function.get(&format!("/{path}?{query}")).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["error"]),
                (status, &code.into()),
                "{path}?{query}"
            );
            assert!(!answer.json()["message"].as_str().unwrap().is_empty());
        }
        let wrong = function.post(&format!("/{path}"), "").await;
        assert_eq!(wrong.status, 405, "{path}");
        assert_eq!(wrong.headers[header::ALLOW], "GET,HEAD");
    }
    let body = r#"{"key":"a.png","contentType":"image/png","size":2000}"#;
    assert_eq!(sign(body).await.json()["error"], "file_too_large");
    assert_eq!(sign(r#"{"key":"a","contentType":"png"}"#).await.json()["error"], "invalid_request");
    assert_eq!(sign(r#"{"key":"a","contentType":""}"#).await.json()["error"], "type_required");
    let wrong = function.get("/uppy/photos/sign").await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.headers[header::ALLOW]),
        (405, &"POST".parse().unwrap())
    );
}

#[tokio::test]
async fn a_name_that_a_call_does_not_have_is_refused_where_the_page_writes_it() {
    let function = function();
    let key = |answer: &Answer, place: &str| answer.json().pointer(place).cloned();
    for path in ["presigned-post/photos", "wechat/photos"] {
        for query in ["fileName=a.png", "filename=a.png&route=other", "name=a.png&t=image%2Fpng"] {
            let answer = function.get(&format!("/{path}?{query}&type=image%2Fpng")).await;
            assert_eq!(answer.code(), "invalid_request", "{path}?{query}");
        }
        let answer =
            function.get(&format!("/{path}?name=a.png&type=image%2Fpng&_=1732687781000")).await;
        assert!(key(&answer, "/key").unwrap().as_str().unwrap().ends_with("/a.png"), "{path}");
    }
    for (path, place) in [
        ("uview/photos", "/data/params/key"),
        ("uppy/photos/s3/params", "/fields/key"),
        ("get_post_signature_for_oss_upload", "/key"),
    ] {
        let query =
            "route=photos&name=a.png&type=image%2Fpng&fileName=b.png&metadata[name]=c.png&t=1";
        let answer = function.get(&format!("/{path}?{query}")).await;
        assert!(key(&answer, place).unwrap().as_str().unwrap().ends_with("/a.png"), "{path}");
    }
    for query in ["route=photos", "name=a.png", "x"] {
        let path = format!("/uploads?{query}");
        assert_eq!(
            function.post(&path, r#"{"files":[{}]}"#).await.code(),
            "invalid_request",
            "{query}"
        );
    }
    let body = r#"{"route":"photos","files":[{"filename":"a.png","type":"undefined"}]}"#;
    let answer = function.post("/uploads?_=1", body).await;
    assert!(key(&answer, "/uploads/0/key").unwrap().as_str().unwrap().ends_with("/a.png"));
}

#[tokio::test]
async fn a_route_is_named_in_the_path() {
    let function = function();
    for path in ["presigned-post/nope", "wechat/nope", "uview/nope", "uppy/nope/s3/params"] {
        let answer = function.get(&format!("/{path}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (404, &"route_not_found".into()),
            "{path}"
        );
    }
    assert_eq!(function.get("/wechat/%FF").await.json()["error"], "invalid_request");
    assert_eq!(function.get("/wechat").await.json()["error"], "not_found");
    assert_eq!(function.get("/wechat/photos/more").await.json()["error"], "not_found");
}

#[tokio::test]
async fn every_call_answers_preflights_and_refuses_foreign_pages() {
    let function = function();
    for path in [
        "presigned-post/photos",
        "wechat/photos",
        "uview/photos",
        "uppy/photos/s3/params",
        "uppy/photos/t/x/s3/params",
        "uppy/photos/sign",
    ] {
        for (origin, status) in [("https://app.example", 204), ("https://evil.example", 403)] {
            let request = Request::options(format!("/{path}"))
                .header(header::ORIGIN, origin)
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
                .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,uppy-versions");
            let answer = function.call(request.body(Bytes::new()).unwrap()).await;
            assert_eq!(answer.status, status, "{path} {origin}");
            assert_eq!(
                answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN),
                status == 204
            );
        }
    }
}

#[tokio::test]
async fn a_v1_route_answers_them_with_v1_fields() {
    let function = Function::with_file(&[], "[routes.old]\nsignature = \"v1\"\n");
    for (path, fields) in
        [("presigned-post", "/fields"), ("wechat", "/formData"), ("uview", "/data/params")]
    {
        let answer = function.get(&format!("/{path}/old?filename=a.png")).await.json();
        let fields = answer.pointer(fields).unwrap();
        assert!(fields["Signature"].is_string() && fields["OSSAccessKeyId"].is_string(), "{path}");
    }
}
