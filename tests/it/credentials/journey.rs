//! Grants with a role: what its session may do.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use oss_emulator::faults::{Fault, Operation};
use oss_emulator::keys::AccessKey;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use serde_json::Value;

use super::cloud::{Cloud, ROLE_ARN, answer, pass};
use crate::support::app::NOW;
use crate::support::ticket::ticket_of;

const VARIABLES: [(&str, &str); 7] = [
    ("OSS_BUCKET", "examplebucket"),
    ("OSS_REGION", "cn-hangzhou"),
    ("UPLOAD_AUTH", "anonymous"),
    ("UPLOAD_DIR", "photos/{uuid}/"),
    ("OSS_STS_ROLE_ARN", ROLE_ARN),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tUser"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "marker-user-secret"),
];

fn cloud() -> Cloud {
    Cloud::open(|options| options.ring.add(AccessKey::new("LTAI5tUser", "marker-user-secret")))
}

async fn ask(app: &Arc<App>) -> (u16, Value) {
    let request = Request::get("/get_post_signature_for_oss_upload").body(Bytes::new()).unwrap();
    answer(app, request).await
}

#[tokio::test(start_paused = true)]
async fn a_role_is_narrowed_to_what_the_routes_need() {
    let cloud = cloud();
    let app = Arc::new(cloud.function(&VARIABLES));
    let (status, answer) = ask(&app).await;
    assert_eq!(status, 200, "{answer}");
    let keys = cloud.ring().all();
    let session = keys.iter().find(|key| key.id.starts_with("STS.")).unwrap();
    assert!(answer["x_oss_credential"].as_str().unwrap().starts_with(&session.id));
    let table = [
        ("oss:PutObject", "examplebucket/photos/a/b.png", true),
        ("oss:PutObject", "examplebucket/elsewhere/b.png", false),
        ("oss:PutObject", "examplebucket/photos", false),
        ("oss:PutObject", "examplebucket2/photos/a/b.png", false),
        ("oss:GetObject", "examplebucket/photos/a/b.png", false),
        ("oss:DeleteObject", "examplebucket/photos/a/b.png", false),
    ];
    for (action, object, may) in table {
        let resource = format!("acs:oss:*:*:{object}");
        assert_eq!(session.may(action, &resource), may, "{action} {object}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_whole_role_is_used_only_when_it_is_configured() {
    let cloud = cloud();
    let variables = [&VARIABLES[..], &[("UPLOAD_ROLE_SCOPE", "role")]].concat();
    ask(&Arc::new(cloud.function(&variables))).await;
    let keys = cloud.ring().all();
    let session = keys.iter().find(|key| key.id.starts_with("STS.")).unwrap();
    assert!(session.may("oss:PutObject", "acs:oss:*:*:examplebucket/elsewhere/b.png"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_down_gives_a_retry_time_and_works_again_later() {
    let cloud = cloud();
    let app = Arc::new(cloud.function(&VARIABLES));
    cloud.options.faults.next(Operation::AssumeRole, Fault::Failure(503), 3);
    let (status, answer) = ask(&app).await;
    assert_eq!((status, &answer["error"]), (503, &Value::from("credentials_unavailable")));
    // The failure is remembered, so there is no request at once.
    assert_eq!(ask(&app).await.0, 503);
    pass(2).await;
    assert_eq!(ask(&app).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected_by_that_of_the_service() {
    let cloud = cloud();
    let app = Arc::new(cloud.function(&VARIABLES));
    cloud.options.faults.next(Operation::AssumeRole, Fault::Clock(3_600), 2);
    assert_eq!(ask(&app).await.0, 200);
}

const TICKET_KEY: &str = "marker-ticket-key-of-thirty-two-bytes";

/// A route with a session for each caller.
fn of_callers() -> Vec<(&'static str, &'static str)> {
    let own = [
        ("UPLOAD_AUTH", "ticket"),
        ("UPLOAD_TICKET_KEYS", TICKET_KEY),
        ("UPLOAD_DIR", "users/{sub}/{uuid}/"),
        ("UPLOAD_SESSION", "caller"),
    ];
    VARIABLES.into_iter().filter(|(name, _)| *name != "UPLOAD_DIR").chain(own).collect()
}

async fn ask_as(app: &Arc<App>, cloud: &Cloud, subject: &str) -> (u16, Value) {
    let ticket = ticket_of(subject, cloud.clock.unix() + 60);
    let request = Request::get("/get_post_signature_for_oss_upload")
        .header("authorization", format!("Bearer {}", ticket.sign(&Secret::new(TICKET_KEY))))
        .body(Bytes::new())
        .unwrap();
    answer(app, request).await
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_a_key_for_their_own_directory_only() {
    let cloud = cloud();
    let app = Arc::new(cloud.function(&of_callers()));
    let mut ids = Vec::new();
    for subject in ["alice", "bob", "alice"] {
        let (status, answer) = ask_as(&app, &cloud, subject).await;
        assert_eq!(status, 200, "{answer}");
        let credential = answer["x_oss_credential"].as_str().unwrap();
        ids.push(credential.split('/').next().unwrap().to_owned());
    }
    assert_eq!(ids[0], ids[2]);
    let keys = cloud.ring().all();
    for (id, own, other) in [(&ids[0], "alice", "bob"), (&ids[1], "bob", "alice")] {
        let key = keys.iter().find(|key| key.id == *id).unwrap();
        let may = |who: &str| {
            key.may("oss:PutObject", &format!("acs:oss:*:*:examplebucket/users/{who}/1/a.png"))
        };
        assert!(may(own) && !may(other), "{own}");
        assert!(!may("alice2") && !may("bo"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_would_widen_a_permission_is_refused_before_a_key_is_fetched() {
    let cloud = cloud();
    let app = Arc::new(cloud.function(&of_callers()));
    for subject in ["*", "a?", "..", "a/b", "a\\b", ".", "${x}"] {
        let (status, answer) = ask_as(&app, &cloud, subject).await;
        assert_eq!((status, &answer["error"]), (403, &"caller_unusable".into()), "{subject}");
    }
    assert_eq!(cloud.ring().all().len(), 1, "only the user's own key is there");
}

#[test]
fn a_session_for_each_caller_needs_a_role_and_a_directory_for_each_caller() {
    let mut environment = Environment::default();
    for (name, value) in of_callers() {
        environment.set(name, value);
    }
    environment.set("OSS_STS_ROLE_ARN", "");
    environment.set("UPLOAD_DIR", "{yyyy}/{sub}/");
    let now = Timestamp::from_unix(NOW).unwrap();
    let complaints = Settings::load(&environment, None, now).unwrap_err().to_string();
    insta::assert_snapshot!(complaints, @r#"
    2 problems with the settings; nothing was started
      UPLOAD_SESSION = "caller": a session for each caller needs a role to assume: set role_arn. Example: role_arn = "acs:ram::1234567890123456:role/oss-uploader"
      UPLOAD_SESSION = "caller": the key has to begin with a directory of the caller's own, named by {sub}. Example: dir = "users/{sub}/{uuid}/"
    "#);
}

#[test]
fn a_route_whose_forms_outlive_the_key_of_the_role_causes_a_warning() {
    let warnings = |expires: &str| {
        let mut environment = Environment::default();
        for (name, value) in VARIABLES {
            environment.set(name, value);
        }
        environment.set("UPLOAD_EXPIRES", expires);
        let now = Timestamp::from_unix(NOW).unwrap();
        Settings::load(&environment, None, now).unwrap().warnings().len()
    };
    assert_eq!(warnings("2h"), warnings("10m") + 1);
}
