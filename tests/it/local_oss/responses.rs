//! Tests whole responses: success, errors, CORS.

use insta::assert_snapshot;

use crate::support::form::Form;
use crate::support::oss::{Reply, Server};

/// Formats a response with the values that change between runs replaced, after checking these.
fn normalized(reply: &Reply, port: u16) -> String {
    let id = reply.header("x-oss-request-id");
    assert_eq!(id.len(), 24);
    assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
    assert!(reply.header("x-oss-server-time").parse::<u64>().is_ok());
    let headers = reply.headers.iter().map(|(name, value)| {
        let shown = name != "x-oss-server-time";
        format!("{name}: {}\n", if shown { value } else { "[ms]" })
    });
    let headers = headers.collect::<Vec<_>>().concat();
    let text = format!("{}\n{headers}\n{}", reply.status, reply.text());
    text.replace(id, "[request id]").replace(&format!(":{port}"), ":[port]")
}

#[tokio::test]
async fn success_is_204_without_a_body_by_default() {
    let server = Server::start().await;
    let reply = server.post(&Form::good()).await;
    assert_snapshot!(normalized(&reply, server.address.port()), @r###"
    204
    connection: close
    date: Wed, 27 Nov 2024 06:09:41 GMT
    etag: "F780EF9D9D21952DDB4CB9D54E11905A"
    server: AliyunOSS
    vary: Origin
    x-oss-hash-crc64ecma: 5981764153023615706
    x-oss-request-id: [request id]
    x-oss-server-time: [ms]
    "###);
    server.stop().await;
}

#[tokio::test]
async fn success_200_201_204_and_anything_else_are_as_documented() {
    let server = Server::start().await;
    for (requested, expected) in
        [("200", 200), ("201", 201), ("204", 204), ("202", 204), ("x", 204)]
    {
        let mut form = Form::good();
        let reply = server.post(form.set("success_action_status", requested)).await;
        assert_eq!(reply.status, expected, "{requested}");
        assert_eq!(reply.body.is_empty(), expected != 201, "{requested}");
        assert_eq!(reply.header("etag").len(), 34);
        assert_eq!(reply.header("x-oss-hash-crc64ecma"), "5981764153023615706");
    }
    server.stop().await;
}

#[tokio::test]
async fn success_201_contains_the_location_of_the_object() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("success_action_status", "201").set("key", "dir/a & é.txt");
    let reply = server.post(&form).await;
    assert_snapshot!(normalized(&reply, server.address.port()), @r###"
    201
    connection: close
    content-length: 256
    content-type: application/xml
    date: Wed, 27 Nov 2024 06:09:41 GMT
    etag: "F780EF9D9D21952DDB4CB9D54E11905A"
    server: AliyunOSS
    vary: Origin
    x-oss-hash-crc64ecma: 5981764153023615706
    x-oss-request-id: [request id]
    x-oss-server-time: [ms]

    <?xml version="1.0" encoding="UTF-8"?>
    <PostResponse>
      <Bucket>examplebucket</Bucket>
      <Location>http://127.0.0.1:[port]/dir/a%20%26%20%C3%A9.txt</Location>
      <Key>dir/a &amp; é.txt</Key>
      <ETag>"F780EF9D9D21952DDB4CB9D54E11905A"</ETag>
    </PostResponse>
    "###);
    server.stop().await;
}

#[tokio::test]
async fn a_redirect_is_303_and_carries_no_parameters() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("success_action_status", "200")
        .set("success_action_redirect", "https://page.test/done?x=1");
    let reply = server.post(&form).await;
    assert_eq!(reply.status, 303);
    assert_eq!(reply.header("location"), "https://page.test/done?x=1");
    server.stop().await;
}

#[tokio::test]
async fn a_redirect_can_carry_bucket_key_and_etag() {
    use oss_emulator::oss::Relaxation;
    let server = Server::with_strictness(|strictness| {
        strictness.relaxed.insert(Relaxation::RedirectParameters);
    })
    .await;
    let mut form = Form::good();
    form.set("success_action_redirect", "https://page.test/done");
    let reply = server.post(&form).await;
    let etag = reply.header("etag").trim_matches('"');
    assert_eq!(
        reply.header("location"),
        format!(
            "https://page.test/done?bucket=examplebucket&key=dir%2Fhello.txt&etag=%22{etag}%22"
        )
    );
    server.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_on_failure() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("success_action_redirect", "https://page.test/done").set("x-oss-signature", "00");
    let reply = server.post(&form).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("location"), "");
    assert_eq!(reply.child("Code"), "SignatureDoesNotMatch");
    server.stop().await;
}

#[tokio::test]
async fn an_error_has_its_children_in_the_documented_order() {
    let server = Server::start().await;
    let mut form = Form::good();
    let key = form.take("x-oss-credential").replace("cn-hangzhou", "cn-beijing");
    let reply = server.post(form.set("x-oss-credential", &key)).await;
    assert_snapshot!(normalized(&reply, server.address.port()), @r###"
    400
    connection: close
    content-length: 486
    content-type: application/xml
    date: Wed, 27 Nov 2024 06:09:41 GMT
    server: AliyunOSS
    vary: Origin
    x-oss-ec: 0002-00000715
    x-oss-request-id: [request id]
    x-oss-server-time: [ms]

    <?xml version="1.0" encoding="UTF-8"?>
    <Error>
      <Code>InvalidArgument</Code>
      <Message>The signing region in credential is invalid.</Message>
      <RequestId>[request id]</RequestId>
      <HostId>127.0.0.1</HostId>
      <ArgumentName>x-oss-credential</ArgumentName>
      <ArgumentValue>LTAI5tExampleKeyId0001/20241127/cn-beijing/oss/aliyun_v4_request</ArgumentValue>
      <EC>0002-00000715</EC>
      <RecommendDoc>https://api.aliyun.com/troubleshoot?q=0002-00000715</RecommendDoc>
    </Error>
    "###);
    server.stop().await;
}

#[tokio::test]
async fn an_error_without_a_known_ec_names_none() {
    let server = Server::start().await;
    let host = [("Host", "nobody.localhost:80")];
    let reply = server.post_with(&Form::good(), &host).await;
    assert_snapshot!(normalized(&reply, server.address.port()), @r###"
    404
    connection: close
    content-length: 262
    content-type: application/xml
    date: Wed, 27 Nov 2024 06:09:41 GMT
    server: AliyunOSS
    vary: Origin
    x-oss-request-id: [request id]
    x-oss-server-time: [ms]

    <?xml version="1.0" encoding="UTF-8"?>
    <Error>
      <Code>NoSuchBucket</Code>
      <Message>The specified bucket does not exist.</Message>
      <RequestId>[request id]</RequestId>
      <HostId>nobody.localhost</HostId>
      <BucketName>nobody</BucketName>
    </Error>
    "###);
    server.stop().await;
}

#[tokio::test]
async fn the_bucket_is_found_by_virtual_host_and_by_custom_domain() {
    let server = Server::start().await;
    for host in ["examplebucket.localhost:80", "localhost:80", "127.0.0.1", "[::1]:80"] {
        let reply = server.post_with(&Form::good(), &[("Host", host)]).await;
        assert_eq!(reply.status, 204, "{host}");
    }
    let host = [("Host", "secondbucket.localhost")];
    let reply = server.post_with(&Form::good(), &host).await;
    // The form is signed for another bucket's region.
    assert_eq!(reply.refusal().2, "0002-00000715");
    server.stop().await;
}

#[tokio::test]
async fn a_bucket_in_the_path_is_refused() {
    let server = Server::start().await;
    let reply = server.ask("POST", "/examplebucket", &[("Content-Length", "0")]).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.child("Code"), "SecondLevelDomainForbidden");
    assert_eq!(reply.child("Message"), "Please use virtual hosted style to access.");
    let reply = server.ask("POST", "/other", &[("Content-Length", "0")]).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (405, "MethodNotAllowed"));
    assert_eq!(reply.child("ResourceType"), "Object");
    server.stop().await;
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let server = Server::start().await;
    for method in ["PATCH", "TRACE"] {
        let reply = server.ask(method, "/key", &[]).await;
        assert_eq!((reply.status, reply.child("Code").as_str()), (405, "MethodNotAllowed"));
        assert_eq!(reply.child("Method"), method);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_authorization_header_is_ignored() {
    let server = Server::start().await;
    let headers = [("Authorization", "OSS4-HMAC-SHA256 Credential=x,Signature=y")];
    assert_eq!(server.post_with(&Form::good(), &headers).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_page_can_read_success_and_errors() {
    let server = Server::start().await;
    let origin = [("Origin", "http://page.test")];
    let mut bad = Form::good();
    bad.set("x-oss-signature", "00");
    for form in [Form::good(), bad] {
        let reply = server.post_with(&form, &origin).await;
        assert_eq!(reply.header("access-control-allow-origin"), "http://page.test");
        assert_eq!(
            reply.header("access-control-expose-headers"),
            "ETag, x-oss-request-id, x-oss-hash-crc64ecma, Location"
        );
        assert_eq!(reply.header("vary"), "Origin");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_can_upload_but_cannot_read_the_response() {
    let server = Server::start().await;
    let origin = [("Origin", "http://other.test")];
    let reply = server.post_with(&Form::good(), &origin).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), "");
    assert_eq!(server.files().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn the_response_to_a_preflight_is_that_of_oss() {
    let server = Server::start().await;
    let asks = [
        ("Origin", "http://page.test"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-requested-with"),
    ];
    let reply = server.ask("OPTIONS", "/", &asks).await;
    assert_snapshot!(normalized(&reply, server.address.port()), @r###"
    200
    access-control-allow-headers: x-requested-with
    access-control-allow-methods: POST, GET, HEAD, PUT, DELETE
    access-control-allow-origin: http://page.test
    access-control-expose-headers: ETag, x-oss-request-id, x-oss-hash-crc64ecma, Location
    access-control-max-age: 600
    connection: close
    content-length: 0
    date: Wed, 27 Nov 2024 06:09:41 GMT
    server: AliyunOSS
    vary: Origin
    x-oss-request-id: [request id]
    x-oss-server-time: [ms]
    "###);
    let reply = server.ask("OPTIONS", "/", &[("Origin", "http://other.test"), asks[1]]).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (403, "AccessForbidden"));
    assert!(reply.child("Message").starts_with("CORSResponse: This CORS request is not allowed."));
    let reply = server.ask("OPTIONS", "/", &asks[..1]).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (400, "BadRequest"));
    assert!(reply.child("Message").starts_with("Insufficient information."));
    server.stop().await;
}

#[tokio::test]
async fn without_cors_no_response_has_its_headers() {
    let server = Server::with(|options| options.cors_origins.clear()).await;
    let origin = [("Origin", "http://page.test")];
    let reply = server.post_with(&Form::good(), &origin).await;
    assert_eq!(reply.status, 204);
    assert!(!reply.headers.keys().any(|name| name.starts_with("access-control")));
    server.stop().await;
}
