//! Callbacks of CompleteMultipartUpload, asked for in headers or in the query.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oss_emulator::oss::OssEvent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Call, KEY, LocalOss};

/// Answers one request with this status and body, and returns the body of the request.
async fn callback_server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/done", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let length = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            let (head, body) = text.split_once("\r\n\r\n")?;
            let length: usize =
                head.split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
            Some(body.len() >= length)
        };
        while length(&bytes) != Some(true) {
            stream.read_buf(&mut bytes).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        text.split_once("\r\n\r\n").unwrap().1.to_owned()
    });
    (url, task)
}

const ANSWER: &str = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 11\r\n\r\n{\"ok\":true}";

fn callback(url: &str) -> String {
    let body = "k=${object}&n=${size}&t=${mimeType}&e=${etag}&c=${crc64}&o=${operation}&v=${x:v}";
    STANDARD.encode(format!("{{\"callbackUrl\":\"{url}\",\"callbackBody\":\"{body}\"}}"))
}

fn variables() -> String {
    STANDARD.encode("{\"x:v\":\"a b\"}")
}

#[tokio::test]
async fn a_callback_from_headers_or_the_query_answers_in_place_of_the_result() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    for in_query in [false, true] {
        let (url, called) = callback_server(ANSWER).await;
        let id = client.send(Call::initiate().header("content-type", "video/mp4")).await;
        let id = id.child("UploadId");
        client.part(&id, 1, b"123456789").await;
        let call = Call::complete_all(&id);
        let call = if in_query {
            call.query("callback", callback(&url)).query("callback-var", variables())
        } else {
            call.header("x-oss-callback", callback(&url)).header("x-oss-callback-var", variables())
        };
        let done = client.send(call).await;
        assert_eq!((done.status, done.text().as_str()), (200, "{\"ok\":true}"));
        assert_eq!(done.header("content-type"), "application/json");
        let etag = done.header("etag").trim_matches('"').to_owned();
        assert!(etag.ends_with("-1"), "{etag}");
        assert_eq!(
            called.await.unwrap(),
            format!(
                "k=videos%2Fa%20b%20%C3%A9.mp4&n=9&t=video%2Fmp4&e={etag}&c=11051210869376104954\
                 &o=CompleteMultipartUpload&v=a%20b"
            )
        );
    }
}

#[tokio::test]
async fn a_failed_callback_leaves_the_object() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let moved = "HTTP/1.0 301 Moved\r\nContent-Length: 0\r\n\r\n";
    let (url, called) = callback_server(moved).await;
    let id = client.initiate().await;
    client.part(&id, 1, b"x").await;
    let done = Call::complete_all(&id).header("x-oss-callback", callback(&url));
    let done = client.send(done).await;
    assert_eq!((done.status, done.child("Code").as_str()), (203, "CallbackFailed"));
    called.await.unwrap();
    assert_eq!(oss.object(KEY).unwrap(), b"x");
    assert_eq!(oss.uploads(), 0);
    let events = oss.events.lock().unwrap();
    assert!(events.iter().any(|event| matches!(event, OssEvent::Stored { size: 1, .. })));
    let failed = |event: &OssEvent| matches!(event, OssEvent::Called { failure: Some(_), .. });
    assert!(events.iter().any(failed));
}

#[tokio::test]
async fn a_callback_that_cannot_be_read_is_refused_before_the_parts_are_joined() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    client.part(&id, 1, b"x").await;
    let (url, called) = callback_server(ANSWER).await;
    let twice = Call::complete_all(&id)
        .header("x-oss-callback", callback(&url))
        .header("x-oss-callback-var", variables())
        .query("callback-var", variables());
    for call in [
        Call::complete_all(&id).header("x-oss-callback", "{}"),
        Call::complete_all(&id).header("x-oss-callback-var", "{}"),
        twice,
    ] {
        let reply = client.send(call).await;
        assert_eq!((reply.status, reply.child("Code").as_str()), (400, "InvalidArgument"));
    }
    called.abort();
    assert_eq!(oss.object(KEY), None);
    assert_eq!(oss.uploads(), 1);
}
