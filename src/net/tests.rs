//! The network against servers that say exactly what a test has them say.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;

const TERMS: Terms = Terms { time: Duration::from_secs(30), max_body: 16, proxy: true };

/// A server for one connection: it reads a whole head, and a body of one byte if there is one, says
/// its piece and closes. Gives its port, and later what it has read.
async fn server(piece: &'static str) -> (u16, JoinHandle<String>) {
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
        socket.write_all(piece.as_bytes()).await.unwrap();
        String::from_utf8(read).unwrap()
    });
    (port, task)
}

/// A server that picks up and never says a word.
async fn silence() -> (u16, JoinHandle<()>) {
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

async fn send(port: u16, terms: Terms) -> Result<Response<Bytes>, SendError> {
    direct().send(post(&format!("http://127.0.0.1:{port}/path?a=b")), terms).await
}

fn network(proxy: Option<Proxy>) -> Network {
    Network::new(proxy, Arc::new(|| Ok([7; 16])))
}

fn direct() -> Network {
    network(None)
}

fn proxied(port: u16, except: Option<&str>) -> Network {
    let url = format!("http://user:marker@127.0.0.1:{port}");
    network(Some(Proxy { url, except: except.map(str::to_owned) }))
}

#[tokio::test]
async fn a_request_goes_out_as_it_is_and_the_answer_comes_back_whole() {
    let (port, server) =
        server("HTTP/1.1 503 Busy\r\nx-theirs: 2\r\ncontent-length: 5\r\n\r\nlater").await;
    let answer = send(port, TERMS).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["x-theirs"].as_bytes()),
        (503, &b"2"[..])
    );
    assert_eq!(answer.body(), "later");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        server.await.unwrap(),
        format!(
            "POST /path?a=b HTTP/1.1\r\nx-ours: 1\r\nhost: 127.0.0.1:{port}\r\n\
             connection: close\r\nuser-agent: oss-upload-signer/{version}\r\n\
             content-length: 1\r\n\r\nx"
        )
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_others() {
    let (port, server) = server(
        "HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(send(port, TERMS).await.unwrap().status(), 307);
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_was_agreed_and_no_longer() {
    let (port, _server) = server("HTTP/1.1 200 OK\r\n\r\n0123456789abcdef").await;
    assert_eq!(send(port, TERMS).await.unwrap().body(), "0123456789abcdef");
    for piece in [
        "HTTP/1.1 200 OK\r\n\r\n0123456789abcdefg",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n0123456789abcdefg",
    ] {
        let (port, _server) = server(piece).await;
        assert_eq!(send(port, TERMS).await.unwrap_err(), SendError::TooLong);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_gives_no_answer() {
    for piece in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "SSH-2.0"]
    {
        let (port, _server) = server(piece).await;
        let error = send(port, TERMS).await.unwrap_err();
        assert!(matches!(error, SendError::Broken(_)), "{piece}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let (port, server) = silence().await;
    let terms = Terms { time: Duration::from_millis(50), ..TERMS };
    assert_eq!(send(port, terms).await.unwrap_err(), SendError::TimedOut);
    server.abort();
}

#[tokio::test]
async fn what_cannot_be_reached_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = send(port, TERMS).await.unwrap_err();
    assert_eq!(error.to_string(), "no connection (Connection refused (os error 111))");
    for url in ["ftp://127.0.0.1/", "/path", "mailto:a"] {
        let error = direct().send(post(url), TERMS).await.unwrap_err();
        assert_eq!(error.to_string(), "no connection (no web address)", "{url}");
    }
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let (port, server) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let addresses = ["127.0.0.2", "127.0.0.1"].map(|address| address.parse().unwrap());
    let socket = network::dial(&addresses, port).await.unwrap();
    assert_eq!(socket.peer_addr().unwrap().ip(), addresses[1]);
    server.abort();
    let error = network::dial(&addresses[..1], port).await.unwrap_err();
    assert_eq!(error.to_string(), "no connection (Connection refused (os error 111))");
}

#[tokio::test]
async fn this_machine_is_called_by_its_name() {
    let (port, _server) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer = direct().send(post(&format!("http://localhost:{port}/")), TERMS).await;
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/?marker", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut read = Vec::new();
        socket.read_to_end(&mut read).await.unwrap();
        String::from_utf8_lossy(&read).into_owned()
    });
    let error = direct().send(post(&url), TERMS).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable(_)), "{error:?}");
    assert!(!server.await.unwrap().contains("marker"));
}

/// A server that speaks TLS as `service.example`, behind a tunnel if there is one; and a network
/// that trusts it.
async fn protected(is_tunneled: bool) -> (u16, Network) {
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
    let network = if is_tunneled { proxied(port, None) } else { direct() };
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    network.tls.set(Arc::new(client)).unwrap();
    (port, network)
}

#[tokio::test]
async fn a_protected_request_is_answered_directly_and_through_a_tunnel() {
    let (port, network) = protected(false).await;
    let answer = network.send(post(&format!("https://127.0.0.1:{port}/p")), TERMS).await;
    assert_eq!(answer.unwrap().body(), "POST /p HTTP/1.1");
    let (_, network) = protected(true).await;
    let answer = network.send(post("https://service.example/p"), TERMS).await;
    assert_eq!(answer.unwrap().body(), "POST /p HTTP/1.1");
}

#[tokio::test]
async fn a_certificate_of_another_name_or_of_nobody_is_not_trusted() {
    let (_, network) = protected(true).await;
    let answer = network.send(post("https://other.example/p"), TERMS).await;
    assert!(matches!(answer.unwrap_err(), SendError::Unreachable(_)));
    let (port, _) = protected(false).await;
    let url = format!("https://127.0.0.1:{port}/p");
    let answer = direct().send(post(&url), TERMS).await;
    let expected = "no connection (invalid peer certificate: UnknownIssuer)";
    assert_eq!(answer.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn a_plain_request_names_its_whole_address_to_the_proxy() {
    let (port, proxy) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer = proxied(port, None).send(post("http://service.example/path"), TERMS).await;
    assert_eq!(answer.unwrap().status(), 200);
    let request = proxy.await.unwrap();
    assert!(request.starts_with("POST http://service.example/path HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: service.example\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: Basic dXNlcjptYXJrZXI=\r\n"), "{request}");
}

#[tokio::test]
async fn a_protected_request_goes_through_a_tunnel_or_nowhere() {
    let refusal = "HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n";
    let garbage = "HTTP/1.1 200 OK\r\n\r\nno TLS";
    for (piece, is_opened) in [(refusal, false), (garbage, true)] {
        let (port, proxy) = server(piece).await;
        let request = post("https://service.example/path?marker");
        let error = proxied(port, None).send(request, TERMS).await.unwrap_err();
        let refused = error == SendError::Unreachable("the proxy answered 407".to_owned());
        assert!(matches!(error, SendError::Unreachable(_)), "{error:?}");
        assert_eq!(refused, !is_opened, "{error:?}");
        let request = proxy.await.unwrap();
        let head = "CONNECT service.example:443 HTTP/1.1\r\nhost: service.example:443\r\n";
        assert!(request.starts_with(head), "{request}");
        assert!(!request.contains("path"), "{request}");
    }
}

#[tokio::test]
async fn what_may_not_or_need_not_take_the_proxy_goes_directly() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    let direct = Terms { proxy: false, ..TERMS };
    for (terms, except) in [(direct, None), (TERMS, Some("other.example,127.0.0.0/8"))] {
        let (target, server) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let url = format!("http://127.0.0.1:{target}/");
        let answer = proxied(port, except).send(post(&url), terms).await;
        assert_eq!(answer.unwrap().status(), 200);
        server.await.unwrap();
    }
    // The proxy was not even called.
    let calls = tokio::time::timeout(Duration::ZERO, nobody.accept()).await;
    assert!(calls.is_err());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_never_passed_by() {
    for url in ["", "socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://"] {
        let network = network(Some(Proxy { url: url.to_owned(), except: None }));
        let error = network.send(post("http://127.0.0.1:1/"), TERMS).await.unwrap_err();
        let expected = "no connection (the proxy's address cannot be used; write http://host:port)";
        assert_eq!(error.to_string(), expected, "{url}");
    }
}

#[test]
fn nothing_shows_the_proxys_password() {
    assert!(!format!("{:?}", proxied(1, None)).contains("marker"));
}
