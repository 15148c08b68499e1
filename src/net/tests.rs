//! The client against loopback servers that answer with given bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;

const LIMITS: RequestLimits =
    RequestLimits { timeout: Duration::from_secs(30), max_body: 16, use_proxy: true };

/// Starts a server for one connection: it reads a head, and a body of one byte if there is one, writes
/// `response` and closes. Returns its port, and later the bytes that it has read.
async fn server(response: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        let is_whole = |read: &[u8]| {
            let text = String::from_utf8_lossy(read);
            let body = usize::from(text.contains("content-length: 1\r\n"));
            text.find("\r\n\r\n").is_some_and(|end| text.len() >= end + 4 + body)
        };
        while !is_whole(&read) && socket.read_buf(&mut read).await.unwrap() > 0 {}
        socket.write_all(response.as_bytes()).await.unwrap();
        String::from_utf8(read).unwrap()
    });
    (port, task)
}

/// Starts a server that accepts a connection and never writes.
async fn silent_server() -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let _connection = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
    });
    (port, task)
}

fn post(url: &str) -> Request<Bytes> {
    Request::post(url).header("x-ours", "1").body(Bytes::from_static(b"x")).unwrap()
}

async fn send(port: u16, limits: RequestLimits) -> Result<Response<Bytes>, SendError> {
    direct().send(post(&format!("http://127.0.0.1:{port}/path?a=b")), limits).await
}

fn direct() -> ReqwestClient {
    ReqwestClient::new(None)
}

fn proxied(port: u16, except: Option<&str>) -> ReqwestClient {
    let url = format!("http://user:marker@127.0.0.1:{port}");
    ReqwestClient::new(Some(Proxy { url, except: except.map(str::to_owned) }))
}

#[tokio::test]
async fn a_request_is_sent_unchanged_and_the_whole_response_is_returned() {
    let (port, server) =
        server("HTTP/1.1 503 Busy\r\nx-theirs: 2\r\ncontent-length: 5\r\n\r\nlater").await;
    let answer = send(port, LIMITS).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["x-theirs"].as_bytes()),
        (503, &b"2"[..])
    );
    assert_eq!(answer.body(), "later");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        server.await.unwrap(),
        format!(
            "POST /path?a=b HTTP/1.1\r\nx-ours: 1\r\nconnection: close\r\naccept: */*\r\n\
             user-agent: oss-upload-signer/{version}\r\nhost: 127.0.0.1:{port}\r\n\
             content-length: 1\r\n\r\nx"
        )
    );
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let (port, server) = server(
        "HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(send(port, LIMITS).await.unwrap().status(), 307);
    server.await.unwrap();
}

#[tokio::test]
async fn a_response_body_may_be_as_long_as_the_limit() {
    let (port, _server) = server("HTTP/1.1 200 OK\r\n\r\n0123456789abcdef").await;
    assert_eq!(send(port, LIMITS).await.unwrap().body(), "0123456789abcdef");
    for response in [
        "HTTP/1.1 200 OK\r\n\r\n0123456789abcdefg",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n0123456789abcdefg",
    ] {
        let (port, _server) = server(response).await;
        assert_eq!(send(port, LIMITS).await.unwrap_err(), SendError::TooLong);
    }
}

#[tokio::test]
async fn a_broken_connection_is_an_error() {
    for response in
        ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "SSH-2.0"]
    {
        let (port, _server) = server(response).await;
        let error = send(port, LIMITS).await.unwrap_err();
        assert!(matches!(error, SendError::Broken(_)), "{response}: {error:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_when_the_time_is_over() {
    let (port, server) = silent_server().await;
    let limits = RequestLimits { timeout: Duration::from_millis(50), ..LIMITS };
    assert_eq!(send(port, limits).await.unwrap_err(), SendError::TimedOut);
    server.abort();
}

#[tokio::test]
async fn a_host_that_refuses_the_connection_is_unreachable() {
    // Taken without a listener, so that no other test is given the same port.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let error = send(port, LIMITS).await.unwrap_err();
    assert_eq!(error.to_string(), "no connection (Connection refused (os error 111))");
    for url in ["ftp://127.0.0.1/", "/path", "mailto:a"] {
        let error = direct().send(post(url), LIMITS).await.unwrap_err();
        assert_eq!(error.to_string(), "no connection (no web address)", "{url}");
    }
}

#[tokio::test]
async fn every_request_has_its_own_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = direct();
    for _ in 0..2 {
        let serve = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\nx") && socket.read_buf(&mut read).await.unwrap() > 0 {}
            // The server would keep the connection.
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            socket.read_to_end(&mut Vec::new()).await.unwrap()
        };
        let (left, answer) = tokio::join!(serve, client.send(post(&url), LIMITS));
        assert_eq!((left, answer.unwrap().status().as_u16()), (0, 200));
    }
}

#[tokio::test]
async fn localhost_needs_no_name_server() {
    let (port, _server) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer = direct().send(post(&format!("http://localhost:{port}/")), LIMITS).await;
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_without_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/?marker", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut read = Vec::new();
        socket.read_to_end(&mut read).await.unwrap();
        String::from_utf8_lossy(&read).into_owned()
    });
    let error = direct().send(post(&url), LIMITS).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable(_)), "{error:?}");
    assert!(!server.await.unwrap().contains("marker"));
}

/// Starts a TLS server named `service.example`, behind a proxy tunnel if `is_tunneled`; returns its port
/// and a client that trusts its certificate.
async fn tls_server(is_tunneled: bool) -> (u16, ReqwestClient) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let names = vec!["service.example".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        if is_tunneled {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") && socket.read_buf(&mut read).await.unwrap() > 0 {}
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        }
        let Ok(mut socket) = TlsAcceptor::from(Arc::new(server)).accept(socket).await else {
            return;
        };
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\nx") && socket.read_buf(&mut read).await.unwrap() > 0 {}
        let line = read.split(|byte| *byte == b'\r').next().unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", line.len());
        socket.write_all(&[head.as_bytes(), line].concat()).await.unwrap();
        socket.shutdown().await.unwrap();
    });
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let network = if is_tunneled { proxied(port, None) } else { direct() };
    let cell = if is_tunneled { &network.proxied } else { &network.direct };
    cell.set(build(client, network.proxy.as_ref()).unwrap()).unwrap();
    (port, network)
}

#[tokio::test]
async fn an_https_request_works_directly_and_through_a_tunnel() {
    let (port, network) = tls_server(false).await;
    let answer = network.send(post(&format!("https://127.0.0.1:{port}/p")), LIMITS).await;
    assert_eq!(answer.unwrap().body(), "POST /p HTTP/1.1");
    let (_, network) = tls_server(true).await;
    let answer = network.send(post("https://service.example/p"), LIMITS).await;
    assert_eq!(answer.unwrap().body(), "POST /p HTTP/1.1");
}

#[tokio::test]
async fn a_certificate_of_another_name_or_of_an_unknown_issuer_is_refused() {
    let (_, network) = tls_server(true).await;
    let answer = network.send(post("https://other.example/p"), LIMITS).await;
    assert!(matches!(answer.unwrap_err(), SendError::Unreachable(_)));
    let (port, _) = tls_server(false).await;
    let url = format!("https://127.0.0.1:{port}/p");
    let answer = direct().send(post(&url), LIMITS).await;
    let expected = "no connection (invalid peer certificate: UnknownIssuer)";
    assert_eq!(answer.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn a_plain_request_to_a_proxy_has_the_whole_url() {
    let (port, proxy) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer = proxied(port, None).send(post("http://service.example/path"), LIMITS).await;
    assert_eq!(answer.unwrap().status(), 200);
    let request = proxy.await.unwrap();
    assert!(request.starts_with("POST http://service.example/path HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: service.example\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: Basic dXNlcjptYXJrZXI=\r\n"), "{request}");
}

#[tokio::test]
async fn an_https_request_goes_through_the_tunnel_or_fails() {
    let refusal = "HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n";
    let garbage = "HTTP/1.1 200 OK\r\n\r\nno TLS";
    for (response, is_opened) in [(refusal, false), (garbage, true)] {
        let (port, proxy) = server(response).await;
        let request = post("https://service.example/path?marker");
        let error = proxied(port, None).send(request, LIMITS).await.unwrap_err();
        let problem = "tunnel error: proxy authorization required";
        let refused = error == SendError::Unreachable(problem.to_owned());
        assert!(matches!(error, SendError::Unreachable(_)), "{error:?}");
        assert_eq!(refused, !is_opened, "{error:?}");
        let request = proxy.await.unwrap();
        let head = "CONNECT service.example:443 HTTP/1.1\r\nHost: service.example:443\r\n";
        assert!(request.starts_with(head), "{request}");
        assert!(!request.contains("path"), "{request}");
    }
}

#[tokio::test]
async fn excepted_hosts_and_requests_without_proxy_go_directly() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = proxy.local_addr().unwrap().port();
    let direct = RequestLimits { use_proxy: false, ..LIMITS };
    for (limits, except) in [(direct, None), (LIMITS, Some("other.example,127.0.0.0/8"))] {
        let (target, server) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let url = format!("http://127.0.0.1:{target}/");
        let answer = proxied(port, except).send(post(&url), limits).await;
        assert_eq!(answer.unwrap().status(), 200);
        server.await.unwrap();
    }
    // There was no connection to the proxy.
    let calls = tokio::time::timeout(Duration::ZERO, proxy.accept()).await;
    assert!(calls.is_err());
}

#[tokio::test]
async fn an_unusable_proxy_is_never_bypassed() {
    for url in ["", "socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://"] {
        let network = ReqwestClient::new(Some(Proxy { url: url.to_owned(), except: None }));
        let error = network.send(post("http://127.0.0.1:1/"), LIMITS).await.unwrap_err();
        let expected = "no connection (the proxy's address cannot be used; write http://host:port)";
        assert_eq!(error.to_string(), expected, "{url}");
    }
}

#[test]
fn debug_output_does_not_show_the_password_of_the_proxy() {
    assert!(!format!("{:?}", proxied(1, None)).contains("marker"));
}
