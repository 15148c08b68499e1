//! A local OSS on a port of its own, and a client that signs with V4 in the header.
//!
//! The signature is written here from the documentation, so it shares nothing with the emulator.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use oss_emulator::oss::{AccessKey, LocalBucket, Options, Oss, OssEvent};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const BUCKET: &str = "examplebucket";
pub(crate) const KEY: &str = "videos/a b é.mp4";
pub(crate) const KEY_PATH: &str = "/videos/a%20b%20%C3%A9.mp4";
/// The minimum size of a part in bytes.
pub(crate) const MINIMUM: usize = 100 * 1024;

const REGION: &str = "cn-hangzhou";
const NOW: i64 = 1_732_687_781;
const DATE: &str = "20241127T060941Z";
const DAY: &str = "20241127";

const COMPONENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: AsciiSet = COMPONENT.remove(b'/');

/// A running local OSS and its data folder.
pub(crate) struct LocalOss {
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) events: Arc<Mutex<Vec<OssEvent>>>,
    options: Options,
    stop: oneshot::Sender<()>,
    running: JoinHandle<std::io::Result<()>>,
}

impl LocalOss {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = TempDir::new().unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let mut options = Options::new(folder.path(), Arc::new(|| NOW));
        let seen = Arc::clone(&events);
        options.observer = Some(Arc::new(move |event: &OssEvent| {
            seen.lock().unwrap().push(event.clone());
        }));
        options.buckets = vec![LocalBucket { name: BUCKET.to_owned(), region: REGION.to_owned() }];
        options.keys = vec![AccessKey::new("key-id", "key-secret")];
        change(&mut options);
        Self::serve(options, folder, events).await
    }

    async fn serve(options: Options, folder: TempDir, events: Arc<Mutex<Vec<OssEvent>>>) -> Self {
        let oss = Oss::open(options.clone()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(oss.serve(listener, async {
            let _ = stopped.await;
        }));
        Self { address, folder, events, options, stop, running }
    }

    /// Stops it, and starts another one with the same data folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { folder, events, options, stop, running, .. } = self;
        drop(stop);
        running.await.unwrap().unwrap();
        Self::serve(options, folder, events).await
    }

    pub(crate) async fn client(&self) -> Client {
        self.client_of(("key-id", "key-secret")).await
    }

    pub(crate) async fn client_of(&self, key: (&'static str, &'static str)) -> Client {
        Client {
            stream: TcpStream::connect(self.address).await.unwrap(),
            buffer: Vec::new(),
            authority: self.address.to_string(),
            key,
        }
    }

    /// Counts the files of uploads in progress.
    pub(crate) fn incoming(&self) -> usize {
        std::fs::read_dir(self.folder.path().join(".incoming")).unwrap().count()
    }

    /// Counts the uploads that are neither completed nor aborted.
    pub(crate) fn uploads(&self) -> usize {
        let folder = self.folder.path().join(".uploads").join(BUCKET);
        std::fs::read_dir(folder).unwrap().count()
    }

    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path().join(BUCKET).join(Path::new(key))).ok()
    }
}

/// A request without its signature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self { method, path: path.to_owned(), ..Self::default() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "texts and numbers are given as they are")]
    pub(crate) fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "texts and numbers are given as they are")]
    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn initiate() -> Self {
        Self::new("POST", KEY_PATH).query("uploads", "")
    }

    pub(crate) fn part(id: &str, number: impl ToString, body: impl Into<Vec<u8>>) -> Self {
        Self::new("PUT", KEY_PATH).query("partNumber", number).query("uploadId", id).body(body)
    }

    pub(crate) fn list_parts(id: &str) -> Self {
        Self::new("GET", KEY_PATH).query("uploadId", id)
    }

    pub(crate) fn complete(id: &str, list: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", KEY_PATH).query("uploadId", id).body(list)
    }

    pub(crate) fn complete_all(id: &str) -> Self {
        Self::complete(id, "").header("x-oss-complete-all", "yes")
    }

    pub(crate) fn abort(id: &str) -> Self {
        Self::new("DELETE", KEY_PATH).query("uploadId", id)
    }

    pub(crate) fn list_uploads() -> Self {
        Self::new("GET", "/").query("uploads", "")
    }
}

/// One connection, which stays open between requests.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    authority: String,
    key: (&'static str, &'static str),
}

impl Client {
    pub(crate) async fn send(&mut self, call: Call) -> Reply {
        // In one piece, because the system delays a second small one.
        let mut bytes = self.head(&call, call.body.len()).into_bytes();
        bytes.extend(&call.body);
        self.write(&bytes).await;
        self.read(call.method).await
    }

    /// Sends a head that announces this length, and only some bytes of the body.
    pub(crate) async fn write_head(&mut self, call: &Call, length: usize) {
        let head = self.head(call, length);
        self.stream.write_all(head.as_bytes()).await.unwrap();
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Ends the connection without waiting for an answer.
    pub(crate) fn cut(self) {
        drop(self);
    }

    /// Begins an upload and returns its id.
    pub(crate) async fn initiate(&mut self) -> String {
        let reply = self.send(Call::initiate()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.child("UploadId")
    }

    /// Begins an upload with two parts, whose numbers are 1 and 7, and returns its id.
    pub(crate) async fn initiate_two_parts(&mut self, first: &[u8], second: &[u8]) -> String {
        let id = self.initiate().await;
        self.part(&id, 1, first).await;
        self.part(&id, 7, second).await;
        id
    }

    /// Uploads a part and returns its ETag, with quotes.
    pub(crate) async fn part(&mut self, id: &str, number: u32, body: &[u8]) -> String {
        let reply = self.send(Call::part(id, number, body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.header("etag").to_owned()
    }

    fn head(&self, call: &Call, length: usize) -> String {
        let scope = format!("{DAY}/{REGION}/oss/aliyun_v4_request");
        let mut headers = call.headers.clone();
        headers.push(("x-oss-date".to_owned(), DATE.to_owned()));
        headers.push(("x-oss-content-sha256".to_owned(), "UNSIGNED-PAYLOAD".to_owned()));
        headers.sort();
        let query = canonical_query(&call.query);
        let is_signed = |name: &str| {
            name.starts_with("x-oss-") || ["content-type", "content-md5"].contains(&name)
        };
        let signed: Vec<_> = headers
            .iter()
            .filter(|(name, _)| is_signed(name))
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let signed = signed.concat();
        let decoded = percent_encoding::percent_decode_str(&call.path).decode_utf8().unwrap();
        let resource = format!("/{BUCKET}{decoded}");
        let canonical = format!(
            "{}\n{}\n{query}\n{signed}\n\nUNSIGNED-PAYLOAD",
            call.method,
            utf8_percent_encode(&resource, &PATH)
        );
        let text = format!(
            "OSS4-HMAC-SHA256\n{DATE}\n{scope}\n{}",
            hex::encode(Sha256::digest(canonical))
        );
        let mut key = format!("aliyun_v4{}", self.key.1).into_bytes();
        for item in scope.split('/') {
            key = mac(&key, item);
        }
        let signature = hex::encode(mac(&key, &text));
        let mut head = format!("{} {}", call.method, call.path);
        if !query.is_empty() {
            let _ = write!(head, "?{query}");
        }
        let _ =
            write!(head, " HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n", self.authority);
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(
            head,
            "Authorization: OSS4-HMAC-SHA256 Credential={}/{scope},Signature={signature}\r\n\r\n",
            self.key.0
        );
        head
    }

    pub(crate) async fn read(&mut self, method: &str) -> Reply {
        let end = loop {
            let end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                break end;
            }
            self.fill().await;
        };
        let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<_, _> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let length = if method == "HEAD" { 0 } else { length };
        while self.buffer.len() < end + 4 + length {
            self.fill().await;
        }
        let rest = self.buffer.split_off(end + 4 + length);
        let body = std::mem::replace(&mut self.buffer, rest).split_off(end + 4);
        Reply { status, headers, body }
    }

    async fn fill(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer);
        let limit = std::time::Duration::from_mins(2);
        let count = tokio::time::timeout(limit, read).await.unwrap().unwrap();
        assert!(count > 0, "the connection ended in the middle of an answer");
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn canonical_query(query: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, &COMPONENT).to_string();
    let mut items: Vec<_> =
        query.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    items.sort();
    let write = |(name, value): (String, String)| {
        if value.is_empty() { name } else { format!("{name}={value}") }
    };
    items.into_iter().map(write).collect::<Vec<_>>().join("&")
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
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Returns the text of every element with this name.
    pub(crate) fn children(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = text.split(&open).skip(1);
        pieces.map(|piece| piece.split(&close).next().unwrap().to_owned()).collect()
    }

    pub(crate) fn child(&self, name: &str) -> String {
        self.children(name).into_iter().next().unwrap_or_default()
    }

    /// Returns status, `Code` and EC.
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        assert_eq!(self.header("x-oss-ec"), self.child("EC"));
        (self.status, self.child("Code"), self.child("EC"))
    }
}

/// Writes a part list.
pub(crate) fn part_list(parts: &[(u32, &str)]) -> String {
    let part = |(number, etag): &(u32, &str)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let parts: String = parts.iter().map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

/// Returns the MD5 of some bytes in upper-case hex.
pub(crate) fn md5(bytes: &[u8]) -> String {
    hex::encode_upper(Md5::digest(bytes))
}

/// Makes content that differs from part to part.
pub(crate) fn content(number: u32, size: usize) -> Vec<u8> {
    let seed = number.to_be_bytes();
    (0..size).map(|index| seed[index % 4] ^ u8::try_from(index % 251).unwrap()).collect()
}
