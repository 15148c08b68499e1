//! Tests operations on whole objects: `PutObject`, `GetObject`, `HeadObject` and `DeleteObject`, with private
//! buckets and requests that are signed in their URL and in their headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oss_emulator::oss::{AccessKey, BucketAcl, OssEvent};
use oss_emulator::ram::{Permissions, RamPolicy};
use tokio::io::AsyncWriteExt;

use crate::support::callback_server::{Called, Line};
use crate::support::form::{Form, KEY_ID, NOW, SECRET};
use crate::support::oss::{Reply, Server};
use crate::support::presigned::ObjectCall;

/// The checksums of `hello world`.
const ETAG: &str = "\"5EB63BBBE01EEED093CB22BB8F5ACDC3\"";
const MD5: &str = "XrY7u+Ae7tCTyyK7j1rNww==";
const CRC64: &str = "5981764153023615706";

async fn private() -> Server {
    Server::with(|options| options.bucket_acl = BucketAcl::Private).await
}

/// Sends a request that is signed in its URL, with the headers that it signs.
async fn send(server: &Server, call: &ObjectCall<'_>, body: &[u8]) -> Reply {
    let unsigned: Vec<_> = call.headers.clone();
    server.call(call.method, &call.url(), &unsigned, body).await
}

async fn put(server: &Server, key: &str) -> Reply {
    send(server, &ObjectCall::new("PUT", key), b"hello world").await
}

async fn get(server: &Server, key: &str) -> Reply {
    send(server, &ObjectCall::new("GET", key), b"").await
}

#[tokio::test]
async fn a_put_object_is_stored_with_its_headers_and_returned() {
    let mut server = private().await;
    let call = ObjectCall::new("PUT", "图/a b+c%.txt")
        .header("content-type", "text/plain; charset=utf-8")
        .header("content-md5", MD5)
        .header("x-oss-meta-author", "foo bar")
        .header("x-oss-storage-class", "IA")
        .additional("content-length", "11")
        .additional("cache-control", "no-cache");
    let reply = send(&server, &call, b"hello world").await;
    assert_eq!((reply.status, reply.text().as_str()), (200, ""));
    assert_eq!(reply.header("etag"), ETAG);
    assert_eq!(reply.header("content-md5"), MD5);
    assert_eq!(reply.header("x-oss-hash-crc64ecma"), CRC64);
    assert_eq!(reply.header("content-length"), "0");
    let OssEvent::Stored { key, size, path, .. } = server.event().await else {
        unreachable!("the object was stored");
    };
    assert_eq!((key.as_str(), size), ("图/a b+c%.txt", 11));
    assert_eq!(std::fs::read(path).unwrap(), b"hello world");
    for method in ["GET", "HEAD"] {
        let reply = send(&server, &ObjectCall::new(method, "图/a b+c%.txt"), b"").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.text(), if method == "GET" { "hello world" } else { "" });
        for (name, value) in [
            ("content-length", "11"),
            ("content-type", "text/plain; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("etag", ETAG),
            ("content-md5", MD5),
            ("x-oss-hash-crc64ecma", CRC64),
            ("x-oss-meta-author", "foo bar"),
            ("x-oss-storage-class", "IA"),
            ("x-oss-object-type", "Normal"),
            ("last-modified", "Wed, 27 Nov 2024 06:09:41 GMT"),
        ] {
            assert_eq!(reply.header(name), value, "{method} {name}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_is_signed_in_its_headers_is_accepted() {
    let server = private().await;
    let call = ObjectCall::new("PUT", "a.txt")
        .header("content-type", "text/plain")
        .header("x-oss-meta-a", "1")
        .additional("content-length", "11");
    let (target, headers) = call.in_headers();
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let reply = server.call("PUT", &target, &headers, b"hello world").await;
    assert_eq!((reply.status, reply.header("etag")), (200, ETAG));
    let changed: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, if *name == "x-oss-meta-a" { "2" } else { *value }))
        .collect();
    let reply = server.call("PUT", &target, &changed, b"hello world").await;
    assert_eq!(reply.refusal().2, "0002-00000040");
    server.stop().await;
}

#[tokio::test]
async fn another_length_type_method_or_header_is_refused() {
    let server = private().await;
    let pinned = ObjectCall::new("PUT", "a.txt")
        .header("content-type", "text/plain")
        .additional("content-length", "11");
    let url = pinned.url();
    let text = ("content-type", "text/plain");
    let mismatch = (403, "SignatureDoesNotMatch".to_owned(), "0002-00000040".to_owned());
    for (method, headers, body) in [
        ("PUT", &[text][..], &b"hello"[..]),
        ("PUT", &[("content-type", "text/html")], b"hello world"),
        ("PUT", &[], b"hello world"),
        ("PUT", &[text, ("x-oss-object-acl", "public-read")], b"hello world"),
        ("PUT", &[text, ("content-md5", MD5)], b"hello world"),
        ("POST", &[text], b"hello world"),
    ] {
        let refusal = server.call(method, &url, headers, body).await.refusal();
        let expected = if method == "POST" { 405 } else { 403 };
        assert_eq!(refusal.0, expected, "{method} {headers:?}");
        assert!(expected == 405 || refusal == mismatch, "{refusal:?}");
    }
    assert_eq!(server.files().len(), 0);
    // A header that no signature covers is free.
    let free = [text, ("content-disposition", "inline")];
    assert_eq!(server.call("PUT", &url, &free, b"hello world").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn reading_needs_a_signature_unless_object_or_bucket_are_public() {
    let server = private().await;
    let public = ObjectCall::new("PUT", "public.txt").header("x-oss-object-acl", "public-read");
    assert_eq!(send(&server, &public, b"hello world").await.status, 200);
    assert_eq!(put(&server, "private.txt").await.status, 200);
    assert_eq!(server.ask("GET", "/public.txt", &[]).await.text(), "hello world");
    let refused = (403, "AccessDenied".to_owned(), "0003-00000001".to_owned());
    for path in ["/private.txt", "/absent.txt", "/"] {
        assert_eq!(server.ask("GET", path, &[]).await.refusal(), refused, "{path}");
        assert_eq!(server.ask("HEAD", path, &[]).await.status, 403);
    }
    assert_eq!(get(&server, "private.txt").await.text(), "hello world");
    assert_eq!(get(&server, "absent.txt").await.child("Code"), "NoSuchKey");
    // A URL for GET is not one for HEAD.
    let url = ObjectCall::new("GET", "private.txt").url();
    assert_eq!(server.ask("HEAD", &url, &[]).await.status, 403);
    server.stop().await;
    let server = Server::with(|options| options.bucket_acl = BucketAcl::PublicRead).await;
    assert_eq!(put(&server, "a.txt").await.status, 200);
    assert_eq!(server.ask("GET", "/a.txt", &[]).await.text(), "hello world");
    assert_eq!(server.call("PUT", "/a.txt", &[], b"x").await.refusal(), refused);
    assert_eq!(server.ask("DELETE", "/a.txt", &[]).await.refusal(), refused);
    server.stop().await;
}

#[tokio::test]
async fn a_form_can_make_an_object_public() {
    let server = private().await;
    let mut form = Form::good();
    assert_eq!(server.post(form.set("x-oss-object-acl", "public-read")).await.status, 204);
    assert_eq!(server.ask("GET", "/dir/hello.txt", &[]).await.text(), "hello world");
    assert_eq!(server.post(&Form::good()).await.status, 204);
    assert_eq!(server.ask("GET", "/dir/hello.txt", &[]).await.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn a_url_expires_and_a_key_without_permission_reads_nothing() {
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:PutObject",
        "Resource":"acs:oss:*:*:examplebucket/in/*"}]}"#;
    let policy = RamPolicy::parse(policy).unwrap();
    let server = Server::with(|options| {
        options.bucket_acl = BucketAcl::Private;
        options.keys.push(AccessKey {
            permissions: Some(Permissions::default().restricted_by(policy)),
            ..AccessKey::new("narrow", SECRET)
        });
    })
    .await;
    let by = |method, key| ObjectCall::new(method, key).by("narrow", SECRET);
    assert_eq!(send(&server, &by("PUT", "in/a"), b"x").await.status, 200);
    for call in [by("PUT", "out/a"), by("GET", "in/a"), by("DELETE", "in/a")] {
        let reply = send(&server, &call, b"").await;
        assert_eq!(reply.refusal().2, "0003-00000001", "{call:?}");
    }
    server.clock.store(NOW + 3601, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(get(&server, "in/a").await.refusal().2, "0002-00000236");
    server.stop().await;
}

#[tokio::test]
async fn an_existing_object_is_kept_if_overwriting_is_forbidden() {
    let server = private().await;
    let call = ObjectCall::new("PUT", "a.txt").header("x-oss-forbid-overwrite", "true");
    assert_eq!(send(&server, &call, b"hello world").await.status, 200);
    let reply = send(&server, &call, b"other").await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (409, "FileAlreadyExists"));
    assert_eq!(get(&server, "a.txt").await.text(), "hello world");
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_md5_a_missing_length_and_a_broken_line_store_nothing() {
    let server = private().await;
    let wrong = ObjectCall::new("PUT", "a.txt").header("content-md5", MD5);
    let reply = send(&server, &wrong, b"hello").await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (400, "InvalidDigest"));
    let url = ObjectCall::new("PUT", "a.txt").url();
    let head = format!("PUT {url} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", server.address);
    let reply = server.send(format!("{head}\r\n").as_bytes()).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (411, "MissingContentLength"));
    let mut stream =
        server.connect(format!("{head}Content-Length: 100\r\n\r\nhalf").as_bytes()).await;
    stream.shutdown().await.unwrap();
    assert_eq!(Reply::read(stream).await.child("Code"), "IncompleteBody");
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_range_is_a_part_and_an_invalid_one_the_whole_object() {
    let server = private().await;
    assert_eq!(put(&server, "a.txt").await.status, 200);
    let url = ObjectCall::new("GET", "a.txt").url();
    for (range, status, body, content_range) in [
        ("bytes=0-4", 206, "hello", "bytes 0-4/11"),
        ("bytes=6-", 206, "world", "bytes 6-10/11"),
        ("bytes=-3", 206, "rld", "bytes 8-10/11"),
        ("bytes=6-99", 200, "hello world", ""),
        ("items=0-1", 200, "hello world", ""),
    ] {
        let reply = server.ask("GET", &url, &[("Range", range)]).await;
        assert_eq!((reply.status, reply.text().as_str()), (status, body), "{range}");
        assert_eq!(reply.header("content-range"), content_range);
        assert_eq!(reply.header("content-length"), body.len().to_string());
    }
    // `x-oss-range-behavior` is signed, as every header of that prefix.
    let call = ObjectCall::new("GET", "a.txt").header("x-oss-range-behavior", "standard");
    let headers = [("x-oss-range-behavior", "standard"), ("Range", "bytes=99-")];
    let reply = server.ask("GET", &call.url(), &headers).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (416, "InvalidRange"));
    server.stop().await;
}

#[tokio::test]
async fn a_signed_url_chooses_headers_of_the_response_and_an_unsigned_one_does_not() {
    let server = Server::with(|options| options.bucket_acl = BucketAcl::PublicRead).await;
    assert_eq!(put(&server, "a.txt").await.status, 200);
    let call = ObjectCall::new("GET", "a.txt")
        .query("response-content-disposition", "attachment; filename*=UTF-8''%E5%90%88.txt")
        .query("response-content-type", "application/pdf")
        .query("response-cache-control", "no-store");
    let reply = send(&server, &call, b"").await;
    assert_eq!(reply.header("content-disposition"), "attachment; filename*=UTF-8''%E5%90%88.txt");
    assert_eq!(reply.header("content-type"), "application/pdf");
    assert_eq!(reply.header("cache-control"), "no-store");
    let reply = server.ask("GET", "/a.txt?response-content-type=text%2Fhtml", &[]).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (400, "InvalidRequest"));
    let call = ObjectCall::new("GET", "a.txt").query("response-expires", "a\r\nb");
    assert_eq!(send(&server, &call, b"").await.child("ArgumentName"), "response-expires");
    server.stop().await;
}

#[tokio::test]
async fn conditions_of_a_download_are_checked() {
    let server = private().await;
    assert_eq!(put(&server, "a.txt").await.status, 200);
    let url = ObjectCall::new("GET", "a.txt").url();
    let reply = server.ask("GET", &url, &[("If-None-Match", ETAG)]).await;
    assert_eq!((reply.status, reply.text().as_str()), (304, ""));
    assert_eq!(reply.header("etag"), ETAG);
    let reply = server.ask("GET", &url, &[("If-Match", "\"other\"")]).await;
    assert_eq!((reply.status, reply.child("Condition").as_str()), (412, "If-Match"));
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_object_does_not_exist_and_deleting_it_again_succeeds() {
    let server = private().await;
    assert_eq!(put(&server, "dir/a.txt").await.status, 200);
    for _ in 0..2 {
        let reply = send(&server, &ObjectCall::new("DELETE", "dir/a.txt"), b"").await;
        assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    }
    assert_eq!(get(&server, "dir/a.txt").await.status, 404);
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_callback_in_the_query_or_in_headers_is_made_with_its_variables() {
    let server = private().await;
    let app = Called::start([Line::json(r#"{"done":true}"#), Line::json(r#"{"done":true}"#)]).await;
    let callback = format!(
        r#"{{"callbackUrl":"{}","callbackBody":"o=${{object}}&e=${{etag}}&op=${{operation}}&v=${{x:v}}"}}"#,
        app.url("/done")
    );
    let (callback, variables) = (STANDARD.encode(callback), STANDARD.encode(r#"{"x:v":"1 2"}"#));
    let in_query = ObjectCall::new("PUT", "a.txt")
        .query("callback", &callback)
        .query("callback-var", &variables);
    let in_headers = ObjectCall::new("PUT", "a.txt")
        .header("x-oss-callback", &callback)
        .header("x-oss-callback-var", &variables);
    for call in [in_query, in_headers] {
        let reply = send(&server, &call, b"hello world").await;
        assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"done":true}"#));
        assert_eq!(reply.header("etag"), ETAG);
    }
    let etag = ETAG.trim_matches('"');
    for heard in app.heard().await {
        assert_eq!(heard.text(), format!("o=a.txt&e={etag}&op=PutObject&v=1%202"));
    }
    server.stop().await;
}

#[tokio::test]
async fn other_operations_are_refused_and_not_ignored() {
    let server = private().await;
    for (method, name, value, status) in [
        ("PUT", "acl", "", 501),
        ("PUT", "tagging", "", 501),
        ("GET", "acl", "", 501),
        ("GET", "versionId", "x", 501),
        ("DELETE", "tagging", "", 501),
    ] {
        let call = ObjectCall::new(method, "a.txt").query(name, value);
        assert_eq!(send(&server, &call, b"").await.status, status, "{method} {name}");
    }
    let copy = ObjectCall::new("PUT", "a.txt").header("x-oss-copy-source", "/examplebucket/b");
    assert_eq!(send(&server, &copy, b"").await.status, 501);
    assert_eq!(
        server.call("PUT", &format!("/a.txt?OSSAccessKeyId={KEY_ID}"), &[], b"").await.status,
        403
    );
    server.stop().await;
}

#[tokio::test]
async fn pages_may_put_and_read_the_checksums() {
    let server = private().await;
    let url = ObjectCall::new("PUT", "a.txt").url();
    let preflight = [
        ("Origin", "http://page.test"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let reply = server.ask("OPTIONS", &url, &preflight).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("access-control-allow-methods").contains("PUT"));
    let reply = server.call("PUT", &url, &[("Origin", "http://page.test")], b"hello world").await;
    assert_eq!(reply.header("access-control-allow-origin"), "http://page.test");
    for name in ["ETag", "x-oss-request-id", "x-oss-hash-crc64ecma"] {
        assert!(reply.header("access-control-expose-headers").contains(name), "{name}");
    }
    server.stop().await;
}
