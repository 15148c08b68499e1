//! Servers that fail, each in a way of its own. Whatever they do, the object is stored.

use std::time::Duration;

use tokio::net::TcpListener;

use super::calling;
use super::calls;
use crate::support::callback_server::Called;
use crate::support::callback_server::Line;
use crate::support::callback_server::Uncalled;
use crate::support::callback_server::field;
use crate::support::oss::Reply;
use crate::support::oss::Server;

const UNREACHABLE: &str =
    "Error status : -1.OSS can not connect to your callbackUrl, please check it.";
const NOT_JSON: &str = "Response body is not valid json format.";
const NO_LENGTH: &str = "Error status : 400.User server return too long content-length value.";

/// Checks that an upload was stored and that its callback failed with this message and EC.
fn check(reply: &Reply, message: &str, ec: &str) {
    let refusal = (203, "CallbackFailed".to_owned(), ec.to_owned());
    assert_eq!(reply.refusal(), refusal, "{message}");
    assert_eq!(reply.child("Message"), message);
}

/// Uploads with a server that answers like this.
async fn answered(line: Line) -> Reply {
    let server = Server::start().await;
    let back = Called::start([line]).await;
    let reply = server.post(&calling(&field(&back.url("/"), "b"))).await;
    back.heard_once().await;
    assert_eq!(server.files().len(), 2);
    server.stop().await;
    reply
}

#[tokio::test]
async fn another_status_than_200_is_named_and_a_redirect_is_not_followed() {
    for status in [201, 204, 400, 500, 502] {
        let reply = answered(Line::status(status)).await;
        check(&reply, &format!("Error status : {status}."), "");
    }
    let elsewhere = Uncalled::start();
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 2\r\n\r\n{{}}",
        elsewhere.url("/")
    );
    check(&answered(Line::raw(&redirect)).await, "Error status : 302.", "");
    elsewhere.check();
}

#[tokio::test]
async fn an_answer_that_is_no_json_object_is_refused() {
    for body in ["", "ok", "<html></html>", "[]", "{\"a\":1}x", "\u{feff}{\"a\":1}"] {
        check(&answered(Line::json(body)).await, NOT_JSON, "0007-00000205");
    }
    check(&answered(Line::json(b"{\"a\":\"\xff\"}")).await, NOT_JSON, "0007-00000205");
}

#[tokio::test]
async fn an_answer_without_its_length_is_refused() {
    let closed = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}";
    check(&answered(Line::raw(closed)).await, NO_LENGTH, "");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    check(&answered(Line::raw(chunked)).await, NO_LENGTH, "");
}

#[tokio::test]
async fn an_answer_may_have_one_mebibyte_and_not_a_byte_more() {
    let sized = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    let largest = sized(1024 * 1024);
    let reply = answered(Line::json(&largest)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text() == largest);
    // Only the head is sent, since nobody reads the rest.
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n";
    check(&answered(Line::raw(head)).await, NO_LENGTH, "");
}

#[tokio::test]
async fn a_connection_that_ends_early_is_no_answer() {
    for cut in
        ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "rubbish\r\n"]
    {
        check(&answered(Line::raw(cut)).await, UNREACHABLE, "");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_answer() {
    let mut server = Server::start().await;
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let reply = server.post(&calling(&field(&url, "b"))).await;
    check(&reply, UNREACHABLE, "");
    let failure = calls(&mut server, 1).await.remove(0).1.unwrap();
    assert!(failure.starts_with("the server could not be reached: "), "{failure}");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_and_no_further_one_is_asked() {
    let mut server = Server::judging(|judgement| {
        judgement.patience.callback = Duration::from_millis(50);
    })
    .await;
    let slow = Called::start([Line::Silence]).await;
    let never = Uncalled::start();
    let urls = format!("{};{}", slow.url("/"), never.url("/"));
    let reply = server.post(&calling(&field(&urls, "b"))).await;
    check(&reply, "Cost too long time.", "0007-00000202");
    assert_eq!(server.files().len(), 2);
    assert_eq!(calls(&mut server, 1).await[0].0, slow.url("/"));
    slow.heard_once().await;
    never.check();
    server.stop().await;
}

#[tokio::test]
async fn only_this_machine_is_called_and_only_with_http() {
    let mut server = Server::start().await;
    for (url, reason) in
        [("https://127.0.0.1:1/", "http only"), ("http://203.0.113.8:1/", "this machine only")]
    {
        let reply = server.post(&calling(&field(url, "b"))).await;
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
        assert_eq!(server.post(&calling(&field(&url, "b"))).await.status, 200, "{host}");
    }
    let heard = back.heard().await;
    assert_eq!(heard[1].header("host"), "app.localhost");
    server.stop().await;
}

#[tokio::test]
async fn a_refused_upload_calls_nobody() {
    let server = Server::start().await;
    let never = Uncalled::start();
    let mut form = calling(&field(&never.url("/"), "b"));
    form.set("x-oss-signature", "00");
    assert_eq!(server.post(&form).await.status, 403);
    let mut form = calling(&field(&never.url("/"), "b"));
    form.allow(&[r#"["content-length-range",0,3]"#]);
    assert_eq!(server.post(&form).await.status, 400);
    assert!(server.files().is_empty());
    never.check();
    server.stop().await;
}
