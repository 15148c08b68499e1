//! Tests the protection of a developer's machine: pages of other sites cannot use the local OSS, under
//! no host name, and callbacks go to allowed addresses only.

use oss_emulator::oss::{AllowedCallbacks, Options, OssEvent};

use super::callback::with_callback;
use crate::support::callback_server::{Called, Line, Uncalled, field};
use crate::support::form::Form;
use crate::support::oss::Server;

/// The options that the developer tool sets.
fn guarded(options: &mut Options) {
    options.cors_origins = vec!["https://app.example".to_owned()];
    options.cors_local_pages = true;
    options.refuse_other_pages = true;
    options.allowed_callbacks = AllowedCallbacks::Only(Vec::new());
}

#[tokio::test]
async fn every_request_under_a_foreign_host_gets_421() {
    let server = Server::with(guarded).await;
    for host in ["evil.example", "evil.example:9100", "localhost.evil.example", "0.0.0.0"] {
        let host = ("Host", host);
        let reply = server.post_with(&Form::good(), &[host]).await;
        assert_eq!((reply.status, reply.child("Code").as_str()), (421, "MisdirectedRequest"));
        for (method, path) in
            [("GET", "/a"), ("GET", "/"), ("HEAD", "/a"), ("OPTIONS", "/"), ("PUT", "/a")]
        {
            // A page whose name resolves to this machine has the same origin, so browsers do not use CORS.
            let page = ("Origin", "http://localhost:5173");
            let reply = server.ask(method, path, &[host, page]).await;
            assert_eq!(reply.status, 421, "{method} {path}");
        }
        let key = server.ask("GET", "/-/callback_pub_key_v1.pem", &[host]).await;
        assert_eq!(key.status, 421);
    }
    assert_eq!(server.files().len(), 0);
    server.stop().await;
}

#[tokio::test]
async fn an_allowed_host_name_is_bound_to_the_first_bucket() {
    let server = Server::with(|options| {
        options.hosts = oss_emulator::hosts::AllowedHosts::named(["tunnel.example".to_owned()]);
    })
    .await;
    let reply = server.post_with(&Form::good(), &[("Host", "Tunnel.example:443")]).await;
    assert_eq!(reply.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_site_can_neither_store_nor_read() {
    let mut server = Server::with(guarded).await;
    assert_eq!(server.post(&Form::good()).await.status, 204, "a program names no origin");
    assert!(matches!(server.event().await, OssEvent::Stored { .. }));
    let stored = server.files().len();
    for origin in ["http://evil.example", "null", "http://localhost.evil.example"] {
        let reply = server.post_with(&Form::good(), &[("Origin", origin)]).await;
        assert_eq!(reply.refusal(), (403, "AccessForbidden".to_owned(), String::new()), "{origin}");
        assert_eq!(reply.header("access-control-allow-origin"), "");
        let OssEvent::Refused { reason, .. } = server.event().await else { panic!("{origin}") };
        assert!(reason.contains(&format!("a page of {origin} makes the request")), "{reason}");
        let reply = server.ask("GET", "/dir/a.txt", &[("Origin", origin)]).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (403, ""));
        assert!(matches!(server.event().await, OssEvent::Refused { .. }));
    }
    assert_eq!(server.files().len(), stored);
    server.stop().await;
}

#[tokio::test]
async fn local_and_listed_pages_may_post_and_read() {
    let server = Server::with(guarded).await;
    for origin in
        ["http://localhost:5173", "http://127.0.0.1:1", "http://[::1]", "https://app.example"]
    {
        let reply = server.post_with(&Form::good(), &[("Origin", origin)]).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, origin));
        let asked = [("Origin", origin), ("Access-Control-Request-Method", "POST")];
        assert_eq!(server.ask("OPTIONS", "/", &asked).await.status, 200, "{origin}");
    }
    server.stop().await;
}

#[tokio::test]
async fn by_default_uploads_of_any_page_are_stored_as_in_the_cloud() {
    let server = Server::start().await;
    let reply = server.post_with(&Form::good(), &[("Origin", "http://evil.example")]).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, ""));
    server.stop().await;
}

#[tokio::test]
async fn callbacks_go_to_allowed_addresses_only() {
    let back = Called::start([Line::good()]).await;
    let victim = Uncalled::start();
    let allowed = back.url("/callback").parse().unwrap();
    let mut server = Server::with(|options| {
        options.allowed_callbacks = AllowedCallbacks::Only(vec![allowed]);
    })
    .await;
    for url in [victim.url("/callback"), victim.url("/admin?x=1"), back.url("/other")] {
        let reply = server.post(&with_callback(&field(&url, "b"))).await;
        assert_eq!(reply.refusal().0, 203, "{url}");
        assert_eq!(reply.child("Code"), "CallbackFailed");
        assert!(matches!(server.event().await, OssEvent::Stored { .. }));
        let OssEvent::Called { failure, .. } = server.event().await else { panic!("{url}") };
        assert_eq!(
            failure,
            Some(format!("only {} may be called from here", back.url("/callback")))
        );
    }
    victim.check();
    // One of several addresses: the first is not called, the second is.
    let two = format!("{};{}", victim.url("/callback"), back.url("/callback?a=b"));
    assert_eq!(server.post(&with_callback(&field(&two, "b"))).await.text(), r#"{"Status":"OK"}"#);
    victim.check();
    assert!(back.heard_once().await.head.starts_with("POST /callback?a=b "));
    server.stop().await;
}
