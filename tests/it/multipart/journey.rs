//! Uploads from their begin to their end, whole and interrupted.

use http::Method;
use oss_upload_signer::callback::receipt::Receipt;
use oss_upload_signer::secret::Secret;
use serde_json::{Value, json};

use crate::multipart::fixture::{
    Fixture, KEY, PART, ROUTE, Upload, content, failure, put, send, wish,
};
use crate::support::app::{Function, NOW};
use crate::support::callback_server::{Called, Line};
use crate::support::oss::files_below;

async fn complete(function: &Function, upload: &Upload) -> Value {
    let answer = function.post("/multipart/complete", &upload.body()).await;
    assert_eq!(answer.status, 200, "{}", answer.whole());
    answer.json()
}

#[tokio::test]
async fn a_file_is_uploaded_in_parts_and_resumed() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let file = content(2 * PART + 50_000);
    let upload = fixture.begin(file.len()).await;
    assert_eq!(upload.0["parts"], 3);
    assert_eq!(upload.0["part_size"], PART);
    assert_eq!(upload.0["max_parallel"], 4);
    assert_eq!(upload.0["unique"], true);
    assert_eq!(upload.0["expires_at"], "2024-11-27T06:19:41Z");
    assert_eq!(upload.0["resume_until"], "2024-11-27T07:09:41Z");
    for number in [3, 1] {
        let answer = upload.put(number, &file).await;
        assert_eq!(answer.status(), 200, "{:?}", answer.body());
    }

    // The page was reloaded, and the signatures have expired.
    let later = fixture.at(1800);
    fixture.oss.clock.store(NOW + 1800, std::sync::atomic::Ordering::Relaxed);
    let status = later.post("/multipart/status", &upload.body()).await.json();
    assert_eq!(status["done"], json!([[1, 1], [3, 3]]));
    assert_eq!(status["bytes"], PART + 50_000);
    assert_eq!(status["size"], file.len());
    assert_eq!(status["key"], upload.key());
    let missing = later.post("/multipart/complete", &upload.body()).await;
    assert_eq!(failure(&missing), (409, "parts_missing".to_owned()));
    let message = missing.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("2 of 3 parts") && message.contains(": 2."), "{message}");

    assert_eq!(upload.put(2, &file).await.status(), 403);
    let again = json!({ "token": upload.token(), "from": 2, "count": 1 }).to_string();
    let signed = Upload(later.post("/multipart/parts", &again).await.json());
    assert_eq!(signed.0["signatures"].as_object().unwrap().len(), 1);
    assert_eq!(signed.put(2, &file).await.status(), 200);

    let done = complete(&later, &upload).await;
    assert_eq!(done["key"], upload.key());
    assert_eq!(done["size"], file.len());
    assert!(done["etag"].as_str().unwrap().ends_with("-3"), "{done}");
    assert!(done["crc64"].as_str().unwrap().parse::<u64>().is_ok(), "{done}");
    let stored = std::fs::read(fixture.oss.folder.path().join("examplebucket").join(upload.key()));
    assert!(stored.unwrap() == file);
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_can_be_repeated() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let file = content(PART);
    let upload = fixture.begin(file.len()).await;
    upload.put(1, &file).await;
    let first = complete(&fixture.at(0), &upload).await;
    let second = complete(&fixture.at(0), &upload).await;
    assert_eq!(first, second);
    let wrong = json!({ "token": upload.token(), "crc64": "1" }).to_string();
    let mismatch = fixture.at(0).post("/multipart/complete", &wrong).await;
    assert_eq!(failure(&mismatch), (409, "checksum_mismatch".to_owned()));
    let crc64 = first["crc64"].as_str().unwrap();
    let right = json!({ "token": upload.token(), "crc64": crc64 }).to_string();
    assert_eq!(fixture.at(0).post("/multipart/complete", &right).await.status, 200);
    let status = fixture.at(0).post("/multipart/status", &upload.body()).await;
    assert_eq!(failure(&status), (404, "upload_not_found".to_owned()));
    // An abort after the end leaves the object.
    assert_eq!(fixture.at(0).post("/multipart/abort", &upload.body()).await.status, 204);
    assert_eq!(complete(&fixture.at(0), &upload).await, first);
    fixture.oss.stop().await;
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let upload = fixture.begin(PART).await;
    upload.put(1, &content(PART)).await;
    for _ in 0..2 {
        let aborted = fixture.at(0).post("/multipart/abort", &upload.body()).await;
        assert_eq!((aborted.status.as_u16(), aborted.body.len()), (204, 0));
    }
    for path in ["/multipart/status", "/multipart/complete"] {
        let gone = fixture.at(0).post(path, &upload.body()).await;
        assert_eq!(failure(&gone), (404, "upload_not_found".to_owned()), "{path}");
    }
    assert_eq!(upload.put(1, &content(PART)).await.status(), 404);
    let left: Vec<_> = files_below(fixture.oss.folder.path());
    assert!(left.iter().all(|path| std::fs::metadata(path).unwrap().len() < 4096), "{left:?}");
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_part_of_another_length_is_refused_by_oss() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let file = content(2 * PART);
    let upload = fixture.begin(PART + 10).await;
    for (number, length) in [(1, PART + 1), (1, PART - 1), (2, 11), (2, PART)] {
        let answer = put(&upload.url(number), &file[..length]).await;
        assert_eq!(answer.status(), 403, "part {number} of {length} bytes");
    }
    assert_eq!(put(&upload.url(2), &file[..10]).await.status(), 200);
    // The URL of a part is good for this part and this method only.
    let other = upload.url(1).replace("partNumber=1", "partNumber=2");
    assert_eq!(put(&other, &file[..PART]).await.status(), 403);
    // A DELETE has no length, which the URL fixes.
    assert_eq!(send(Method::DELETE, &upload.url(1), b"").await.status(), 400);
    fixture.oss.stop().await;
}

#[tokio::test]
async fn the_object_has_what_the_route_fixes() {
    let more = "headers.cache-control = \"no-store\"\nmetadata.title = \".+\"\n";
    let file = ROUTE.replace("max_size", &format!("{more}max_size"));
    let fixture = Fixture::start(&file, &[]).await;
    let mut body = wish(PART);
    body["file"]["metadata"] = json!({ "title": "A" });
    body["file"]["type"] = json!("text/html");
    let answer = fixture.at(0).post("/multipart", &body.to_string()).await;
    let upload = Upload(answer.json());
    upload.put(1, &content(PART)).await;
    complete(&fixture.at(0), &upload).await;
    let object = send(Method::GET, &fixture.reading_url(upload.key()), b"").await;
    let header = |name: &str| object.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("content-type"), Some("text/html"), "{object:?}");
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("content-disposition"), Some("attachment"));
    assert_eq!(header("x-oss-meta-title"), Some("A"));
    assert_eq!(header("x-oss-meta-upload-id").map(str::len), Some(32));
    fixture.oss.stop().await;
}

#[tokio::test]
async fn an_existing_object_is_not_replaced() {
    let file = ROUTE.replace("dir = \"videos/{uuid}/\"", "key = \"videos/only\"");
    let fixture = Fixture::start(&file, &[]).await;
    let (first, second) = (fixture.begin(PART).await, fixture.begin(PART).await);
    assert_eq!(first.0["unique"], false);
    for upload in [&first, &second] {
        assert_eq!(upload.put(1, &content(PART)).await.status(), 200);
    }
    complete(&fixture.at(0), &first).await;
    let refused = fixture.at(0).post("/multipart/complete", &second.body()).await;
    assert_eq!(failure(&refused), (409, "object_exists".to_owned()));
    let begun = fixture.at(0).post("/multipart", &wish(PART).to_string()).await;
    assert_eq!(failure(&begun), (409, "object_exists".to_owned()));
    fixture.oss.stop().await;
}

#[tokio::test]
async fn the_end_of_an_upload_is_called_back_with_its_receipt() {
    let back = Called::start([Line::json(r#"{"id":7}"#)]).await;
    let callback = format!("callback.to = \"{}\"\n", back.url("/done"));
    let file = ROUTE.replace("max_size", &format!("{callback}max_size"));
    let fixture = Fixture::start(&file, &[]).await;
    let upload = fixture.begin(PART + 1).await;
    for number in [1, 2] {
        upload.put(number, &content(PART + 1)).await;
    }
    let done = complete(&fixture.at(0), &upload).await;
    assert_eq!(done["result"], json!({ "id": 7 }));
    let heard = back.heard_once().await;
    let told: std::collections::BTreeMap<_, _> =
        form_urlencoded::parse(heard.text().as_bytes()).into_owned().collect();
    assert_eq!(told["object"], upload.key());
    // The client has the receipt from the beginning, as it has that of a form.
    assert_eq!(
        (&upload.0["receipt"], &done["receipt"]),
        (&json!(told["receipt"]), &json!(told["receipt"]))
    );
    let receipt = Receipt::verify(&told["receipt"], &[Secret::new(KEY)]).unwrap();
    assert_eq!((receipt.min_size, receipt.max_size), (PART as u64 + 1, PART as u64 + 1));
    assert_eq!((receipt.types, receipt.once), (vec!["video/mp4".to_owned()], true));
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_callback_that_fails_is_an_error_and_the_object_stays() {
    let back = Called::start([Line::status(500)]).await;
    let callback = format!("callback.to = \"{}\"\n", back.url("/done"));
    let file = ROUTE.replace("max_size", &format!("{callback}max_size"));
    let fixture = Fixture::start(&file, &[]).await;
    let upload = fixture.begin(PART).await;
    upload.put(1, &content(PART)).await;
    let failed = fixture.at(0).post("/multipart/complete", &upload.body()).await;
    assert_eq!(failure(&failed), (502, "callback_failed".to_owned()));
    back.heard_once().await;
    assert!(fixture.oss.folder.path().join("examplebucket").join(upload.key()).exists());
    // Called again, the function finds the object; whether it was reported is not known to it.
    assert!(complete(&fixture.at(0), &upload).await.get("result").is_none());
    fixture.oss.stop().await;
}

#[tokio::test]
async fn only_a_client_that_can_do_it_is_sent_to_uploads_in_parts() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let ask = async |multipart: bool, size: u64| {
        let files = json!([{ "name": "a.mp4", "type": "video/mp4", "size": size }]);
        let body = json!({ "route": "videos", "multipart": multipart, "files": files });
        fixture.at(0).post("/uploads", &body.to_string()).await.json()["uploads"][0].clone()
    };
    let hint = json!({ "method": "MULTIPART", "part_size": 540 << 10, "threshold": 150 << 10 });
    assert_eq!(ask(true, 150 << 10).await, hint);
    assert_eq!(ask(true, (150 << 10) - 1).await["method"], "POST");
    assert_eq!(ask(false, 150 << 10).await["method"], "POST");
    assert_eq!(ask(true, 6 << 30).await["error"]["error"], "file_too_large");
    let described = fixture.at(0).get("/routes/videos").await.json();
    let limits = json!({ "threshold": 150 << 10, "part_size": 540 << 10, "max_parallel": 4, "resume": 3600 });
    assert_eq!(described["multipart"], limits);
    fixture.oss.stop().await;
}
