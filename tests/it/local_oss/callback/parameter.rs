//! Tests that an invalid `callback` is refused before anything is stored or sent.

use oss_emulator::oss::OssEvent;
use serde_json::{Value, json};

use super::with_callback;
use crate::support::callback_server::{Uncalled, encoded};
use crate::support::form::Form;
use crate::support::oss::Server;

#[tokio::test]
async fn each_wrong_parameter_has_its_ec_and_stores_nothing() {
    let server = Server::start().await;
    let never = Uncalled::start();
    let good = json!({"callbackUrl": never.url("/"), "callbackBody": "b"});
    let with = |name: &str, value: Value| {
        let mut members = good.clone();
        members[name] = value;
        encoded(&members)
    };
    let six = vec![never.url("/"); 6].join(";");
    for (callback, ec) in [
        ("%".to_owned(), "0007-00000002"),
        (encoded(&json!([])), ""),
        (encoded(&json!("text")), ""),
        (with("callbackUrl", json!("http://a.test:port/")), "0007-00000004"),
        (with("callbackUrl", json!("ftp://a.test/")), "0007-00000004"),
        (with("callbackUrl", json!("http://[::1]:80/")), "0007-00000004"),
        (with("callbackUrl", json!(six)), "0007-00000005"),
        (with("callbackUrl", json!("http://192.168.1.1/")), "0007-00000008"),
        (with("callbackBody", json!("")), "0007-00000011"),
        (with("callbackBodyType", json!("text/plain")), "0007-00000012"),
        (with("callbackHost", json!("a b")), ""),
        (with("callbackSNI", json!(1)), ""),
        (with("callbackVar", json!("x")), ""),
    ] {
        let reply = server.post(&with_callback(&callback)).await;
        assert_eq!(reply.refusal(), (400, "InvalidArgument".to_owned(), ec.to_owned()));
        assert_eq!(reply.child("ArgumentName"), "callback");
        assert_eq!(reply.child("ArgumentValue"), callback);
    }
    let messages = [
        ("%", "The callback configuration is not base64 encoded."),
        ("W10=", "The callback configuration is not json format."),
    ];
    for (callback, message) in messages {
        assert_eq!(server.post(&with_callback(callback)).await.child("Message"), message);
    }
    let long = encoded(&json!({"callbackBody": "x".repeat(5000)}));
    let reply = server.post(&with_callback(&long)).await;
    assert_eq!((reply.status, reply.child("ArgumentValue")), (400, String::new()));
    assert!(server.files().is_empty());
    never.check();
    server.stop().await;
}

#[tokio::test]
async fn unsupported_members_are_refused_and_not_ignored() {
    let server = Server::start().await;
    let callback = encoded(&json!({
        "callbackUrl": "http://127.0.0.1:1/",
        "callbackBody": "b",
        "additionalHeaders": {"key": "value"},
    }));
    let reply = server.post(&with_callback(&callback)).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (501, "NotImplemented"));
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_callback_without_an_address_is_an_ordinary_upload() {
    let server = Server::start().await;
    for callback in ["", "e30=", &encoded(&json!({"callbackUrl": "", "callbackBody": "b"}))] {
        let mut form = Form::good();
        form.set("callback", callback);
        assert_eq!(server.post(&form).await.status, 204, "{callback}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_policy_can_pin_the_callback() {
    let server = Server::start().await;
    let pinned = "e30=";
    for (sent, status) in [(Some(pinned), 204), (Some(""), 403), (None, 403)] {
        let mut form = Form::good();
        form.allow(&[&format!(r#"["eq","$callback","{pinned}"]"#)]);
        if let Some(sent) = sent {
            form.set("callback", sent);
        }
        assert_eq!(server.post(&form).await.status, status, "{sent:?}");
    }
    server.stop().await;
}

/// OSS ignores such a field, so the console is the only place where the mistake shows.
#[tokio::test]
async fn a_misspelt_address_is_reported() {
    let mut server = Server::start().await;
    let callback = encoded(&json!({"callback_url": "http://127.0.0.1:1/", "callbackBody": "b"}));
    assert_eq!(server.post(&with_callback(&callback)).await.status, 204);
    assert!(matches!(server.event().await, OssEvent::Stored { .. }));
    let OssEvent::Warned { key, reason } = server.event().await else { panic!("no warning") };
    assert_eq!(key, "dir/hello.txt");
    assert!(reason.contains("no callbackUrl") && reason.contains("\"callback_url\""), "{reason}");
    server.stop().await;
}
