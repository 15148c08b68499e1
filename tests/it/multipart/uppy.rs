//! The calls of Uppy's S3 plugin for large files, in both of its modes.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::multipart::fixture::{Fixture, PART, ROUTE, failure, put, send};
use crate::support::app::{Answer, Function};

/// The parts of the plugin: 5 MiB, whatever the route says.
const UPPY_PART: usize = 5 << 20;

async fn call(function: &Function, method: Method, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
    function.call(request.body(Bytes::from(body)).unwrap()).await
}

fn file(size: usize) -> Vec<u8> {
    (0..size).map(|index| u8::try_from(index % 249).unwrap()).collect()
}

#[tokio::test]
async fn the_plugin_with_an_address_uploads_a_large_file() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let function = fixture.at(0);
    let file = file(UPPY_PART + 1000);
    for prefix in ["/uppy/videos/s3/multipart", "/uppy/videos/t/any/s3/multipart"] {
        let metadata = json!({ "name": "a.mp4", "type": "video/mp4", "size": file.len(), "relativePath": null });
        let body = json!({ "filename": "a.mp4", "type": "video/mp4", "metadata": metadata });
        let created = call(&function, Method::POST, prefix, &body).await;
        assert_eq!(created.status, 200, "{}", created.whole());
        let created = created.json();
        let (id, key) = (created["uploadId"].as_str().unwrap(), created["key"].as_str().unwrap());
        assert!(id.starts_with("u1.") && key.ends_with("/a.mp4"), "{created}");
        let upload = format!("{prefix}/{id}");
        let first = call(&function, Method::GET, &format!("{upload}/1?key={key}"), &Value::Null)
            .await
            .json();
        assert_eq!(first["expires"], 600);
        assert_eq!(put(first["url"].as_str().unwrap(), &file[..UPPY_PART]).await.status(), 200);
        let batch = call(
            &function,
            Method::GET,
            &format!("{upload}/batch?partNumbers=1,2&key={key}"),
            &Value::Null,
        )
        .await
        .json();
        let second = batch["presignedUrls"]["2"].as_str().unwrap();
        assert_eq!(put(second, &file[UPPY_PART..UPPY_PART + 999]).await.status(), 403);
        assert_eq!(put(second, &file[UPPY_PART..]).await.status(), 200);
        let listed =
            call(&function, Method::GET, &format!("{upload}?key={key}"), &Value::Null).await.json();
        assert_eq!(
            (listed[0]["PartNumber"].as_u64(), listed[1]["Size"].as_u64()),
            (Some(1), Some(1000))
        );
        assert!(listed[0]["ETag"].as_str().unwrap().starts_with('"'));
        let parts = json!({ "parts": [{ "PartNumber": 1, "ETag": "a" }, { "PartNumber": 2, "ETag": "b" }] });
        let done =
            call(&function, Method::POST, &format!("{upload}/complete?key={key}"), &parts).await;
        assert_eq!(done.status, 200, "{}", done.whole());
        assert_eq!(done.json()["location"], format!("http://{}/{key}", fixture.oss.address));
        let stored = std::fs::read(fixture.oss.folder.path().join("examplebucket").join(key));
        assert!(stored.unwrap() == file);
        let gone =
            call(&function, Method::DELETE, &format!("{upload}?key={key}"), &Value::Null).await;
        assert_eq!((gone.status.as_u16(), gone.json()), (200, json!({})));
    }
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_file_of_unknown_size_needs_a_route_that_takes_it() {
    let body = json!({ "filename": "a.mp4", "type": "video/mp4", "metadata": {} });
    let fixture = Fixture::start(ROUTE, &[]).await;
    let refused = call(&fixture.at(0), Method::POST, "/uppy/videos/s3/multipart", &body).await;
    assert_eq!(failure(&refused), (400, "invalid_request".to_owned()));
    fixture.oss.stop().await;

    let route = format!("{ROUTE}unsized = true\n")
        .replace("max_size = \"5GiB\"", "max_size = \"300KiB\"")
        .replace("part_size = \"540KiB\"", "part_size = \"100KiB\"");
    let fixture = Fixture::start(&route, &[]).await;
    let function = fixture.at(0);
    let begin = async || {
        let created =
            call(&function, Method::POST, "/uppy/videos/s3/multipart", &body).await.json();
        created["uploadId"].as_str().unwrap().to_owned()
    };
    let put_part = async |id: &str, number: usize, content: &[u8]| {
        let path = format!("/uppy/videos/s3/multipart/{id}/{number}");
        let signed = call(&function, Method::GET, &path, &Value::Null).await.json();
        assert_eq!(put(signed["url"].as_str().unwrap(), content).await.status(), 200);
    };
    let complete = async |id: &str, last: usize| {
        let parts: Vec<_> =
            (1..=last).map(|number| json!({ "PartNumber": number, "ETag": "a" })).collect();
        let path = format!("/uppy/videos/s3/multipart/{id}/complete");
        call(&function, Method::POST, &path, &json!({ "parts": parts })).await
    };
    let content = file(4 * PART);
    let id = begin().await;
    put_part(&id, 1, &content[..PART + 5]).await;
    put_part(&id, 3, &content[..7]).await;
    assert_eq!(failure(&complete(&id, 3).await), (409, "parts_missing".to_owned()));
    put_part(&id, 2, &content[..PART]).await;
    assert_eq!(failure(&complete(&id, 4).await), (409, "parts_missing".to_owned()));
    let done = complete(&id, 3).await;
    assert_eq!(done.status, 200, "{}", done.whole());

    // The size is checked at the end, and what is too large is deleted at once.
    let id = begin().await;
    put_part(&id, 1, &content).await;
    assert_eq!(failure(&complete(&id, 1).await), (422, "file_too_large".to_owned()));
    let path = format!("/uppy/videos/s3/multipart/{id}");
    let gone = call(&function, Method::GET, &path, &Value::Null).await;
    assert_eq!(failure(&gone), (404, "upload_not_found".to_owned()));
    fixture.oss.stop().await;
}

#[tokio::test]
async fn a_page_that_signs_each_step_uploads_a_large_file() {
    let fixture = Fixture::start(ROUTE, &[]).await;
    let function = fixture.at(0);
    let file = file(UPPY_PART + 10);
    let step = async |body: Value| {
        let answer = call(&function, Method::POST, "/uppy/videos/sign", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.whole());
        answer.json()
    };
    let show = async |method: Method, url: &str| {
        let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
        call(&function, method, path, &Value::Null).await
    };
    let text = |answer: &Answer| String::from_utf8(answer.body.to_vec()).unwrap();
    let name = "0f0e0d0c-0b0a-4908-8706-050403020100-a.mp4";
    let created = step(
        json!({ "method": "POST", "key": name, "contentType": "video/mp4", "size": file.len() }),
    )
    .await;
    let xml = show(Method::POST, created["url"].as_str().unwrap()).await;
    assert_eq!(xml.headers["content-type"], "application/xml");
    let xml = text(&xml);
    let id = xml.split("<UploadId>").nth(1).unwrap().split("</UploadId>").next().unwrap();
    let key = created["key"].as_str().unwrap();
    for (number, part) in [(1, &file[..UPPY_PART]), (2, &file[UPPY_PART..])] {
        let signed =
            step(json!({ "method": "PUT", "key": key, "uploadId": id, "partNumber": number }))
                .await;
        assert_eq!(put(signed["url"].as_str().unwrap(), part).await.status(), 200);
    }
    let listed = step(json!({ "method": "GET", "key": key, "uploadId": id })).await;
    let listed = send(Method::GET, listed["url"].as_str().unwrap(), b"").await;
    assert_eq!(listed.status(), 200);
    assert!(String::from_utf8_lossy(listed.body()).contains("<PartNumber>2</PartNumber>"));
    let done = step(json!({ "method": "POST", "key": key, "uploadId": id })).await;
    let xml = text(&show(Method::POST, done["url"].as_str().unwrap()).await);
    let location = format!("<Location>http://{}/{key}</Location>", fixture.oss.address);
    assert!(xml.contains(&location) && xml.contains(&format!("<Key>{key}</Key>")), "{xml}");
    let stored = std::fs::read(fixture.oss.folder.path().join("examplebucket").join(key));
    assert!(stored.unwrap() == file);
    let gone = step(json!({ "method": "DELETE", "key": key, "uploadId": id })).await;
    assert_eq!(show(Method::DELETE, gone["url"].as_str().unwrap()).await.status, 204);
    // The addresses repeat tokens of this route and no others.
    let path = created["url"].as_str().unwrap().replace("/videos/s3/", "/other/s3/");
    assert_eq!(show(Method::POST, &path).await.status, 404);
    assert_eq!(
        failure(&show(Method::POST, &format!("{}x", created["url"].as_str().unwrap())).await),
        (400, "upload_token_invalid".to_owned())
    );
    fixture.oss.stop().await;
}
