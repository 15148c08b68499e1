//! The hunt on the long way: roles, pods, metadata, faults that echo what was sent, at the most
//! talkative log level. Secrets may stand in the body of a call and in a grant, and nowhere else.

use std::fs;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use oss_emulator::faults::Call;
use oss_emulator::faults::Fault;
use oss_emulator::keys::AccessKey;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::Unavailable;
use oss_upload_signer::net::HttpClient;
use oss_upload_signer::net::RequestLimits;
use oss_upload_signer::net::ResponseFuture;
use tempfile::TempDir;
use tower::ServiceExt;

use super::cloud::Cloud;
use super::cloud::ROLE_ARN;
use super::cloud::pass;
use crate::support::log::Log;

const MARKER: &str = "marker";

/// A network that remembers where it was sent to.
#[derive(Debug)]
struct Watched {
    cloud: Cloud,
    heads: Mutex<Vec<String>>,
}

impl HttpClient for Watched {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        let head = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        self.heads.lock().unwrap().push(head);
        self.cloud.send(request, limits)
    }
}

/// One way to a key, with everything that the function says on it.
struct Journey {
    log: Log,
    network: Arc<Watched>,
    app: Arc<App>,
    answers: Vec<String>,
}

impl Journey {
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
        let network = Arc::new(Watched { cloud, heads: Mutex::default() });
        let app = App::with_http(settings, Arc::clone(&network) as Arc<dyn HttpClient>)
            .with_clock(move || clock.now());
        Self { log, network, app: Arc::new(app), answers: Vec::new() }
    }

    /// Asks for a grant and gives the status.
    async fn ask(&mut self) -> u16 {
        let now = self.network.cloud.clock.now();
        if let Err(unavailable) = self.app.credentials(None, None, now).await {
            let told = match &unavailable {
                Unavailable::Missing(text) | Unavailable::Failing { reason: text, .. } => text,
                Unavailable::Expired => "",
            };
            self.answers.push(format!("{told} {unavailable:?}"));
        }
        let request = Request::get("/get_post_signature_for_oss_upload").body(Bytes::new());
        let service = oss_upload_signer::http::service(Arc::clone(&self.app));
        let answer = service.oneshot(request.unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        if status != 200 {
            self.answers.push(String::from_utf8(body.to_vec()).unwrap());
        }
        status
    }

    /// Looks for every secret that was there in everything that was said.
    fn hunt(&self) {
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
async fn a_role_and_every_fault_on_the_way() {
    let mut journey = Journey::start(cloud_of_user("marker-user-secret"), &USER);
    assert_eq!(journey.ask().await, 200);
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
        journey.network.cloud.options.faults.next(Call::AssumeRole, fault, 3);
        journey.ask().await;
        journey.network.cloud.options.faults.clear();
    }
    journey.hunt();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_whose_refusal_echoes_what_was_signed() {
    let mut journey = Journey::start(cloud_of_user("the-right-one"), &USER);
    assert_eq!(journey.ask().await, 503);
    assert!(journey.log.text().contains("SignatureDoesNotMatch"), "{}", journey.log.text());
    journey.hunt();
}

#[tokio::test(start_paused = true)]
async fn a_temporary_key_whose_token_travels_in_the_body() {
    let variables = [&USER[..], &[("ALIBABA_CLOUD_SECURITY_TOKEN", "marker-token")]].concat();
    let cloud = Cloud::open(|options| {
        options.ring.add(AccessKey {
            security_token: Some("marker-token".to_owned()),
            ..AccessKey::new("LTAI5tUser", "marker-user-secret")
        });
    });
    let mut journey = Journey::start(cloud, &variables);
    assert_eq!(journey.ask().await, 200);
    journey.hunt();
}

#[tokio::test(start_paused = true)]
async fn the_metadata_service_and_a_credentials_uri() {
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
        let mut journey = Journey::start(Cloud::open(role), variables);
        assert_eq!(journey.ask().await, 200);
        journey.network.cloud.options.faults.next(Call::MetadataKeys, Fault::MalformedJson, 1);
        journey.network.cloud.options.faults.next(Call::CredentialsUri, Fault::MalformedJson, 1);
        pass(6 * 3_600).await;
        assert_eq!(journey.ask().await, 503);
        journey.hunt();
    }
}

#[tokio::test(start_paused = true)]
async fn a_pods_token_that_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "marker.pod.token").unwrap();
    let mut journey = Journey::start(
        Cloud::open(|_| {}),
        &[
            ("ALIBABA_CLOUD_ROLE_ARN", ROLE_ARN),
            ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1234567890123456:oidc-provider/ack"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", file.to_str().unwrap()),
        ],
    );
    assert_eq!(journey.ask().await, 503);
    journey.hunt();
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_itself_a_secret() {
    let mut journey = Journey::start(
        Cloud::open(|_| {}),
        &[
            ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
            ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/marker-path?k=marker"),
        ],
    );
    assert_eq!(journey.ask().await, 503);
    // The address itself has to be called, of course.
    let heads = std::mem::take(&mut *journey.network.heads.lock().unwrap());
    assert!(heads.iter().all(|head| head.contains("marker-path")));
    journey.hunt();
}
