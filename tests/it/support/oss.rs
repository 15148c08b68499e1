//! A local OSS on a port of its own, with a clock that tests set, and raw HTTP to talk to it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use oss_emulator::oss::{AccessKey, BucketAcl, LocalBucket, Options, Oss, OssEvent, Strictness};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::support::explained;
use crate::support::form::{BUCKET, Form, KEY_ID, NOW, REGION, SECRET};
use crate::support::wait::{LIMIT, within};

/// A running local OSS; [`Server::stop`] ends it and fails if it panicked.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<AtomicI64>,
    /// What it was started with.
    options: Options,
    events: mpsc::UnboundedReceiver<OssEvent>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts a strict one.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one with other options of its validator.
    pub(crate) async fn with_strictness(change: impl FnOnce(&mut Strictness)) -> Self {
        Self::with(|options| change(&mut options.strictness)).await
    }

    /// Starts one with changed options.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(AtomicI64::new(NOW));
        let (report, events) = mpsc::unbounded_channel();
        let time = Arc::clone(&clock);
        let mut options =
            Options::new(folder.path(), Arc::new(move || time.load(Ordering::Relaxed)));
        options.observer = Some(Arc::new(move |event: &OssEvent| {
            let _ = report.send(event.clone());
        }));
        options.cors_origins = vec!["http://page.test".to_owned()];
        options.buckets = vec![bucket(BUCKET, REGION), bucket("secondbucket", "cn-beijing")];
        options.keys = vec![AccessKey::new(KEY_ID, SECRET)];
        // Tests of uploads read what was stored; those of private buckets switch this off.
        options.bucket_acl = BucketAcl::PublicRead;
        change(&mut options);
        let oss = Oss::open(options.clone()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(oss.serve(listener, async {
            let _ = stopped.await;
        }));
        Self { address, folder, clock, options, events, stop: Some(stop), running }
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops it and waits until everything under way is done.
    pub(crate) async fn stop(mut self) {
        self.ask_to_stop();
        self.running.await.unwrap().unwrap();
    }

    /// Waits for the next event.
    pub(crate) async fn event(&mut self) -> OssEvent {
        within(LIMIT, "the next event", self.events.recv()).await.unwrap()
    }

    /// Opens a connection and sends some bytes on it.
    pub(crate) async fn connect(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// Sends a whole request and reads the whole answer. `explain` has to say the same of it.
    pub(crate) async fn send(&self, request: &[u8]) -> Reply {
        let now = (self.options.clock)();
        let reply = Reply::read(self.connect(request).await).await;
        assert!(reply.headers.contains_key("date"), "every response has a date");
        if request.starts_with(b"POST ") {
            explained::agrees(&self.options, now, request, &reply).await;
        } else {
            explained::agrees_on_signature(&self.options, now, request, &reply).await;
        }
        reply
    }

    /// Uploads a form.
    pub(crate) async fn post(&self, form: &Form) -> Reply {
        self.post_with(form, &[]).await
    }

    /// Uploads a form with more request headers.
    pub(crate) async fn post_with(&self, form: &Form, headers: &[(&str, &str)]) -> Reply {
        let body = form.body();
        let head = self.head(form, body.len() as u64, headers);
        self.send(&[head.into_bytes(), body].concat()).await
    }

    /// Writes the head of an upload; a header given here replaces the ordinary one.
    pub(crate) fn head(&self, form: &Form, length: u64, headers: &[(&str, &str)]) -> String {
        let host = self.address.to_string();
        let (length, content_type) = (length.to_string(), form.content_type());
        let ordinary = [
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Content-Length", &length),
            ("Content-Type", &content_type),
        ];
        let kept =
            ordinary.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name));
        let lines = header_lines(kept.chain(headers));
        format!("POST / HTTP/1.1\r\n{lines}\r\n")
    }

    /// Sends a request without a body.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(self.bare_head(method, path, headers).as_bytes()).await
    }

    /// Sends a request with a body and its length.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let length = body.len().to_string();
        let others =
            headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let mut headers: Vec<_> = others.copied().collect();
        if !matches!(method, "GET" | "HEAD" | "DELETE") {
            headers.push(("Content-Length", &length));
        }
        let head = self.bare_head(method, path, &headers);
        self.send(&[head.into_bytes(), body.to_vec()].concat()).await
    }

    fn bare_head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let address = self.address.to_string();
        let host = headers.iter().all(|(name, _)| *name != "Host");
        let host = host.then_some(("Host", address.as_str()));
        let lines = header_lines(host.iter().chain(headers));
        format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n")
    }

    /// Lists all files in the data folder: those on their way in, and those kept.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files_below(self.folder.path())
    }
}

/// Writes header lines; an empty value leaves its header out.
fn header_lines<'a>(headers: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let lines: Vec<String> = headers
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    lines.concat()
}

fn bucket(name: &str, region: &str) -> LocalBucket {
    LocalBucket { name: name.to_owned(), region: region.to_owned() }
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// With lower-case names.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Reads an answer until the connection ends.
    pub(crate) async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let mut headers = BTreeMap::new();
        for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
            let before = headers.insert(name.to_lowercase(), value.to_owned());
            let is_unique =
                ["content-length", "date"].iter().any(|one| name.eq_ignore_ascii_case(one));
            assert!(before.is_none() || !is_unique, "{name} twice");
        }
        Self { status: status.parse().unwrap(), headers, body: bytes[end + 4..].to_vec() }
    }

    /// Returns a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Returns the body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Returns the text of a child of the XML body, or nothing.
    pub(crate) fn child(&self, name: &str) -> String {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let child = text.split(&open).nth(1).unwrap_or_default();
        child.split(&close).next().unwrap_or_default().to_owned()
    }

    /// Returns status, `Code` and EC: what a refusal is known by.
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        assert_eq!(self.header("x-oss-ec"), self.child("EC"));
        (self.status, self.child("Code"), self.child("EC"))
    }
}

/// Lists all files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}
