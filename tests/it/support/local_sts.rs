//! A local STS in process, with a clock that tests set, and a caller that signs by hand.
//!
//! Requests are signed with the V1 rule and the hash crates, without the code of the function or the
//! emulator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use oss_emulator::keys::AccessKey;
use oss_emulator::sts::{Options, RamRole, Sts};
use serde_json::Value;
use sha1::Sha1;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::form::NOW;

pub(crate) const USER: &str = "LTAI5tUser";
pub(crate) const USER_SECRET: &str = "UserSecret";
pub(crate) const ROLE_ARN: &str = "acs:ram::1234567890123456:role/oss-uploader";

/// A local STS with one user and the role `oss-uploader`.
pub(crate) struct StsFixture {
    pub(crate) sts: Sts,
    pub(crate) options: Options,
    pub(crate) clock: Arc<AtomicI64>,
}

impl StsFixture {
    pub(crate) fn open() -> Self {
        Self::with(|_| {})
    }

    /// Opens one with changed options.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let time = Arc::clone(&clock);
        let mut options = Options::new(Arc::new(move || time.load(Ordering::Relaxed)), [7; 16]);
        options.roles = vec![RamRole::new("oss-uploader")];
        options.ring.add(AccessKey::new(USER, USER_SECRET));
        change(&mut options);
        Self { sts: Sts::open(options.clone()).unwrap(), options, clock }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        self.try_send(request).await.unwrap()
    }

    /// Sends a request to an STS that may close the connection.
    pub(crate) async fn try_send(&self, request: Request<Full<Bytes>>) -> std::io::Result<Reply> {
        let (head, body) = self.sts.call(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, text })
    }

    /// Sends a request as this caller, at the time of the STS.
    pub(crate) async fn ask(&self, caller: &Caller<'_>, parameters: &[(&str, &str)]) -> Reply {
        self.send(caller.request(self.clock.load(Ordering::Relaxed), parameters)).await
    }

    /// Assumes the role with further parameters and returns the keys.
    pub(crate) async fn keys(&self, parameters: &[(&str, &str)]) -> Keys {
        let reply = self.ask(&Caller::user(), parameters).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        Keys::of(&reply.json()["Credentials"])
    }

    /// Sends a request without a body, for example to the metadata service.
    pub(crate) async fn get(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::default()).unwrap()).await
    }
}

/// A complete response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Returns the status and `Code` of an error.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.child("Code"))
    }

    /// Returns the value of this name in the XML or JSON, or an empty text.
    pub(crate) fn child(&self, name: &str) -> String {
        let within = |open: &str, close: &str| {
            let rest = self.text.split(open).nth(1)?;
            rest.split(close).next().map(str::to_owned)
        };
        let xml = within(&format!("<{name}>"), "<");
        xml.or_else(|| within(&format!("\"{name}\":\""), "\"")).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Formats the whole response as text.
    pub(crate) fn normalized(&self) -> String {
        let headers = self.headers.iter();
        let mut lines: Vec<String> =
            headers.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
        lines.sort();
        format!("{}\n{}\n{}\n", self.status, lines.concat(), self.text)
    }
}

/// Sends a request over a socket and reads until the connection ends.
pub(crate) async fn over_socket(address: &str, call: Request<Full<Bytes>>) -> String {
    let body = call.into_body().collect().await.unwrap().to_bytes();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    // The end may be a reset: what has come until then counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// An issued temporary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) expiration: String,
}

impl Keys {
    pub(crate) fn of(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap().to_owned();
        Self {
            id: text("AccessKeyId"),
            secret: text("AccessKeySecret"),
            token: text("SecurityToken"),
            expiration: text("Expiration"),
        }
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { id: &self.id, secret: &self.secret, token: Some(&self.token) }
    }
}

/// A caller that signs with V1.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) token: Option<&'a str>,
}

impl Caller<'_> {
    pub(crate) fn user() -> Self {
        Self { id: USER, secret: USER_SECRET, token: None }
    }

    /// Builds a signed `AssumeRole` request for the role with a form body. A parameter given here
    /// replaces the default one, and an empty value removes it.
    pub(crate) fn request(&self, now: i64, parameters: &[(&str, &str)]) -> Request<Full<Bytes>> {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let nonce = format!("nonce-{}", CALLS.fetch_add(1, Ordering::Relaxed));
        let timestamp = UtcDateTime::from_unix_timestamp(now).unwrap().format(&Rfc3339).unwrap();
        let mut all = BTreeMap::from([
            ("AccessKeyId", self.id),
            ("Action", "AssumeRole"),
            ("Format", "JSON"),
            ("RoleArn", ROLE_ARN),
            ("RoleSessionName", "session"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", &nonce),
            ("SignatureVersion", "1.0"),
            ("Timestamp", &timestamp),
            ("Version", "2015-04-01"),
        ]);
        all.extend(self.token.map(|token| ("SecurityToken", token)));
        all.extend(parameters.iter().copied());
        all.retain(|_, value| !value.is_empty());
        let pairs: Vec<String> =
            all.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let pairs = pairs.join("&");
        let mut mac = Hmac::<Sha1>::new_from_slice(format!("{}&", self.secret).as_bytes()).unwrap();
        mac.update(format!("POST&%2F&{}", encode(&pairs)).as_bytes());
        let signature = encode(&STANDARD.encode(mac.finalize().into_bytes()));
        form(&format!("{pairs}&Signature={signature}"))
    }
}

/// Builds a request with this form body.
pub(crate) fn form(body: &str) -> Request<Full<Bytes>> {
    Request::post("/")
        .header("host", "sts.test")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(body.to_owned()))
        .unwrap()
}

/// Percent-encodes all but the unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
