//! Tests the response to an upload with a callback, and the events.

use insta::assert_snapshot;
use oss_emulator::oss::Relaxation;

use super::{calls, with_callback};
use crate::support::callback_server::{Called, Line, Uncalled, field};
use crate::support::oss::{Reply, Server};

/// Formats a response without the values that change between runs.
fn normalized(reply: &Reply) -> String {
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| !["x-oss-request-id", "x-oss-server-time"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value}\n"));
    let headers = headers.collect::<Vec<_>>().concat();
    let id = reply.header("x-oss-request-id");
    assert_eq!(id.len(), 24);
    format!("{}\n{headers}\n{}", reply.status, reply.text().replace(id, "[request id]"))
}

#[tokio::test]
async fn the_response_has_the_json_of_the_callback_and_the_headers_of_an_upload() {
    let mut server = Server::start().await;
    let back = Called::start([Line::json("{ \"id\" : \"é\" }\n")]).await;
    let reply = server.post(&with_callback(&field(&back.url("/callback?secret=1"), "b"))).await;
    assert_snapshot!(normalized(&reply), @r#"
    200
    connection: close
    content-length: 16
    content-type: application/json
    date: Wed, 27 Nov 2024 06:09:41 GMT
    etag: "F780EF9D9D21952DDB4CB9D54E11905A"
    server: AliyunOSS
    vary: Origin
    x-oss-hash-crc64ecma: 5981764153023615706

    { "id" : "é" }
    "#);
    assert_eq!(calls(&mut server, 1).await, [(back.url("/callback"), None)]);
    assert_eq!(server.files().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_failed_callback_is_203_and_the_object_is_kept() {
    let mut server = Server::start().await;
    let back = Called::start([Line::status(502)]).await;
    let mut form = with_callback(&field(&back.url("/"), "b"));
    form.set("success_action_redirect", "https://page.test/done");
    let reply = server.post(&form).await;
    assert_snapshot!(normalized(&reply), @r#"
    203
    connection: close
    content-length: 206
    content-type: application/xml
    date: Wed, 27 Nov 2024 06:09:41 GMT
    server: AliyunOSS
    vary: Origin

    <?xml version="1.0" encoding="UTF-8"?>
    <Error>
      <Code>CallbackFailed</Code>
      <Message>Error status : 502.</Message>
      <RequestId>[request id]</RequestId>
      <HostId>127.0.0.1</HostId>
    </Error>
    "#);
    assert_eq!(server.ask("GET", "/dir/hello.txt", &[]).await.text(), "hello world");
    let reason = "the server answered 502; it must be 200".to_owned();
    assert_eq!(calls(&mut server, 1).await, [(back.url("/"), Some(reason))]);
    server.stop().await;
}

#[tokio::test]
async fn a_callback_takes_precedence_over_a_status_and_a_redirect_over_a_callback() {
    let server = Server::start().await;
    let back = Called::start((0..4).map(|_| Line::good())).await;
    for status in ["200", "201", "204"] {
        let mut form = with_callback(&field(&back.url("/"), "b"));
        let reply = server.post(form.set("success_action_status", status)).await;
        assert_eq!((reply.status, reply.text()), (200, r#"{"Status":"OK"}"#.to_owned()));
    }
    let mut form = with_callback(&field(&back.url("/"), "b"));
    let reply = server.post(form.set("success_action_redirect", "https://page.test/done")).await;
    assert_eq!((reply.status, reply.header("location")), (303, "https://page.test/done"));
    assert_eq!(reply.text(), "");
    server.stop().await;
}

#[tokio::test]
async fn a_callback_can_take_precedence_over_a_redirect() {
    let server = Server::with_strictness(|strictness| {
        strictness.relaxed.insert(Relaxation::CallbackBeforeRedirect);
    })
    .await;
    let back = Called::start([Line::good()]).await;
    let mut form = with_callback(&field(&back.url("/"), "b"));
    let reply = server.post(form.set("success_action_redirect", "https://page.test/done")).await;
    assert_eq!((reply.status, reply.header("location")), (200, ""));
    assert_eq!(reply.text(), r#"{"Status":"OK"}"#);
    server.stop().await;
}

#[tokio::test]
async fn addresses_are_tried_in_order_until_one_succeeds() {
    let mut server = Server::start().await;
    let first = Called::start([Line::status(500)]).await;
    let second = Called::start([Line::json("not json")]).await;
    let third = Called::start([Line::json(r#"{"n":3}"#)]).await;
    let never = Uncalled::start();
    let urls = [&first, &second, &third].map(|one| one.url("/x"));
    let all = format!("{};{}", urls.join(";"), never.url("/x"));
    let reply = server.post(&with_callback(&field(&all, "b=${size}"))).await;
    assert_eq!((reply.status, reply.text()), (200, r#"{"n":3}"#.to_owned()));
    let calls = calls(&mut server, 3).await;
    let [one, two, three] = urls;
    assert_eq!(
        calls,
        [
            (one, Some("the server answered 500; it must be 200".to_owned())),
            (two, Some("the answer is no JSON object".to_owned())),
            (three, None),
        ]
    );
    for back in [first, second, third] {
        assert_eq!(back.heard_once().await.text(), "b=11");
    }
    never.check();
    server.stop().await;
}

#[tokio::test]
async fn a_page_can_read_the_response_of_its_callback() {
    let server = Server::start().await;
    let back = Called::start([Line::good(), Line::status(500)]).await;
    for status in [200, 203] {
        let origin = [("Origin", "http://page.test")];
        let reply = server.post_with(&with_callback(&field(&back.url("/"), "b")), &origin).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("access-control-allow-origin"), "http://page.test");
    }
    server.stop().await;
}
