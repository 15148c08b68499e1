//! What connections may cost: silent ones, slow ones, unread ones, and more of them than there are
//! places. What depends on how fast a client reads is tested beside the server, without sockets: their
//! timers do not follow the paused clock.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fc_http::{Options, service_fn};
use http::{Request, Response};
use http_body_util::Full;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::support::app::{NOW, SMALL};
use crate::support::caller::Caller;
use crate::support::log::Log;
use crate::support::server::Server;

/// A large answer: more than the sockets' buffers hold.
const LARGE: usize = 16 * 1024 * 1024;

/// A server that answers every path at once, `/large` with a large body, and `/wait` never.
async fn start(options: Options) -> (Server, Arc<AtomicUsize>) {
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    let large = Bytes::from(vec![b'x'; LARGE]);
    let service = service_fn(move |request: Request<fc_http::Body>| {
        count.fetch_add(1, Ordering::Relaxed);
        let large = large.clone();
        async move {
            let body = match request.uri().path() {
                "/large" => large,
                "/wait" => std::future::pending().await,
                _ => Bytes::from_static(b"served"),
            };
            Ok::<_, Infallible>(Response::new(Full::from(body)))
        }
    });
    (Server::start(service, options).await, answered)
}

/// The function itself, as it is answered in production.
async fn start_function(options: Options) -> Server {
    let mut environment = Environment::default();
    for (name, value) in SMALL {
        environment.set(name, value);
    }
    let now = Timestamp::from_unix(NOW).unwrap();
    let settings = Settings::load(&environment, None, now).unwrap();
    Server::start(oss_upload_signer::http::service(Arc::new(App::new(settings))), options).await
}

/// Returns how many whole seconds pass until the server closes the connection, gently or not.
async fn seconds_until_closed(stream: &mut TcpStream, started: Instant) -> u64 {
    let mut scrap = vec![0; 1024 * 1024];
    while stream.read(&mut scrap).await.unwrap_or(0) > 0 {}
    started.elapsed().as_secs()
}

/// Connects with little room for what is not read.
async fn connect_with_little_room(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(server.address).await.unwrap()
}

/// Waits until the server has closed a connection that nobody reads from.
async fn closed_unread(stream: &TcpStream) {
    // Whoever is gone answers with a reset to whatever comes.
    while stream.try_write(b"x").map_or_else(|error| would_block(&error), |_| true) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn would_block(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_sends_nothing_is_closed_after_half_a_minute() {
    let (server, _) = start(Options::default()).await;
    let started = Instant::now();
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(seconds_until_closed(&mut silent, started).await, 30);
}

#[tokio::test(start_paused = true)]
async fn empty_lines_and_a_late_head_do_not_keep_a_fresh_connection_open() {
    let (server, _) = start(Options::default()).await;
    for (bytes, pause, seconds) in [("\r\n", 4, 30), ("G", 1, 11)] {
        let started = Instant::now();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let mut scrap = [0; 1024];
        loop {
            match timeout(Duration::from_secs(pause), stream.read(&mut scrap)).await {
                Err(_) if stream.write_all(bytes.as_bytes()).await.is_ok() => {}
                _ => break,
            }
        }
        assert_eq!(started.elapsed().as_secs(), seconds, "{bytes:?}");
    }
    // A head that begins just before the end has no more time than a silent connection.
    let started = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_secs(28)).await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(seconds_until_closed(&mut stream, started).await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_fresh_before_a_freeze_still_serves() {
    let (server, _) = start(Options::default()).await;
    let mut unused = Caller::connect(server.address).await;
    for _ in 0..16 {
        tokio::time::advance(Duration::from_mins(15)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(unused.ask("GET", "/first", "").await.body, "served");
    // It is used now, and stays.
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(unused.ask("GET", "/second", "").await.body, "served");
}

#[tokio::test(start_paused = true)]
async fn a_dribbled_body_ends_with_the_requests_deadline() {
    let (server, _) = start(Options::default()).await;
    let started = Instant::now();
    let mut caller = Caller::connect(server.address).await;
    caller.send("POST / HTTP/1.1\r\nhost: l\r\ncontent-length: 1000\r\n\r\n").await;
    for _ in 0..9 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        caller.send("b").await;
    }
    let answer = caller.answer().await;
    assert_eq!((answer.status, answer.error().as_str()), (408, "body_timed_out"));
    assert_eq!(started.elapsed().as_secs(), 10);
    // What still comes is read for a while, and no longer.
    while caller.try_send("b").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(started.elapsed().as_secs() < 20);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_and_neither_sends_nor_closes_is_closed() {
    let (server, _) = start(Options { max_body: 10, ..Options::default() }).await;
    let started = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: l\r\ncontent-length: 11\r\n\r\n").await.unwrap();
    // The answer ends with a half-closed connection; the rest of it ends with the lingering.
    assert_eq!(seconds_until_closed(&mut stream, started).await, 0);
    tokio::time::sleep(Duration::from_secs(6)).await;
    closed_unread(&stream).await;
    assert!(started.elapsed().as_secs() < 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_half_closes_is_closed() {
    let (server, answered) = start(Options::default()).await;
    for sent in ["", "\r\n", "GET / HT", "GET / HTTP/1.1\r\nhost: l\r\n\r\n"] {
        let started = Instant::now();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(seconds_until_closed(&mut stream, started).await, 0, "{sent:?}");
    }
    assert_eq!(answered.load(Ordering::Relaxed), 1);
    let started = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /wait HTTP/1.1\r\nhost: l\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(seconds_until_closed(&mut stream, started).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_closes_its_connection() {
    let (server, answered) = start(Options::default()).await;
    let started = Instant::now();
    let mut stream = connect_with_little_room(&server).await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: l\r\n\r\n").await.unwrap();
    while answered.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    closed_unread(&stream).await;
    assert!((10..12).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_whose_answers_nobody_reads_are_not_served() {
    let (server, answered) = start(Options::default()).await;
    for request in ["HEAD / HTTP/1.1\r\nhost: l\r\n\r\n", "GET /large HTTP/1.1\r\nhost: l\r\n\r\n"]
    {
        answered.store(0, Ordering::Relaxed);
        let stream = connect_with_little_room(&server).await;
        let requests = request.repeat(1000);
        let mut sent = 0;
        // Sends until the server takes no more, and then until it has closed the connection.
        loop {
            match stream.try_write(requests.as_bytes()) {
                Ok(count) => sent += count,
                Err(error) if would_block(&error) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(_) => break,
            }
            tokio::task::yield_now().await;
        }
        let (sent, answered) = (sent / request.len(), answered.load(Ordering::Relaxed));
        // All that it answers lies in the sockets' buffers, and one buffer of requests before it.
        assert!(answered * 2 < sent, "{answered} of {sent} requests were answered: {request:?}");
        assert!(request.starts_with("HEAD") || answered <= 2, "{answered}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_silent_sockets_than_places_leave_health_reachable() {
    let log = Log::capture("warn");
    let places = 40;
    for platform in [false, true] {
        let options = Options { max_connections: places, platform, ..Options::default() };
        let server = start_function(options).await;
        let started = Instant::now();
        let mut silent = Vec::new();
        for _ in 0..places * 3 {
            silent.push(TcpStream::connect(server.address).await.unwrap());
        }
        let mut caller = Caller::connect(server.address).await;
        assert_eq!(caller.ask("GET", "/health", "").await.status, 200);
        assert_eq!(started.elapsed(), Duration::ZERO);
        // The oldest gave way, the youngest are still there.
        assert_eq!(seconds_until_closed(&mut silent[0], started).await, 0);
        let mut youngest = silent.pop().unwrap();
        youngest.write_all(b"GET /health HTTP/1.1\r\nhost: l\r\n\r\n").await.unwrap();
        assert!(youngest.read(&mut [0; 64]).await.unwrap() > 0);
        // One that is used does not give way to silent ones.
        for _ in 0..places * 2 {
            silent.push(TcpStream::connect(server.address).await.unwrap());
        }
        assert_eq!(caller.ask("GET", "/health", "").await.status, 200);
    }
    assert_eq!(log.events("WARN").len(), 2, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn begun_heads_and_lingering_refusals_give_way_too() {
    let options = Options { max_connections: 10, max_body: 10, ..Options::default() };
    let (server, _) = start(options).await;
    for sent in ["G", "POST / HTTP/1.1\r\nhost: l\r\ncontent-length: 11\r\n\r\n"] {
        let started = Instant::now();
        let mut held = Vec::new();
        for _ in 0..30 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            held.push(stream);
        }
        let mut caller = Caller::connect(server.address).await;
        assert_eq!(caller.ask("GET", "/", "").await.body, "served");
        assert_eq!(started.elapsed(), Duration::ZERO, "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn used_and_idle_connections_give_way_only_where_no_platform_is() {
    for platform in [false, true] {
        let options = Options { max_connections: 5, platform, ..Options::default() };
        let (server, _) = start(options).await;
        let mut used = Vec::new();
        for _ in 0..5 {
            let mut caller = Caller::connect(server.address).await;
            assert_eq!(caller.ask("GET", "/", "").await.body, "served");
            used.push(caller);
        }
        let mut late = Caller::connect(server.address).await;
        let answered = timeout(Duration::from_mins(5), late.ask("GET", "/", "")).await;
        assert_eq!(answered.is_ok(), !platform);
        for caller in &mut used[1..] {
            assert_eq!(caller.ask("GET", "/", "").await.body, "served");
        }
    }
}
