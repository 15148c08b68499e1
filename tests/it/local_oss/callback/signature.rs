//! Tests the request of a callback and its signature, which the OpenSSL command line verifies.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use oss_emulator::oss::{callback_key_prefix, callback_key_url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::with_callback;
use crate::support::callback_server::{Called, Heard, Line, encoded, field};
use crate::support::form::Form;
use crate::support::oss::Server;

/// Returns whether OpenSSL verifies the signature for a text.
fn verifies(pem: &str, signature: &[u8], text: &[u8]) -> bool {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let outcome = Command::new("openssl")
        .args(["dgst", "-md5", "-verify"])
        .arg(file("key.pem", pem.as_bytes()))
        .arg("-signature")
        .arg(file("signature", signature))
        .arg(file("text", text))
        .output();
    assert!(outcome.is_ok(), "this test needs the openssl command: {outcome:?}");
    let outcome = outcome.unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout);
    let verified = said.trim() == "Verified OK";
    assert!(verified || said.trim() == "Verification failure", "{outcome:?}");
    verified
}

/// Returns the key's address and the signature of a request.
fn proof(heard: &Heard) -> (String, Vec<u8>) {
    let url = STANDARD.decode(heard.header("x-oss-pub-key-url")).unwrap();
    let signature = STANDARD.decode(heard.header("authorization")).unwrap();
    (String::from_utf8(url).unwrap(), signature)
}

#[tokio::test]
async fn the_request_is_that_of_the_documentation() {
    let server = Server::start().await;
    let back = Called::start([Line::good()]).await;
    let callback = field(&back.url("/callback?id=1"), "bucket=${bucket}&size=${size}");
    assert_eq!(server.post(&with_callback(&callback)).await.status, 200);
    let heard = back.heard_once().await;
    let (url, signature) = proof(&heard);
    assert_eq!(url, callback_key_url(server.address));
    let shown = heard
        .head
        .replace(heard.header("authorization"), "[signature]")
        .replace(heard.header("x-oss-pub-key-url"), "[key]")
        .replace('\r', "");
    assert_eq!(signature.len(), 64);
    assert_snapshot!(format!("{shown}{}", heard.text()), @"
    POST /callback?id=1 HTTP/1.0
    host: 127.0.0.1
    connection: close
    content-length: 28
    content-type: application/x-www-form-urlencoded
    user-agent: http-client/0.0.1
    authorization: [signature]
    x-oss-pub-key-url: [key]

    bucket=examplebucket&size=11
    ");
    server.stop().await;
}

#[tokio::test]
async fn openssl_verifies_the_signature_and_no_other_text() {
    let server = Server::start().await;
    let back = Called::start([Line::good(), Line::good()]).await;
    for path in ["/a%20b/%E4%B8%AD+x?q=%20&r=1", ""] {
        let mut form = with_callback(&field(&back.url(path), "key=${object}&who=${x:who}"));
        form.set("x:who", "Jürgen & co");
        assert_eq!(server.post(&form).await.status, 200, "{path}");
    }
    let heard = back.heard().await;
    let body = "key=dir%2Fhello.txt&who=J%C3%BCrgen%20%26%20co";
    for (heard, signed) in heard.iter().zip(["/a b/中+x?q=%20&r=1", "/"]) {
        assert_eq!(heard.text(), body);
        let (url, signature) = proof(heard);
        let path = url.strip_prefix(&format!("http://{}", server.address)).unwrap();
        let reply = server.ask("GET", path, &[]).await;
        assert_eq!(reply.header("content-type"), "application/x-pem-file");
        let pem = reply.text();
        let text = format!("{signed}\n{body}");
        assert!(verifies(&pem, &signature, text.as_bytes()));
        assert!(!verifies(&pem, &signature, format!("{text}&more").as_bytes()));
        assert!(!verifies(&pem, &signature, text.replacen('/', "//", 1).as_bytes()));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_callback_host_is_sent_and_not_signed() {
    let server = Server::start().await;
    let back = Called::start([Line::good()]).await;
    let callback = encoded(&json!({
        "callbackUrl": back.url("/x"),
        "callbackHost": "app.example.com",
        "callbackBody": "b",
    }));
    assert_eq!(server.post(&with_callback(&callback)).await.status, 200);
    let heard = back.heard_once().await;
    assert_eq!(heard.header("host"), "app.example.com");
    let pem = server.ask("GET", "/-/callback_pub_key_v1.pem", &[]).await.text();
    assert!(verifies(&pem, &proof(&heard).1, b"/x\nb"));
    server.stop().await;
}

#[tokio::test]
async fn no_object_can_replace_the_public_key() {
    let server = Server::start().await;
    for key in ["-/callback_pub_key_v1.pem", "-/mine.pem", "-/", "-/${filename}"] {
        let mut form = Form::good();
        let reply = server.post(form.set("key", key)).await;
        assert_eq!((reply.status, reply.child("Code").as_str()), (400, "InvalidObjectName"));
    }
    assert!(server.files().is_empty());
    // An object that an earlier version stored there is not returned.
    let mut form = Form::good();
    assert_eq!(server.post(form.set("key", "_/mine.pem")).await.status, 204);
    let files = server.files();
    let is_sidecar = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "json");
    let sidecar = files.iter().find(is_sidecar).unwrap();
    for (folder, status) in [("a", 200), ("-", 404)] {
        let key = format!("{folder}/mine.pem");
        let mut copy: Value = serde_json::from_slice(&fs::read(sidecar).unwrap()).unwrap();
        assert_eq!(copy["key"], "_/mine.pem");
        copy["key"] = key.as_str().into();
        let hash = hex::encode(&Sha256::digest(&key)[..16]);
        fs::write(sidecar.with_file_name(format!("{hash}.json")), copy.to_string()).unwrap();
        let reply = server.ask("GET", &format!("/{folder}/mine.pem"), &[]).await;
        assert_eq!(reply.status, status, "{folder}");
    }
    assert_eq!(server.ask("GET", "/%2D/callback_pub_key_v1.pem", &[]).await.status, 404);
    let url = callback_key_url(server.address);
    assert!(url.starts_with(&callback_key_prefix(server.address)));
    server.stop().await;
}

#[tokio::test]
async fn the_key_is_derived_from_the_seed() {
    let pem = async |seed: u8| {
        let server = Server::with(|options| options.seed = [seed; 16]).await;
        let pem = server.ask("GET", "/-/callback_pub_key_v1.pem", &[]).await.text();
        let head = server.ask("HEAD", "/-/callback_pub_key_v1.pem", &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert!(server.files().is_empty());
        server.stop().await;
        pem
    };
    assert_eq!(pem(1).await, pem(1).await);
    assert_ne!(pem(1).await, pem(2).await);
}
