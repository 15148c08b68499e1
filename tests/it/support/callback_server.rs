//! A server that is called back: it keeps what it was sent, byte for byte, and answers by a script.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running server; it answers one call after another and ends with the last line of its script.
pub(crate) struct Called {
    pub(crate) address: SocketAddr,
    task: JoinHandle<Vec<Heard>>,
}

/// A server that nobody is to call; it would be noticed.
pub(crate) struct Uncalled {
    listener: std::net::TcpListener,
}

impl Uncalled {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    /// The address of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listener.local_addr().unwrap())
    }

    /// Fails if somebody has connected, which the system would know by now.
    pub(crate) fn check(&self) {
        let error = self.listener.accept().map(|_| "somebody called").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}

/// A call as it was sent.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What a call is answered with.
pub(crate) enum Line {
    /// These bytes, and then the connection is closed.
    Bytes(Vec<u8>),
    /// Nothing at all; the connection is held until the other side has enough.
    Silence,
}

impl Line {
    /// A good answer.
    pub(crate) fn good() -> Self {
        Self::json(r#"{"Status":"OK"}"#)
    }

    /// A status 200 with this body and its length.
    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    /// These very bytes.
    pub(crate) fn raw(bytes: &str) -> Self {
        Self::Bytes(bytes.as_bytes().to_vec())
    }

    /// This status, with a body that would be good.
    pub(crate) fn status(status: u16) -> Self {
        Self::raw(&format!("HTTP/1.1 {status} Some\r\nContent-Length: 2\r\n\r\n{{}}"))
    }
}

impl Called {
    /// Starts one with a script.
    pub(crate) async fn start(lines: impl IntoIterator<Item = Line>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let lines: Vec<Line> = lines.into_iter().collect();
        let task = tokio::spawn(async move {
            let mut heard = Vec::new();
            for line in lines {
                let (mut stream, _) = listener.accept().await.unwrap();
                heard.push(Heard::read(&mut stream).await);
                match line {
                    Line::Bytes(bytes) => stream.write_all(&bytes).await.unwrap(),
                    Line::Silence => assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0),
                }
            }
            heard
        });
        Self { address, task }
    }

    /// The address of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that was heard, once the whole script has been played.
    pub(crate) async fn heard(self) -> Vec<Heard> {
        self.task.await.unwrap()
    }

    /// The one call that was heard.
    pub(crate) async fn heard_once(self) -> Heard {
        let mut heard = self.heard().await;
        assert_eq!(heard.len(), 1);
        heard.remove(0)
    }
}

impl Heard {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(stream.read_u8().await.unwrap());
        }
        let mut heard = Self { head: String::from_utf8(bytes).unwrap(), body: Vec::new() };
        heard.body = vec![0; heard.header("content-length").parse().unwrap()];
        stream.read_exact(&mut heard.body).await.unwrap();
        heard
    }

    /// Returns a header, which must be there once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let values: Vec<&str> =
            lines.filter(|line| line.0.eq_ignore_ascii_case(name)).map(|line| line.1).collect();
        assert_eq!(values.len(), 1, "{name} in {}", self.head);
        values[0]
    }

    /// Returns the body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Writes the field for one address and a form body.
pub(crate) fn field(url: &str, body: &str) -> String {
    encoded(&json!({"callbackUrl": url, "callbackBody": body}))
}

/// Writes the field for one address and a JSON body.
pub(crate) fn json_field(url: &str, body: &str) -> String {
    encoded(&json!({
        "callbackUrl": url,
        "callbackBody": body,
        "callbackBodyType": "application/json",
    }))
}

/// Writes the field with these members.
pub(crate) fn encoded(members: &serde_json::Value) -> String {
    STANDARD.encode(members.to_string())
}
