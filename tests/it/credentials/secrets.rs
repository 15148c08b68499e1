//! A search for secrets in logs, URLs and headers, with every source and with faults that repeat what was sent,
//! at the most verbose log level. Secrets may be in the body of a request and in a grant, and nowhere else.

use std::fs;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use oss_emulator::faults::{Fault, Operation};
use oss_emulator::keys::AccessKey;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::CredentialsError;
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture};
use tempfile::TempDir;
use tower::ServiceExt;

use super::cloud::{Cloud, ROLE_ARN, pass};
use crate::support::log::Log;

const MARKER: &str = "marker";

/// A client that records the URLs.
#[derive(Debug)]
struct RecordingCloud {
    cloud: Cloud,
    heads: Mutex<Vec<String>>,
}

impl HttpClient for RecordingCloud {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let head = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        self.heads.lock().unwrap().push(head);
        self.cloud.send(request, limits)
    }
}

/// A function, and everything that it has written.
struct SecretSearch {
    log: Log,
    network: Arc<RecordingCloud>,
    app: Arc<App>,
    answers: Vec<String>,
}

impl SecretSearch {
    fn start(cloud: Cloud, variables: &[(&str, &str)]) -> Self {
        let log = Log::capture("trace");
        let small = [
            ("OSS_BUCKET", "examplebucket"),
            ("OSS_REGION", "cn-hangzhou"),
            ("UPLOAD_AUTH", "anonymous"),
        ];
        let mut environment = Environment::default();
        for (name, value) in small.iter().chain(variables) {
            environment.set(name, *value);
        }
        let clock = cloud.clock;
        let settings = Settings::load(&environment, None, clock.now()).unwrap();
        assert!(!format!("{settings:?} {environment:?}").contains(MARKER));
        let network = Arc::new(RecordingCloud { cloud, heads: Mutex::default() });
        let app = App::with_http(settings, Arc::clone(&network) as Arc<dyn HttpClient>)
            .with_clock(move || clock.now());
        Self { log, network, app: Arc::new(app), answers: Vec::new() }
    }

    /// Requests a grant and returns the status.
    async fn ask(&mut self) -> u16 {
        let now = self.network.cloud.clock.now();
        if let Err(unavailable) = self.app.credentials.provide(None, None, now).await {
            let message = match &unavailable {
                CredentialsError::Missing(text)
                | CredentialsError::Failing { reason: text, .. } => text,
                CredentialsError::Expired => "",
            };
            self.answers.push(format!("{message} {unavailable:?}"));
        }
        let request = Request::get("/get_post_signature_for_oss_upload").body(Bytes::new());
        let service = oss_upload_signer::http::service(Arc::clone(&self.app));
        let answer = service.oneshot(request.unwrap().map(fc_http::Body::from)).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        if status != 200 {
            self.answers.push(String::from_utf8(body.to_vec()).unwrap());
        }
        status
    }

    /// Searches for every secret in everything that was written.
    fn search(&self) {
        let keys = self.network.cloud.ring().all();
        let tokens = keys.iter().filter_map(|key| key.security_token.as_deref());
        let secrets: Vec<&str> =
            keys.iter().map(|key| key.secret.as_str()).chain(tokens).chain([MARKER]).collect();
        let said = [
            self.log.text(),
            self.network.heads.lock().unwrap().join("\n"),
            self.answers.join("\n"),
            format!("{:?}", self.app),
        ];
        for text in &said {
            assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
        }
        assert!(said[0].contains("credentials"), "the log says nothing: {}", said[0]);
    }
}

const USER: [(&str, &str); 3] = [
    ("OSS_STS_ROLE_ARN", ROLE_ARN),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tUser"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "marker-user-secret"),
];

fn cloud_of_user(secret: &str) -> Cloud {
    Cloud::open(|options| options.ring.add(AccessKey::new("LTAI5tUser", secret)))
}

#[tokio::test(start_paused = true)]
async fn a_role_with_every_fault_of_sts_shows_no_secret() {
    let mut search = SecretSearch::start(cloud_of_user("marker-user-secret"), &USER);
    assert_eq!(search.ask().await, 200);
    for fault in [
        Fault::Throttle { status: 400, retry_after: None },
        Fault::Failure(500),
        Fault::Cut,
        Fault::CutInside,
        Fault::Clock(90_000),
        Fault::MalformedJson,
        Fault::GatewayXml,
    ] {
        pass(3_600).await;
        search.network.cloud.options.faults.next(Operation::AssumeRole, fault, 3);
        search.ask().await;
        search.network.cloud.options.faults.clear();
    }
    search.search();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_whose_error_repeats_the_signed_text_is_not_shown() {
    let mut search = SecretSearch::start(cloud_of_user("the-right-one"), &USER);
    assert_eq!(search.ask().await, 503);
    assert!(search.log.text().contains("SignatureDoesNotMatch"), "{}", search.log.text());
    search.search();
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_temporary_key_is_not_shown() {
    let variables = [&USER[..], &[("ALIBABA_CLOUD_SECURITY_TOKEN", "marker-token")]].concat();
    let cloud = Cloud::open(|options| {
        options.ring.add(AccessKey {
            security_token: Some("marker-token".to_owned()),
            ..AccessKey::new("LTAI5tUser", "marker-user-secret")
        });
    });
    let mut search = SecretSearch::start(cloud, &variables);
    assert_eq!(search.ask().await, 200);
    search.search();
}

#[tokio::test(start_paused = true)]
async fn the_metadata_service_and_a_credentials_uri_show_no_secret() {
    for variables in [
        &[("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")][..],
        &[
            ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
            ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/credentials"),
        ],
    ] {
        let role = |options: &mut oss_emulator::sts::Options| {
            options.metadata.role = Some("oss-uploader".to_owned());
        };
        let mut search = SecretSearch::start(Cloud::open(role), variables);
        assert_eq!(search.ask().await, 200);
        search.network.cloud.options.faults.next(Operation::MetadataKeys, Fault::MalformedJson, 1);
        search.network.cloud.options.faults.next(
            Operation::CredentialsUri,
            Fault::MalformedJson,
            1,
        );
        pass(6 * 3_600).await;
        assert_eq!(search.ask().await, 503);
        search.search();
    }
}

#[tokio::test(start_paused = true)]
async fn the_refused_token_of_a_pod_is_not_shown() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "marker.pod.token").unwrap();
    let mut search = SecretSearch::start(
        Cloud::open(|_| {}),
        &[
            ("ALIBABA_CLOUD_ROLE_ARN", ROLE_ARN),
            ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1234567890123456:oidc-provider/ack"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", file.to_str().unwrap()),
        ],
    );
    assert_eq!(search.ask().await, 503);
    search.search();
}

#[tokio::test(start_paused = true)]
async fn a_credentials_uri_that_is_a_secret_is_not_shown() {
    let mut search = SecretSearch::start(
        Cloud::open(|_| {}),
        &[
            ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
            ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/marker-path?k=marker"),
        ],
    );
    assert_eq!(search.ask().await, 503);
    // The request itself has the URL.
    let heads = std::mem::take(&mut *search.network.heads.lock().unwrap());
    assert!(heads.iter().all(|head| head.contains("marker-path")));
    search.search();
}
