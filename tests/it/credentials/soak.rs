//! Two simulated days of grants: keys rotate, services fail, and the local OSS accepts every form until the end
//! that its grant states.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use oss_emulator::faults::{Fault, Operation};
use oss_emulator::sts::StsEvent;
use oss_upload_signer::app::App;
use oss_upload_signer::time::Timestamp;
use serde_json::Value;
use tower::ServiceExt;

use super::cloud::{Cloud, ROLE_ARN, pass};

const HOURS: i64 = 48;

/// A server with a role of its own, whose key takes the role for uploads.
const VARIABLES: [(&str, &str); 6] = [
    ("OSS_BUCKET", "examplebucket"),
    ("OSS_REGION", "cn-hangzhou"),
    ("UPLOAD_AUTH", "anonymous"),
    ("UPLOAD_EXPIRES", "15m"),
    ("OSS_STS_ROLE_ARN", ROLE_ARN),
    ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true"),
];

/// The faults, one after the other, repeatedly.
const FAULTS: [(Operation, Fault, u32); 12] = [
    (Operation::AssumeRole, Fault::Throttle { status: 429, retry_after: None }, 2),
    (Operation::AssumeRole, Fault::Cut, 1),
    (Operation::MetadataKeys, Fault::Failure(500), 3),
    (Operation::AssumeRole, Fault::Delay(Duration::from_secs(20)), 1),
    (Operation::AssumeRole, Fault::MalformedJson, 2),
    (Operation::MetadataToken, Fault::Cut, 2),
    (Operation::AssumeRole, Fault::GatewayXml, 5),
    (Operation::AssumeRole, Fault::Clock(3_000), 1),
    (Operation::AssumeRole, Fault::CutInside, 4),
    (Operation::MetadataRole, Fault::Delay(Duration::from_secs(5)), 2),
    (Operation::AssumeRole, Fault::Failure(503), 9),
    (Operation::AssumeRole, Fault::Clock(-3_000), 1),
];

/// Requests one grant, and returns the response with its status.
async fn ask(app: &Arc<App>) -> (u16, Option<String>, Value) {
    let body = r#"{"files":[{"name":"a.png","type":"image/png","size":10}]}"#;
    let request = Request::post("/uploads").body(Bytes::from(body)).unwrap();
    let answer = oss_upload_signer::http::service(Arc::clone(app))
        .oneshot(request.map(fc_http::Body::from))
        .await
        .unwrap();
    let (head, body) = answer.into_parts();
    let retry_after = head.headers.get("retry-after").map(|v| v.to_str().unwrap().to_owned());
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), retry_after, serde_json::from_slice(&body).unwrap())
}

#[derive(Default)]
struct Tally {
    granted: usize,
    refused: usize,
    /// By the time of their end.
    forms: BTreeMap<i64, Vec<Value>>,
}

impl Tally {
    /// Counts a response; its form has to be valid from now on.
    fn take(&mut self, cloud: &Cloud, answer: (u16, Option<String>, Value)) {
        let (status, retry_after, body) = answer;
        if status == 503 {
            assert_eq!(body["error"], "credentials_unavailable", "{body}");
            assert!(retry_after.is_some());
            self.refused += 1;
            return;
        }
        let upload = &body["uploads"][0];
        let now = cloud.clock.unix();
        cloud.judge(&upload["fields"], now).unwrap();
        let end = upload["expires_at"].as_str().unwrap();
        let end = Timestamp::parse_rfc3339(end).unwrap().unix();
        assert!(end > now);
        self.granted += 1;
        self.forms.entry(end).or_default().push(upload["fields"].clone());
    }

    /// Validates every form that ends before `now`, at its last second.
    fn settle(&mut self, cloud: &Cloud, now: i64) {
        while let Some(entry) = self.forms.first_entry() {
            if *entry.key() > now {
                break;
            }
            let (end, forms) = entry.remove_entry();
            for fields in forms {
                let verdict = cloud.judge(&fields, end - 1);
                assert!(verdict.is_ok(), "{verdict:?} one second before {end}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_form_of_two_days_with_rotations_and_faults_is_valid_until_its_end() {
    let lent = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&lent);
    let cloud = Cloud::open(|options| {
        options.metadata.role = Some("oss-uploader".to_owned());
        options.observer = Some(Arc::new(move |event: &StsEvent| {
            if matches!(event, StsEvent::Issued { .. }) {
                *counter.lock().unwrap() += 1;
            }
        }));
    });
    let app = Arc::new(cloud.function(&VARIABLES));
    let mut tally = Tally::default();
    let (mut faults, mut step) = (FAULTS.iter().cycle(), 0);
    let end = cloud.clock.unix() + HOURS * 3600;
    while cloud.clock.unix() < end {
        if step % 120 == 60 {
            let (call, fault, times) = faults.next().unwrap();
            cloud.options.faults.next(*call, *fault, *times);
        }
        let (first, second) = tokio::join!(ask(&app), ask(&app));
        for answer in [first, second] {
            tally.take(&cloud, answer);
        }
        tally.settle(&cloud, cloud.clock.unix());
        pass(10 + step % 41).await;
        step += 1;
    }
    tally.settle(&cloud, i64::MAX);
    let asked = tally.granted + tally.refused;
    assert!(asked > 10_000, "{asked}");
    // A key is fetched well before it ends, so a caller rarely notices a fault.
    assert!(tally.refused * 1000 < asked, "{} of {asked} were refused", tally.refused);
    // One about every 44 minutes for the role, one every three to six hours for the server itself,
    // and a few whose responses were lost.
    let lent = *lent.lock().unwrap();
    assert!((65..130).contains(&lent), "{lent} keys were lent");
}
