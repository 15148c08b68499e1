//! Uploads in parts that do not begin, and a bucket that does not do what is requested.

use std::net::SocketAddr;

use serde_json::json;

use crate::multipart::fixture::{Fixture, PART, ROUTE, ScriptedBucket, content, failure, wish};
use crate::support::callback_server::{Called, Line};

#[tokio::test]
async fn a_file_that_the_route_does_not_take_in_parts_is_refused() {
    let file = format!(
        "{}[routes.plain]\n[routes.large]\nmax_size = \"6GiB\"\nmultipart.enabled = true\n",
        ROUTE.replace("max_size", "types = \"video/*\"\nmax_size")
    );
    let fixture = Fixture::start(&file, &[]).await;
    let function = fixture.at(0);
    for (route, size, part_size, content_type, expected) in [
        ("videos", json!(0), json!(PART), "video/mp4", (422, "file_too_small")),
        ("videos", json!(6_u64 << 30), json!(1 << 30), "video/mp4", (422, "file_too_large")),
        ("videos", json!(PART), json!(PART), "image/png", (422, "type_not_allowed")),
        ("videos", json!(PART * 10_000 + 1), json!(PART), "video/mp4", (400, "too_many_parts")),
        ("videos", json!(PART), json!(PART - 1), "video/mp4", (400, "invalid_request")),
        ("videos", json!(null), json!(PART), "video/mp4", (400, "invalid_request")),
        ("plain", json!(PART), json!(PART), "video/mp4", (404, "multipart_not_enabled")),
        ("other", json!(PART), json!(PART), "video/mp4", (404, "route_not_found")),
    ] {
        let mut body = wish(PART);
        body["route"] = json!(route);
        body["file"]["size"] = size;
        body["file"]["type"] = json!(content_type);
        body["part_size"] = part_size;
        let (status, code) = expected;
        let refused = function.post("/multipart", &body.to_string()).await;
        assert_eq!(failure(&refused), (status, code.to_owned()), "{}", refused.whole());
    }
    let whole = json!({ "route": "large", "files": [{ "name": "a", "size": 5_368_709_121_u64 }] });
    let answer = function.post("/uploads", &whole.to_string()).await.json();
    assert_eq!(answer["uploads"][0]["error"]["error"], "multipart_required");
    let query = "/presigned-post/large?filename=a&size=5368709121";
    assert_eq!(failure(&function.get(query).await), (400, "multipart_required".to_owned()));
    let unnamed = function.get("/presigned-post/large?filename=a").await;
    assert!(unnamed.policies()[0].contains("[\"content-length-range\",1,5368709120]"));
    fixture.oss.stop().await;
}

#[tokio::test]
async fn the_budget_counts_the_whole_file_when_its_upload_begins() {
    let fixture = Fixture::start(ROUTE, &[("UPLOAD_BUDGET_BYTES", "300KiB")]).await;
    let function = fixture.at(0);
    let begin = async |size: usize| function.post("/multipart", &wish(size).to_string()).await;
    assert_eq!(failure(&begin(4 * PART).await), (429, "budget_exceeded".to_owned()));
    let first = begin(2 * PART).await;
    assert_eq!(first.status, 200);
    assert_eq!(failure(&begin(2 * PART).await), (429, "budget_exceeded".to_owned()));
    let body = json!({ "token": first.json()["token"], "from": 1, "count": 2 }).to_string();
    assert_eq!(function.post("/multipart/parts", &body).await.status, 200);
    fixture.oss.stop().await;
}

#[tokio::test]
async fn only_the_parts_of_the_upload_are_signed() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let upload = fixture.begin(3 * PART).await;
    for (from, count, expected) in [
        (0_u32, 1_u32, (400, "part_out_of_range")),
        (4, 1, (400, "part_out_of_range")),
        (1, 4, (400, "part_out_of_range")),
        (u32::MAX, u32::MAX, (400, "part_out_of_range")),
        (1, 0, (400, "invalid_request")),
        (2, 2, (200, "")),
    ] {
        let body = json!({ "token": upload.token(), "from": from, "count": count }).to_string();
        let answer = fixture.at(0).post("/multipart/parts", &body).await;
        let (status, code) = expected;
        assert_eq!(failure(&answer), (status, code.to_owned()), "{from} {count}");
    }
    fixture.oss.stop().await;
}

/// The answer of a server that refuses as OSS does, with a text that nobody is to see.
fn refusal(status: u16, code: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>marker</Message>\
         <RequestId>5C3D9175B6FC201293AD4890</RequestId><StringToSign>marker</StringToSign><EC>0003-00000001</EC></Error>"
    );
    format!("HTTP/1.1 {status} Some\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_refusal_of_oss_is_passed_on_by_its_words() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let bucket = Called::start([Line::raw(&refusal(403, "AccessDenied"))]).await;
    let function = fixture.with_bucket(bucket.address, 0);
    let refused = function.post("/multipart", &wish(PART).to_string()).await;
    assert_eq!(failure(&refused), (502, "bucket_refused".to_owned()));
    let whole = refused.whole();
    for word in ["403", "AccessDenied", "EC 0003-00000001", "request id 5C3D9175B6FC201293AD4890"] {
        assert!(whole.contains(word), "{word}: {whole}");
    }
    assert!(!whole.contains("marker"), "{whole}");
    let heard = bucket.heard_once().await;
    assert!(heard.head.starts_with("POST /videos/"), "{}", heard.head);
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_bucket_that_cannot_be_reached_is_named() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let nobody: SocketAddr = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let function = fixture.with_bucket(nobody, 0);
    let refused = function.post("/multipart", &wish(PART).to_string()).await;
    assert_eq!(failure(&refused), (502, "bucket_unreachable".to_owned()));
    assert!(!refused.whole().contains("127.0.0.1"));
    fixture.oss.stop().await;
}

/// A page of a list with one part of 100 KiB.
const LIST: &str = "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber>\
                    <ETag>\"3349DC700140D7F86A078484278075A9\"</ETag><Size>102400</Size></Part></ListPartsResult>";

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn the_object_of_a_lost_completion_is_recognised_by_its_id() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let upload = fixture.begin(PART).await;
    upload.put(1, &content(PART)).await;
    let id = {
        use base64::Engine;
        let payload = upload.token().split('.').nth(1).unwrap();
        let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
        let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        payload["id"].as_str().unwrap().to_owned()
    };
    let head = |id: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 102400\r\nETag: \"AB-1\"\r\nx-oss-hash-crc64ecma: 7\r\n\
             x-oss-meta-upload-id: {id}\r\n\r\n"
        )
    };
    let bare = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    let absent = || bare("404 Not Found");
    for (answers, expected) in [
        (vec![ok(LIST), refusal(500, "InternalError"), head(&id)], (200, "")),
        (vec![ok(LIST), refusal(404, "NoSuchUpload"), head(&id)], (200, "")),
        (vec![refusal(404, "NoSuchUpload"), head(&id)], (200, "")),
        (vec![refusal(404, "NoSuchUpload"), head("other")], (404, "upload_not_found")),
        (vec![refusal(404, "NoSuchUpload"), absent()], (404, "upload_not_found")),
        (vec![ok(LIST), refusal(409, "FileAlreadyExists"), head("other")], (409, "object_exists")),
        (vec![ok(LIST), refusal(500, "InternalError"), absent()], (502, "bucket_refused")),
        // The role may not read: OSS says at the begin of another upload whether there is an object.
        (
            vec![
                refusal(404, "NoSuchUpload"),
                bare("403 Forbidden"),
                refusal(409, "FileAlreadyExists"),
            ],
            (200, ""),
        ),
        (vec![ok("<Other/>")], (502, "bucket_refused")),
    ] {
        let count = answers.len();
        let bucket = ScriptedBucket::start(answers).await;
        let function = fixture.with_bucket(bucket.address, 0);
        let answer = function.post("/multipart/complete", &upload.body()).await;
        let (status, code) = expected;
        assert_eq!(failure(&answer), (status, code.to_owned()), "{}", answer.whole());
        assert_eq!(bucket.all_served().await, count);
    }
    fixture.oss.stop().await;
}

#[tokio::test]
async fn an_unknown_member_is_refused_with_the_nearest_name() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let function = fixture.at(0);
    for (path, body, expected) in [
        (
            "/multipart",
            r#"{"file":{"name":"a","size":1},"partsize":1}"#,
            "the nearest name is part_size",
        ),
        ("/multipart", r#"{"file":{"name":"a","sise":1}}"#, "no member of a file"),
        ("/multipart/parts", r#"{"token":"u1","form":1,"count":1}"#, "the nearest name is from"),
        ("/multipart/status", r#"{"tokens":"u1"}"#, "the nearest name is token"),
        ("/multipart/complete", r#"{"token":"u1","crc":"1"}"#, "there is no member"),
        ("/multipart/abort", r#"{"token":"u1","route":"a"}"#, "there is no member"),
    ] {
        let answer = function.post(path, body).await;
        assert_eq!(failure(&answer), (400, "invalid_request".to_owned()), "{path} {body}");
        let message = answer.json()["message"].to_string();
        assert!(message.contains(expected), "{path} {body}: {message}");
    }
    fixture.oss.stop().await;
}
