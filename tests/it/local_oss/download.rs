//! Tests GET and HEAD of uploaded objects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oss_emulator::oss::{OssEvent, Relaxation};

use crate::support::form::Form;
use crate::support::oss::Server;

/// Headers that a form sets and that are returned with the object.
const KEPT: [(&str, &str); 7] = [
    ("cache-control", "max-age=60"),
    ("content-disposition", "attachment; filename=\"a.bin\""),
    ("content-encoding", "identity"),
    ("expires", "Thu, 01 Dec 2044 16:00:00 GMT"),
    ("x-oss-meta-colour", "dark red"),
    ("x-oss-storage-class", "IA"),
    ("x-oss-server-side-encryption", "AES256"),
];

#[tokio::test]
async fn an_upload_is_returned_unchanged() {
    let mut server = Server::start().await;
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    assert_eq!(server.post(Form::good().content(&content)).await.status, 204);
    let OssEvent::Stored { size, path, .. } = server.event().await else {
        unreachable!("the upload was taken");
    };
    assert_eq!(size, 3_000_000);
    assert!(std::fs::read(path).unwrap() == content);
    let reply = server.ask("GET", "/dir/hello.txt", &[]).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body == content);
    let head = server.ask("HEAD", "/dir%2Fhello.txt", &[]).await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), "3000000");
    assert!(head.body.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn headers_and_metadata_are_returned_with_the_object() {
    let server = Server::start().await;
    let mut form = Form::good();
    for (name, value) in KEPT {
        form.set(&name.to_uppercase(), value);
    }
    let stored = server.post(&form).await;
    assert_eq!(stored.header("x-oss-server-side-encryption"), "AES256");
    for method in ["GET", "HEAD"] {
        let reply = server.ask(method, "/dir/hello.txt", &[]).await;
        for (name, value) in KEPT.iter().chain(&[
            ("content-length", "11"),
            ("content-type", "text/plain"),
            ("last-modified", "Wed, 27 Nov 2024 06:09:41 GMT"),
            ("etag", stored.header("etag")),
            ("x-oss-hash-crc64ecma", "5981764153023615706"),
            ("server", "AliyunOSS"),
        ]) {
            assert_eq!(reply.header(name), *value, "{name}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_event_contains_the_path_of_the_file() {
    let mut server = Server::start().await;
    server.post(&Form::good()).await;
    let path = server.folder.path().join("examplebucket/dir/hello.txt");
    assert_eq!(
        server.event().await,
        OssEvent::Stored {
            bucket: "examplebucket".to_owned(),
            key: "dir/hello.txt".to_owned(),
            size: 11,
            path,
        }
    );
    server.stop().await;
}

#[tokio::test]
async fn an_event_warns_of_a_type_that_browsers_interpret_as_another() {
    let mut server = Server::start().await;
    let mut form = Form::good();
    form.set("x-oss-content-type", "image/png;,text/html");
    assert_eq!(server.post(&form).await.status, 204, "it is stored all the same");
    assert!(matches!(server.event().await, OssEvent::Stored { .. }));
    let OssEvent::Warned { key, reason } = server.event().await else {
        unreachable!("the type is a list");
    };
    assert_eq!(key, "dir/hello.txt");
    assert!(reason.contains("last type") && reason.contains("\"text/html\""), "{reason}");
    let reply = server.ask("GET", "/dir/hello.txt", &[]).await;
    assert_eq!(reply.header("content-type"), "image/png;,text/html");
    server.stop().await;
}

#[tokio::test]
async fn the_crc64_of_known_contents_is_correct() {
    let server = Server::start().await;
    for (content, crc64) in [
        ("", "0"),
        ("123456789", "11051210869376104954"),
        ("hello world", "5981764153023615706"),
        ("Hello OSS", "5213097489099810948"),
    ] {
        let mut form = Form::good();
        let reply = server.post(form.content(content.as_bytes())).await;
        assert_eq!(reply.header("x-oss-hash-crc64ecma"), crc64, "{content}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_etag_is_not_the_md5_unless_relaxed() {
    let md5 = "\"5EB63BBBE01EEED093CB22BB8F5ACDC3\"";
    let server = Server::start().await;
    let reply = server.post(&Form::good()).await;
    assert_ne!(reply.header("etag"), md5);
    server.stop().await;
    let server = Server::with_strictness(|strictness| {
        strictness.relaxed.insert(Relaxation::Md5Etag);
    })
    .await;
    let reply = server.post(&Form::good()).await;
    assert_eq!(reply.header("etag"), md5);
    server.stop().await;
}

#[tokio::test]
async fn an_object_that_is_not_there_is_404_and_a_head_has_no_body() {
    let server = Server::start().await;
    let reply = server.ask("GET", "/nothing", &[]).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (404, "NoSuchKey"));
    assert_eq!(reply.child("Key"), "nothing");
    let reply = server.ask("HEAD", "/nothing", &[]).await;
    assert_eq!(reply.status, 404);
    assert!(reply.body.is_empty());
    let document = STANDARD.decode(reply.header("x-oss-err")).unwrap();
    assert!(String::from_utf8(document).unwrap().contains("<Code>NoSuchKey</Code>"));
    assert_eq!(reply.header("x-oss-request-id").len(), 24);
    server.stop().await;
}

#[tokio::test]
async fn objects_cannot_be_listed() {
    let server = Server::start().await;
    let reply = server.ask("GET", "/", &[]).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (403, "AccessDenied"));
    server.stop().await;
}

#[tokio::test]
async fn a_key_with_dots_stays_in_the_data_directory() {
    let server = Server::start().await;
    for key in ["..", "../../../outside.txt", "a/../b", ".", "C:\\x"] {
        let mut form = Form::good();
        let reply = server.post(form.set("key", key)).await;
        assert_eq!(reply.status, 204, "{key}");
        let path = format!("/{}", key.replace('.', "%2E").replace('\\', "%5C"));
        assert_eq!(server.ask("GET", &path, &[]).await.text(), "hello world", "{key}");
    }
    assert_eq!(server.files().len(), 10);
    server.stop().await;
}

#[tokio::test]
async fn an_object_is_overwritten_completely() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("x-oss-meta-a", "1");
    assert_eq!(server.post(&form).await.status, 204);
    let mut form = Form::good();
    form.content(b"second").file("x", None);
    assert_eq!(server.post(&form).await.status, 204);
    let reply = server.ask("GET", "/dir/hello.txt", &[]).await;
    assert_eq!(reply.text(), "second");
    assert_eq!(reply.header("x-oss-meta-a"), "");
    assert_eq!(reply.header("content-type"), "application/octet-stream");
    server.stop().await;
}
