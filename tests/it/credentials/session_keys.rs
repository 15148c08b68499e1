//! Session keys for callers: what they may write, and who gets them.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use oss_emulator::keys::AccessKey;
use oss_upload_signer::app::App;
use oss_upload_signer::secret::Secret;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::cloud::{Cloud, ROLE_ARN};
use crate::machines::document::Document;
use crate::support::source::statuses;
use crate::support::ticket::ticket_of;

const TICKET_KEY: &str = "marker-ticket-key-of-thirty-two-bytes";

const VARIABLES: [(&str, &str); 10] = [
    ("OSS_BUCKET", "examplebucket"),
    ("OSS_REGION", "cn-hangzhou"),
    ("UPLOAD_AUTH", "ticket"),
    ("UPLOAD_TICKET_KEYS", TICKET_KEY),
    ("UPLOAD_DIR", "users/{sub}/{uuid}/"),
    ("UPLOAD_STS", "true"),
    ("UPLOAD_TYPES", "video/mp4"),
    ("OSS_STS_ROLE_ARN", ROLE_ARN),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tUser"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "marker-user-secret"),
];

const FILE: &str = r#"{"file":{"name":"电影.mp4","type":"video/mp4","size":1024}}"#;

struct Callers {
    cloud: Cloud,
    app: Arc<App>,
}

impl Callers {
    fn new(more: &[(&str, &str)]) -> Self {
        let cloud = Cloud::open(|options| {
            options.ring.add(AccessKey::new("LTAI5tUser", "marker-user-secret"));
        });
        let app = Arc::new(cloud.function(&[&VARIABLES[..], more].concat()));
        Self { cloud, app }
    }

    /// Asks as a caller, and holds the answer against the description.
    async fn ask(&self, subject: &str, body: &str) -> (u16, Value) {
        let ticket = ticket_of(subject, self.cloud.clock.unix() + 60);
        let request = Request::post("/sts/default")
            .header("x-upload-ticket", ticket.sign(&Secret::new(TICKET_KEY)))
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap();
        let service = oss_upload_signer::http::service(Arc::clone(&self.app));
        let answer = service.oneshot(request.map(fc_http::Body::from)).await.unwrap();
        let status = answer.status();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let mut json: Value = serde_json::from_slice(&body).unwrap();
        if status != 200 {
            // The runtime is not there to give a request its id.
            json["request_id"] = json!("1-test");
            assert_eq!(statuses()[json["error"].as_str().unwrap()], status.as_str(), "{json}");
        }
        let document = Document::read();
        let operations = document.operations();
        let call = operations.iter().find(|one| one.path == "/sts/{route}").unwrap();
        let (_, response) = call.responses.iter().find(|(one, _)| one == status.as_str()).unwrap();
        let schema = document.answered(&response["content"]["application/json"]["schema"]);
        assert!(schema.is_valid(&json), "{json}");
        (status.as_u16(), json)
    }

    /// Returns the objects of a list that a key may write.
    fn writable<'o>(&self, key: &Value, objects: &[&'o str]) -> Vec<&'o str> {
        let keys = self.cloud.ring().all();
        let key = keys.iter().find(|one| one.id == key["AccessKeyId"]).unwrap();
        let resource = |object: &str| format!("acs:oss:*:*:examplebucket/{object}");
        for object in objects {
            for action in ["oss:GetObject", "oss:DeleteObject", "oss:PutObjectAcl"] {
                assert!(!key.may(action, &resource(object)), "{action} {object}");
            }
            let writes = key.may("oss:PutObject", &resource(object));
            for action in ["oss:ListParts", "oss:AbortMultipartUpload"] {
                assert_eq!(key.may(action, &resource(object)), writes, "{action} {object}");
            }
        }
        let may = |object: &&&str| key.may("oss:PutObject", &resource(object));
        objects.iter().filter(may).copied().collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_key_writes_one_new_object_and_has_the_names_of_the_sdk() {
    let callers = Callers::new(&[]);
    let (status, key) = callers.ask("alice", FILE).await;
    assert_eq!(status, 200, "{key}");
    let object = key["key"].as_str().unwrap();
    assert!(object.starts_with("users/alice/") && object.ends_with("/电影.mp4"), "{object}");
    assert!(key["AccessKeyId"].as_str().unwrap().starts_with("STS."), "{key}");
    assert!(!key.to_string().contains("marker"), "the function's own key stays inside");
    assert_eq!(key["Expiration"], "2024-11-27T06:24:41Z", "a quarter of an hour later");
    assert_eq!(
        (&key["bucket"], &key["region"], &key["endpoint"], &key["cname"]),
        (
            &json!("examplebucket"),
            &json!("oss-cn-hangzhou"),
            &json!("https://examplebucket.oss-cn-hangzhou.aliyuncs.com"),
            &json!(true)
        )
    );
    let longer = format!("{object}2");
    let objects = [object, &longer, "users/alice/a.mp4", "users/bob/a.mp4", "a", ""];
    assert_eq!(callers.writable(&key, &objects), [object]);
    let (_, other) = callers.ask("alice", FILE).await;
    assert_ne!(other["key"], key["key"], "each file has a key of its own");
}

#[tokio::test(start_paused = true)]
async fn a_caller_refreshes_the_key_of_an_object_of_their_own_only() {
    let callers = Callers::new(&[]);
    let (_, first) = callers.ask("alice", FILE).await;
    let body = json!({ "key": first["key"] }).to_string();
    let (status, again) = callers.ask("alice", &body).await;
    assert_eq!((status, &again["key"]), (200, &first["key"]));
    assert_ne!(again["AccessKeyId"], first["AccessKeyId"]);
    let (status, refused) = callers.ask("bob", &body).await;
    assert_eq!((status, &refused["error"]), (403, &json!("key_not_allowed")));
    for key in ["users/alice/../bob/a.mp4", "users/alice/", "*", "users/alice/*", ""] {
        let (status, _) = callers.ask("alice", &json!({ "key": key }).to_string()).await;
        assert_eq!(status, 403, "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_key_without_a_file_is_for_the_callers_directory() {
    let callers = Callers::new(&[]);
    let (status, key) = callers.ask("alice", "").await;
    assert_eq!((status, &key["prefix"]), (200, &json!("users/alice/")));
    let objects =
        ["users/alice/a.mp4", "users/alice/b/c", "users/alice2/a.mp4", "users/bob/a.mp4", "a"];
    assert_eq!(callers.writable(&key, &objects), objects[..2]);
    for subject in ["*", "a?", "..", "a/b"] {
        let (status, refused) = callers.ask(subject, "{}").await;
        assert_eq!((status, &refused["error"]), (403, &json!("caller_unusable")), "{subject}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_without_directories_for_callers_gives_keys_for_new_objects_only() {
    let callers = Callers::new(&[("UPLOAD_DIR", "all/{uuid}/")]);
    let (status, key) = callers.ask("alice", FILE).await;
    assert_eq!(status, 200);
    let (status, refused) = callers.ask("alice", &json!({ "key": key["key"] }).to_string()).await;
    assert_eq!((status, &refused["error"]), (403, &json!("key_not_allowed")));
    let (status, refused) = callers.ask("alice", "{}").await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_request")));
}

#[tokio::test(start_paused = true)]
async fn session_keys_are_given_where_they_are_enabled_and_within_the_rules() {
    let callers = Callers::new(&[("UPLOAD_BUDGET_GRANTS", "1"), ("UPLOAD_STS_EXPIRES", "1h")]);
    let text = r#"{"file":{"name":"a.txt","type":"text/plain"}}"#;
    for (body, status, code) in [
        (text, 422, "type_not_allowed"),
        (r#"{"file":{"size":0,"type":"video/mp4"}}"#, 422, "file_too_small"),
        (r#"{"file":{},"key":"users/alice/a"}"#, 400, "invalid_request"),
        (r#"{"keys":["a"]}"#, 400, "invalid_request"),
        ("[]", 400, "invalid_request"),
    ] {
        let (answered, refused) = callers.ask("alice", body).await;
        assert_eq!((answered, &refused["error"]), (status, &json!(code)), "{body}");
    }
    assert_eq!(callers.ask("alice", FILE).await.1["Expiration"], "2024-11-27T07:09:41Z");
    assert_eq!(callers.ask("alice", FILE).await.1["error"], "budget_exceeded");
    assert_eq!(Callers::new(&[("UPLOAD_STS", "false")]).ask("alice", FILE).await.0, 404);
}
