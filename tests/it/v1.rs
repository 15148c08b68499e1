//! V1 grants before the local OSS: what the pages of that time post, and what a retired V1 says.

use oss_emulator::oss::{AccessKey, OssEvent};
use serde_json::Value;

use crate::support::app::Function;
use crate::support::form::{Form, KEY_ID, SECRET};
use crate::support::oss::Server;

const DOCUMENTED: &str = "/get_post_signature_for_oss_upload";
const V1: (&str, &str) = ("UPLOAD_SIGNATURE", "v1");

/// The function with the key that the local OSS knows, which is a long-lived one.
const LONG_LIVED: [(&str, &str); 4] = [
    V1,
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET),
    ("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
];

/// Starts a local OSS that knows the temporary key of the small case.
async fn knows_the_temporary_key() -> Server {
    Server::with(|options| {
        options.keys = vec![AccessKey {
            security_token: Some("ExampleToken".to_owned()),
            ..AccessKey::new("STS.ExampleKeyId", "ExampleSecret")
        }];
    })
    .await
}

fn form<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> Form {
    let mut form = Form::good();
    form.fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    form
}

/// The form of the page that reads `ossAccessKeyId`.
fn newer_page(grant: &Value) -> Form {
    let read = |name: &str| grant[name].as_str().unwrap().to_owned();
    form([
        ("name", "hello.txt".to_owned()),
        ("policy", read("policy")),
        ("OSSAccessKeyId", read("ossAccessKeyId")),
        ("success_action_status", "200".to_owned()),
        ("signature", read("signature")),
        ("key", read("dir") + "hello.txt"),
    ])
}

/// The form of the older page, which reads `accessid` and lets OSS fill in the file's name.
fn older_page(grant: &Value) -> Form {
    let read = |name: &str| grant[name].as_str().unwrap().to_owned();
    form([
        ("name", "hello.txt".to_owned()),
        ("key", read("dir") + "${filename}"),
        ("policy", read("policy")),
        ("OSSAccessKeyId", read("accessid")),
        ("success_action_status", "200".to_owned()),
        ("callback", read("callback")),
        ("signature", read("signature")),
    ])
}

/// The form of a client that posts the fields of the native call.
async fn native(function: &Function) -> Form {
    let answer = function.post("/uploads", r#"{"files":[{"name":"hello.txt"}]}"#).await.json();
    let fields = answer["uploads"][0]["fields"].as_object().unwrap().clone();
    let mut form = form([]);
    for (name, value) in fields {
        form.set(&name, value.as_str().unwrap());
    }
    form
}

async fn all_clients(function: &Function) -> [(&'static str, Form); 3] {
    let grant = function.get(DOCUMENTED).await.json();
    [
        ("newer", newer_page(&grant)),
        ("older", older_page(&grant)),
        ("native", native(function).await),
    ]
}

#[tokio::test]
async fn a_v1_grant_is_taken_from_every_client() {
    for (client, form) in all_clients(&Function::new(&LONG_LIVED)).await {
        let mut server = Server::start().await;
        let reply = server.post(&form).await;
        assert_eq!(reply.status, 200, "{client}: {}", reply.text());
        let OssEvent::Stored { key, path, .. } = server.event().await else { panic!("{client}") };
        assert!(key.starts_with("uploads/2024/11/27/") && key.ends_with("/hello.txt"), "{key}");
        assert_eq!(std::fs::read(path).unwrap(), form.content);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_v1_grant_is_taken_however_the_judge_spells_its_fields() {
    let server = Server::with_strictness(|strictness| strictness.case_sensitive_names = true).await;
    let reply = server.post(&native(&Function::new(&LONG_LIVED)).await).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    server.stop().await;
}

#[tokio::test]
async fn a_v1_grant_is_refused_where_v1_is_retired() {
    let server = Server::with_strictness(|strictness| strictness.refuse_v1 = true).await;
    for (client, form) in all_clients(&Function::new(&LONG_LIVED)).await {
        let (status, code, ec) = server.post(&form).await.refusal();
        assert_eq!((status, &*code, &*ec), (403, "AccessDenied", "0002-00000080"), "{client}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_v1_grant_is_as_narrow_as_a_v4_one() {
    let server = Server::start().await;
    let function = Function::new(&[&LONG_LIVED[..], &[("UPLOAD_MAX_SIZE", "11B")]].concat());
    for (change, code) in [
        (
            (|form| form.set("key", "elsewhere/hello.txt")) as fn(&mut Form) -> &mut Form,
            "AccessDenied",
        ),
        (|form| form.set("success_action_status", "201"), "AccessDenied"),
        (|form| form.content(b"one byte too many"), "EntityTooLarge"),
        (|form| form.content(b""), "EntityTooSmall"),
    ] {
        for (client, mut form) in all_clients(&function).await {
            change(&mut form);
            assert_eq!(server.post(&form).await.child("Code"), code, "{client}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn with_a_temporary_key_only_a_form_with_the_token_is_taken() {
    let server = knows_the_temporary_key().await;
    let function = Function::new(&[V1]);
    let grant = function.get(DOCUMENTED).await.json();
    for page in [newer_page, older_page] {
        let mut form = page(&grant);
        let (status, code, _) = server.post(&form).await.refusal();
        assert_eq!((status, &*code), (403, "InvalidAccessKeyId"));
        form.set("key", &format!("{}{}", grant["dir"].as_str().unwrap(), form.fields.len()));
        form.set("x-oss-security-token", grant["security_token"].as_str().unwrap());
        assert_eq!(server.post(&form).await.status, 200);
    }
    assert_eq!(server.post(&native(&function).await).await.status, 200);
    server.stop().await;
}
