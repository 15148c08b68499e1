//! A function whose bucket is the local OSS, and a client that sends parts.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::net::{HttpClient, RequestLimits, ReqwestClient};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner, object_path};
use oss_upload_signer::signing::v4::V4Signer;
use oss_upload_signer::time::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::app::{Answer, Function, NOW, bucket_environment};
use crate::support::form::{BUCKET, KEY_ID, REGION, SECRET};
use crate::support::oss::Server;
use crate::support::ticket::ticket_of;
use crate::support::wait::{LIMIT, within};

/// The size of a part: the smallest that OSS accepts.
pub(super) const PART: usize = 100 << 10;

/// A key for tokens, tickets and receipts.
pub(super) const KEY: &str = "an example key of more than 32 bytes";

/// The settings of a route with small parts.
pub(super) const ROUTE: &str = "[routes.videos]\ndir = \"videos/{uuid}/\"\nmax_size = \"5GiB\"\n\
                                [routes.videos.multipart]\nenabled = true\nthreshold = \"150KiB\"\n\
                                part_size = \"540KiB\"\nresume = \"1h\"\n";

/// The function, beside a local OSS.
pub(super) struct Fixture {
    pub(super) oss: Server,
    file: String,
    variables: Vec<(String, String)>,
}

impl Fixture {
    pub(super) async fn start(file: &str, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter();
        let variables =
            variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { oss: Server::start().await, file: file.to_owned(), variables }
    }

    /// Returns the function at some seconds after the start.
    pub(super) fn at(&self, seconds: i64) -> Function {
        self.with_bucket(self.oss.address, seconds)
    }

    /// Returns the function with its bucket at another address.
    pub(super) fn with_bucket(&self, bucket: SocketAddr, seconds: i64) -> Function {
        Function::of(self.app(bucket, seconds))
    }

    pub(super) fn app(&self, bucket: SocketAddr, seconds: i64) -> App {
        let mut environment = bucket_environment(bucket, KEY);
        environment.set("UPLOAD_RECEIPT_KEYS", KEY);
        for (name, value) in &self.variables {
            environment.set(name, value.as_str());
        }
        let now = Timestamp::from_unix(NOW + seconds).unwrap();
        let start = Timestamp::from_unix(NOW).unwrap();
        let mut settings = Settings::load_over(&[], &environment, Some(&self.file), start).unwrap();
        if let Some(store) = &mut settings.store {
            // A busy machine is slower than a store may be.
            (store.time_limit, store.connect_limit) = (LIMIT, LIMIT);
        }
        App::new(settings).with_clock(move || now)
    }

    /// Signs the URL of an object, for reading.
    pub(super) fn reading_url(&self, key: &str) -> String {
        self.signed_url("GET", key)
    }

    /// Signs the URL of an object.
    pub(super) fn signed_url(&self, method: &str, key: &str) -> String {
        let secret = Secret::new(SECRET);
        let signer = RequestSigner::new(V4Signer {
            key_id: KEY_ID,
            secret: &secret,
            token: None,
            region: REGION,
            now: Timestamp::from_unix(NOW).unwrap(),
        });
        let query = signer.presign(&OssRequest::new(method, BUCKET, key), Duration::from_mins(1));
        format!("http://{}{}?{query}", self.oss.address, object_path(key))
    }

    /// Begins an upload of some bytes in parts of 100 KiB.
    pub(super) async fn begin(&self, size: usize) -> Upload {
        let answer = self.at(0).post("/multipart", &wish(size).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.whole());
        Upload(answer.json())
    }
}

/// A call that begins an upload.
pub(super) fn wish(size: usize) -> Value {
    let file = json!({ "name": "照片 1.mp4", "type": "video/mp4", "size": size });
    json!({ "route": "videos", "part_size": PART, "file": file })
}

/// The answer of a begun upload.
pub(super) struct Upload(pub(super) Value);

impl Upload {
    pub(super) fn token(&self) -> &str {
        self.0["token"].as_str().unwrap()
    }

    pub(super) fn key(&self) -> &str {
        self.0["key"].as_str().unwrap()
    }

    /// Returns the URL of a part by the rule of the documentation.
    pub(super) fn url(&self, number: usize) -> String {
        let signature = self.0["signatures"][number.to_string()].as_str().unwrap();
        let url = self.0["url"].as_str().unwrap();
        format!("{url}&partNumber={number}&x-oss-signature={signature}")
    }

    /// Uploads one part of a file.
    pub(super) async fn put(&self, number: usize, content: &[u8]) -> Response<Bytes> {
        let end = content.len().min(number * PART);
        put(&self.url(number), &content[(number - 1) * PART..end]).await
    }

    /// Returns a body with the token.
    pub(super) fn body(&self) -> String {
        json!({ "token": self.token() }).to_string()
    }
}

/// Sends a request without headers.
pub(super) async fn send(method: Method, url: &str, body: &[u8]) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(url);
    let request = request.body(Bytes::copy_from_slice(body)).unwrap();
    let limits =
        RequestLimits { timeout: Duration::from_secs(20), max_body: 1 << 24, use_proxy: false };
    ReqwestClient::new(None).send(request, limits).await.unwrap()
}

pub(super) async fn put(url: &str, body: &[u8]) -> Response<Bytes> {
    send(Method::PUT, url, body).await
}

/// Returns a file in which no two parts are the same.
pub(super) fn content(size: usize) -> Vec<u8> {
    (0..size).map(|index| u8::try_from((index * 7 + index / PART) % 251).unwrap()).collect()
}

/// Calls with a ticket for a subject.
pub(super) async fn post_as(function: &Function, subject: &str, path: &str, body: &str) -> Answer {
    let ticket = ticket_of(subject, NOW + 3600);
    let request = Request::post(path).header("x-upload-ticket", ticket.sign(&Secret::new(KEY)));
    function.call(request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()).await
}

/// Returns status and code of a failure.
pub(super) fn failure(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

/// A bucket that answers one request after another from a list, whatever is requested.
pub(super) struct ScriptedBucket {
    pub(super) address: SocketAddr,
    served: JoinHandle<usize>,
}

impl ScriptedBucket {
    pub(super) async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            let count = answers.len();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                read_request(&mut stream).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            count
        });
        Self { address, served }
    }

    /// Waits until every answer was given.
    pub(super) async fn all_served(self) -> usize {
        within(LIMIT, "all answers", self.served).await.unwrap()
    }
}

/// Reads head and body of a request.
async fn read_request(stream: &mut TcpStream) {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        read.extend(&buffer[..count]);
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            assert!(count > 0, "the request has no end");
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1);
        let length = length.map_or(0, |rest| rest.split('\r').next().unwrap().parse().unwrap());
        if read.len() >= end + 4 + length {
            return;
        }
    }
}
