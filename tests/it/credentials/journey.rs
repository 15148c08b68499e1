//! The journey with a role: what its session may do, and that no secret is seen on the way.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use oss_upload_signer::app::App;
use oss_upload_signer::emulator::faults::Call;
use oss_upload_signer::emulator::faults::Fault;
use oss_upload_signer::emulator::keys::AccessKey;
use oss_upload_signer::routes;
use serde_json::Value;
use tower::ServiceExt;

use super::cloud::Cloud;
use super::cloud::ROLE_ARN;
use super::cloud::pass;

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
    let answer = routes::service(Arc::clone(app)).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_role_is_taken_with_no_more_than_the_routes_need() {
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
async fn the_whole_role_is_taken_only_when_somebody_says_so() {
    let cloud = cloud();
    let variables = [&VARIABLES[..], &[("UPLOAD_ROLE_SCOPE", "role")]].concat();
    ask(&Arc::new(cloud.function(&variables))).await;
    let keys = cloud.ring().all();
    let session = keys.iter().find(|key| key.id.starts_with("STS.")).unwrap();
    assert!(session.may("oss:PutObject", "acs:oss:*:*:examplebucket/elsewhere/b.png"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_down_is_told_with_a_time_to_come_back_and_then_found_again() {
    let cloud = cloud();
    let app = Arc::new(cloud.function(&VARIABLES));
    cloud.options.faults.next(Call::AssumeRole, Fault::Failure(503), 3);
    let (status, answer) = ask(&app).await;
    assert_eq!((status, &answer["error"]), (503, &Value::from("credentials_unavailable")));
    // The failure is remembered, so nobody asks again at once.
    assert_eq!(ask(&app).await.0, 503);
    pass(2).await;
    assert_eq!(ask(&app).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_corrected_by_the_services() {
    let cloud = cloud();
    let app = Arc::new(cloud.function(&VARIABLES));
    cloud.options.faults.next(Call::AssumeRole, Fault::Clock(3_600), 2);
    assert_eq!(ask(&app).await.0, 200);
}
