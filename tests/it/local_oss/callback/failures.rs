//! Tests callbacks whose server fails. The object is stored in every case.

use std::time::Duration;

use tokio::net::TcpListener;

use super::{calls, with_callback};
use crate::support::callback_server::{Called, Line, Uncalled, field};
use crate::support::oss::{Reply, Server};

const UNREACHABLE: &str =
    "Error status : -1.OSS can not connect to your callbackUrl, please check it.";
const NOT_JSON: &str = "Response body is not valid json format.";
const NO_LENGTH: &str = "Error status : 400.User server return too long content-length value.";

/// Checks that the upload is stored and that its callback failed with this message and EC.
fn check(reply: &Reply, message: &str, ec: &str) {
    let refusal = (203, "CallbackFailed".to_owned(), ec.to_owned());
    assert_eq!(reply.refusal(), refusal, "{message}");
    assert_eq!(reply.child("Message"), message);
}

/// Uploads with a server that responds like this.
async fn responding(line: Line) -> Reply {
    let server = Server::start().await;
    let back = Called::start([line]).await;
    let reply = server.post(&with_callback(&field(&back.url("/"), "b"))).await;
    back.heard_once().await;
    assert_eq!(server.files().len(), 2);
    server.stop().await;
    reply
}

#[tokio::test]
async fn a_status_other_than_200_is_an_error_and_redirects_are_not_followed() {
    for status in [201, 204, 400, 500, 502] {
        let reply = responding(Line::status(status)).await;
        check(&reply, &format!("Error status : {status}."), "");
    }
    let elsewhere = Uncalled::start();
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 2\r\n\r\n{{}}",
        elsewhere.url("/")
    );
    check(&responding(Line::raw(&redirect)).await, "Error status : 302.", "");
    elsewhere.check();
}

#[tokio::test]
async fn a_response_that_is_not_a_json_object_is_an_error() {
    for body in ["", "ok", "<html></html>", "[]", "{\"a\":1}x", "\u{feff}{\"a\":1}"] {
        check(&responding(Line::json(body)).await, NOT_JSON, "0007-00000205");
    }
    check(&responding(Line::json(b"{\"a\":\"\xff\"}")).await, NOT_JSON, "0007-00000205");
}

#[tokio::test]
async fn a_response_without_a_length_is_an_error() {
    let closed = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}";
    check(&responding(Line::raw(closed)).await, NO_LENGTH, "");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    check(&responding(Line::raw(chunked)).await, NO_LENGTH, "");
}

#[tokio::test]
async fn a_response_has_at_most_one_mebibyte() {
    let sized = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    let largest = sized(1024 * 1024);
    let reply = responding(Line::json(&largest)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text() == largest);
    // Only the head is sent, because the rest is not read.
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n";
    check(&responding(Line::raw(head)).await, NO_LENGTH, "");
}

#[tokio::test]
async fn a_connection_that_ends_early_is_an_error() {
    for cut in
        ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "rubbish\r\n"]
    {
        check(&responding(Line::raw(cut)).await, UNREACHABLE, "");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_an_error() {
    let mut server = Server::start().await;
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let reply = server.post(&with_callback(&field(&url, "b"))).await;
    check(&reply, UNREACHABLE, "");
    let failure = calls(&mut server, 1).await.remove(0).1.unwrap();
    assert!(failure.starts_with("the server could not be reached: "), "{failure}");
    server.stop().await;
}

#[tokio::test]
async fn after_a_timeout_no_further_address_is_tried() {
    let mut server = Server::with_strictness(|strictness| {
        strictness.limits.callback = Duration::from_millis(50);
    })
    .await;
    let slow = Called::start([Line::Silence]).await;
    let never = Uncalled::start();
    let urls = format!("{};{}", slow.url("/"), never.url("/"));
    let reply = server.post(&with_callback(&field(&urls, "b"))).await;
    check(&reply, "Cost too long time.", "0007-00000202");
    assert_eq!(server.files().len(), 2);
    assert_eq!(calls(&mut server, 1).await[0].0, slow.url("/"));
    slow.heard_once().await;
    never.check();
    server.stop().await;
}

#[tokio::test]
async fn callbacks_go_to_this_machine_with_http_only() {
    let mut server = Server::start().await;
    for (url, reason) in
        [("https://127.0.0.1:1/", "http only"), ("http://203.0.113.8:1/", "this machine only")]
    {
        let reply = server.post(&with_callback(&field(url, "b"))).await;
        check(&reply, UNREACHABLE, "");
        let (shown, failure) = calls(&mut server, 1).await.remove(0);
        assert_eq!(shown, url);
        assert!(failure.unwrap().contains(reason), "{url}");
    }
    server.stop().await;
}

#[tokio::test]
async fn names_below_localhost_are_this_machine() {
    let server = Server::start().await;
    let back = Called::start([Line::good(), Line::good()]).await;
    for host in ["localhost", "app.localhost"] {
        let url = format!("http://{host}:{}/", back.address.port());
        assert_eq!(server.post(&with_callback(&field(&url, "b"))).await.status, 200, "{host}");
    }
    let heard = back.heard().await;
    assert_eq!(heard[1].header("host"), "app.localhost");
    server.stop().await;
}

#[tokio::test]
async fn a_refused_upload_sends_no_callback() {
    let server = Server::start().await;
    let never = Uncalled::start();
    let mut form = with_callback(&field(&never.url("/"), "b"));
    form.set("x-oss-signature", "00");
    assert_eq!(server.post(&form).await.status, 403);
    let mut form = with_callback(&field(&never.url("/"), "b"));
    form.allow(&[r#"["content-length-range",0,3]"#]);
    assert_eq!(server.post(&form).await.status, 400);
    assert!(server.files().is_empty());
    never.check();
    server.stop().await;
}
