//! Presigned PUTs and download links over real sockets: the function signs them, and the local OSS judges them.

use oss_emulator::oss::BucketAcl;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

use crate::support::app::{Function, SMALL};
use crate::support::form::{KEY_ID, NOW, SECRET};
use crate::support::oss::{Reply, Server};

const ROUTE: &str = r#"
[routes.default]
dir = "files/{uuid}/"
download.enabled = true

[routes.default.headers]
cache-control = "private, max-age=3600"
content-disposition = 'inline; filename="{name}"'

[routes.default.metadata]
title = ".+"
"#;

const CONTENT: &[u8] = b"hello world";

/// A function, and a private bucket in the local OSS.
struct Pair {
    function: Function,
    oss: Server,
}

impl Pair {
    async fn start() -> Self {
        let oss = Server::with(|options| options.bucket_acl = BucketAcl::Private).await;
        let host = format!("http://{}", oss.address);
        let mut environment = Environment::default();
        for (name, value) in SMALL.into_iter().chain([
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
            ("OSS_UPLOAD_HOST", &host),
        ]) {
            environment.set(name, value);
        }
        let now = Timestamp::from_unix(NOW).unwrap();
        let settings = Settings::load(&environment, Some(ROUTE), now).unwrap();
        Self { function: Function::of(App::new(settings).with_clock(move || now)), oss }
    }

    /// Asks for a PUT of eleven bytes.
    async fn grant(&self, name: &str) -> Value {
        let file = json!({ "name": name, "type": "text/plain", "size": 11, "metadata": { "title": "A b" } });
        let body = json!({ "method": "PUT", "files": [file] });
        self.function.post("/uploads", &body.to_string()).await.json()["uploads"][0].clone()
    }

    async fn link(&self, key: &Value) -> Value {
        let body = json!({ "keys": [key] }).to_string();
        self.function.post("/downloads", &body).await.json()["downloads"][0].clone()
    }

    /// Sends the PUT of a grant, with headers in place of those of the grant or beside them.
    async fn put(&self, grant: &Value, changed: &[(&str, &str)], content: &[u8]) -> Reply {
        let granted = grant["headers"].as_object().unwrap().iter();
        let granted = granted.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let kept = granted.filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
        let headers: Vec<_> = kept.chain(changed.iter().copied()).collect();
        self.oss.call("PUT", self.path(&grant["url"]), &headers, content).await
    }

    async fn read(&self, method: &str, url: &Value) -> Reply {
        self.oss.ask(method, self.path(url), &[]).await
    }

    /// Path and query of a URL at the local OSS.
    fn path<'u>(&self, url: &'u Value) -> &'u str {
        let host = format!("http://{}", self.oss.address);
        url.as_str().unwrap().strip_prefix(&host).unwrap()
    }
}

#[tokio::test]
async fn a_file_is_stored_by_a_put_and_read_by_a_link() {
    let pair = Pair::start().await;
    let grant = pair.grant("照片 🌏 1.txt").await;
    let stored = pair.put(&grant, &[], CONTENT).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    let link = pair.link(&grant["key"]).await;
    let read = pair.read("GET", &link["get"]["url"]).await;
    assert_eq!((read.status, read.body.as_slice()), (200, CONTENT), "{}", read.text());
    assert_eq!(read.header("content-type"), "text/plain");
    assert_eq!(read.header("cache-control"), "private, max-age=3600");
    assert_eq!(read.header("x-oss-meta-title"), "A b");
    let disposition = "attachment; filename=\"__ _ 1.txt\"; \
                       filename*=UTF-8''%E7%85%A7%E7%89%87%20%F0%9F%8C%8F%201.txt";
    assert_eq!(read.header("content-disposition"), disposition);
    let head = pair.read("HEAD", &link["head"]["url"]).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "11", 0));
    // A link is for one method, for what it names, and for its time.
    for (method, of) in [("HEAD", "get"), ("GET", "head"), ("DELETE", "get")] {
        assert_eq!(pair.read(method, &link[of]["url"]).await.status, 403, "{method}");
    }
    let get = link["get"]["url"].as_str().unwrap();
    let (unsigned, _) = get.split_once('?').unwrap();
    for changed in [
        get.replace("attachment", "inline"),
        get.replacen(".txt?", ".tx?", 1),
        format!("{get}&x-oss-process=image/info"),
        unsigned.to_owned(),
    ] {
        assert_eq!(pair.read("GET", &json!(changed)).await.status, 403, "{changed}");
    }
    pair.oss.clock.store(NOW + 601, Ordering::Relaxed);
    assert_eq!(pair.read("GET", &link["get"]["url"]).await.status, 403);
    pair.oss.stop().await;
}

#[tokio::test]
async fn a_put_stores_what_was_granted_and_nothing_else() {
    let pair = Pair::start().await;
    let grant = pair.grant("a.txt").await;
    for (changed, content) in [
        (&[][..], &b"hello"[..]),
        (&[], b"hello world!"),
        (&[], b""),
        (&[("content-type", "text/html")], CONTENT),
        (&[("content-disposition", "inline")], CONTENT),
        (&[("cache-control", "no-store")], CONTENT),
        (&[("x-oss-forbid-overwrite", "false")], CONTENT),
        (&[("x-oss-meta-title", "B")], CONTENT),
        (&[("x-oss-object-acl", "public-read")], CONTENT),
    ] {
        let refused = pair.put(&grant, changed, content).await;
        assert_eq!(refused.status, 403, "{changed:?} {}", refused.text());
        assert_eq!(refused.child("Code"), "SignatureDoesNotMatch", "{changed:?}");
    }
    assert_eq!(pair.put(&grant, &[], CONTENT).await.status, 200);
    let again = pair.put(&grant, &[], CONTENT).await;
    assert_eq!((again.status, again.child("Code").as_str()), (409, "FileAlreadyExists"));
    let late = pair.grant("b.txt").await;
    pair.oss.clock.store(NOW + 601, Ordering::Relaxed);
    assert_eq!(pair.put(&late, &[], CONTENT).await.status, 403);
    pair.oss.stop().await;
}
