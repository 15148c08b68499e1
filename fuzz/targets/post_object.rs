//! PostObject as a whole, in process: no input causes a panic or an internal error, an accepted
//! upload is stored unchanged, a rejected one leaves no file, and the result agrees with the validator
//! that stores nothing.
//!
//! Input: one byte of flags, header lines (`name: value`), a zero, a policy document, a zero, the
//! body. With flag 1 the policy is signed and its fields are inserted before the body; with flag 2
//! every relaxation is in effect; with flag 4 the document is a list of conditions, and the
//! conditions that every policy needs are inserted before it. The boundary is `b` unless a header
//! sets another one.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::oss::{
    AccessKey, LocalBucket, Options, Oss, OssError, OssEvent, ParsedForm, Relaxation, Strictness,
    UploadValidator,
};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The current time: 2024-11-27T06:09:41Z.
const NOW: i64 = 1_732_687_781;
const CREDENTIAL: &str = "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request";
const SECRET: &str = "ExampleSecretKey/abcDEF+0123456789=";

thread_local! {
    static FIXTURES: RefCell<Fixtures> = RefCell::new(Fixtures::new());
}

/// A strict and a relaxed OSS, and the runtime for them.
struct Fixtures {
    runtime: Runtime,
    strict: Fixture,
    relaxed: Fixture,
}

/// One local OSS with its data directory.
struct Fixture {
    oss: Oss,
    folder: TempDir,
    strictness: Strictness,
    /// The file of the last stored upload.
    stored: Arc<Mutex<Option<PathBuf>>>,
}

/// The response to a request.
struct Outcome {
    status: u16,
    body: Bytes,
}

impl Fixtures {
    fn new() -> Self {
        let relaxed = Strictness {
            relaxed: Relaxation::ALL.iter().copied().collect(),
            value_limit: 4096,
            ..Strictness::default()
        };
        Self {
            runtime: Builder::new_current_thread().enable_time().build().unwrap(),
            strict: Fixture::new(Strictness::default()),
            relaxed: Fixture::new(relaxed),
        }
    }
}

impl Fixture {
    fn new(strictness: Strictness) -> Self {
        // Memory is faster than a disk, and a fuzzer writes a lot.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.unwrap();
        let stored = Arc::new(Mutex::new(None));
        let note = Arc::clone(&stored);
        let mut options = Options::new(folder.path(), Arc::new(|| NOW));
        options.buckets = vec![bucket()];
        options.keys = vec![key()];
        options.strictness = strictness.clone();
        options.observer = Some(Arc::new(move |event: &OssEvent| {
            if let OssEvent::Stored { path, .. } = event {
                *note.lock().unwrap() = Some(path.clone());
            }
        }));
        Self { oss: Oss::open(options).unwrap(), folder, strictness, stored }
    }

    /// Removes what was stored and returns its bytes.
    fn take_stored(&self) -> Option<Vec<u8>> {
        let path = self.stored.lock().unwrap().take()?;
        let content = fs::read(&path).unwrap();
        // An object without its content does not exist.
        fs::remove_file(&path).unwrap();
        Some(content)
    }

    fn is_clean(&self) -> bool {
        fs::read_dir(self.folder.path().join(".incoming")).unwrap().next().is_none()
    }
}

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let Some((is_relaxed, request)) = parse(input) else {
        return;
    };
    FIXTURES.with_borrow(|fixtures| {
        let fixture = if is_relaxed { &fixtures.relaxed } else { &fixtures.strict };
        fixtures.runtime.block_on(check(fixture, request));
    });
}

/// Returns the request of an input, and whether every relaxation is in effect.
pub(crate) fn parse(input: &[u8]) -> Option<(bool, Request<Full<Bytes>>)> {
    let (flags, rest) = input.split_first()?;
    let mut items = rest.splitn(3, |byte| *byte == 0);
    let mut next = || items.next().unwrap_or_default();
    let (headers, policy, body) = (next(), next(), next());
    let policy = if flags & 4 != 0 { covered(policy) } else { policy.to_vec() };
    let body = if flags & 1 != 0 { [&signed(&policy), body].concat() } else { body.to_vec() };
    Some((flags & 2 != 0, request(headers, body.into())))
}

async fn check(fixture: &Fixture, request: Request<Full<Bytes>>) {
    let expected = expected(fixture, &request).await;
    let outcome = send(fixture, request).await;
    let Outcome { status, body } = &outcome;
    let text = String::from_utf8_lossy(body);
    assert_ne!(*status, 500, "{text}");
    let stored = fixture.take_stored();
    assert!(fixture.is_clean());
    if *status >= 400 {
        assert!(stored.is_none());
        assert!(body.starts_with(b"<?xml"), "{text}");
    } else {
        assert!(matches!(status, 200 | 201 | 204 | 303), "{status}");
        assert!(stored.is_some());
    }
    match expected {
        Expected::Stored(content) => assert_eq!(stored, Some(content), "{text}"),
        Expected::Refused(error) => {
            let code = format!("<Code>{}</Code>", error.code());
            assert!(stored.is_none() && text.contains(&code), "{error}\n{text}");
        }
        Expected::Unknown => {}
    }
}

/// What the server should do.
enum Expected {
    Stored(Vec<u8>),
    Refused(OssError),
    /// It depends on what the validator does not look at.
    Unknown,
}

async fn send(fixture: &Fixture, request: Request<Full<Bytes>>) -> Outcome {
    let (parts, body) = fixture.oss.call(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Outcome { status: parts.status.as_u16(), body }
}

/// Runs the validator that stores nothing.
async fn expected(fixture: &Fixture, request: &Request<Full<Bytes>>) -> Expected {
    let headers = request.headers();
    if headers["host"] != "127.0.0.1" || headers.contains_key("origin") {
        return Expected::Unknown;
    }
    let (bucket, keys) = (bucket(), [key()]);
    let validator = UploadValidator {
        buckets: &[bucket],
        hosts: &AllowedHosts::default(),
        keys: &keys,
        strictness: &fixture.strictness,
        now: NOW,
    };
    if let Err(error) = validator.validate(request.clone()).await {
        return Expected::Refused(error);
    }
    let content_type = headers["content-type"].to_str().unwrap_or_default();
    let body = request.body().clone();
    match ParsedForm::read(content_type, body, &fixture.strictness).await {
        Ok(parsed) => Expected::Stored(parsed.content),
        Err(error) => Expected::Refused(error),
    }
}

fn request(headers: &[u8], body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::post("/").body(Full::new(body)).unwrap();
    let map = request.headers_mut();
    map.insert("host", HeaderValue::from_static("127.0.0.1"));
    map.insert("content-type", HeaderValue::from_static("multipart/form-data; boundary=b"));
    for line in headers.split(|byte| *byte == b'\n') {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b": ").unwrap_or_default();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            map.insert(name, value);
        }
    }
    request
}

/// Writes a policy with the conditions that every one needs, and these.
fn covered(conditions: &[u8]) -> Vec<u8> {
    let before = format!(
        r#"{{"expiration":"2024-11-27T07:09:41.000Z","conditions":[{{"bucket":"examplebucket"}},
        {{"x-oss-signature-version":"OSS4-HMAC-SHA256"}},{{"x-oss-credential":"{CREDENTIAL}"}},
        {{"x-oss-date":"20241127T060941Z"}}"#
    );
    let comma: &[u8] = if conditions.is_empty() { b"" } else { b"," };
    [before.as_bytes(), comma, conditions, b"]}"].concat()
}

/// Writes the fields that make a policy count.
fn signed(policy: &[u8]) -> Vec<u8> {
    let policy = STANDARD.encode(policy);
    let steps = ["20241127", "cn-hangzhou", "oss", "aliyun_v4_request", &policy];
    let first = format!("aliyun_v4{SECRET}").into_bytes();
    let signature = steps.iter().fold(first, |key, step| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(step.as_bytes());
        mac.finalize().into_bytes().to_vec()
    });
    let signature = hex::encode(signature);
    let fields = [
        ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
        ("x-oss-credential", CREDENTIAL),
        ("x-oss-date", "20241127T060941Z"),
        ("x-oss-signature", &signature),
        ("policy", &policy),
    ];
    let parts = fields.map(|(name, value)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    parts.concat().into_bytes()
}

fn bucket() -> LocalBucket {
    LocalBucket { name: "examplebucket".to_owned(), region: "cn-hangzhou".to_owned() }
}

fn key() -> AccessKey {
    AccessKey::new("LTAI5tExampleKeyId0001", SECRET)
}
