//! A deployment without a fault; each test adds one.

use std::convert::Infallible;
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fc_emulator::{Gateway, Trigger};
use fc_http::Body;
use fc_http::log::LogWriter;
use fc_http::service_fn;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use md5::{Digest, Md5};
use oss_emulator::oss;
use oss_emulator::oss::AccessKey;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::net::{HttpClient, RequestLimits, ReqwestClient};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner};
use oss_upload_signer::signing::v4::V4Signer;
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;
use regex_lite::Regex;
use serde_json::Value;
use tower::{Service, ServiceExt};

use crate::support::app::SMALL;
use crate::support::form::{BUCKET, KEY_ID, REGION, SECRET};
use crate::support::gateway;
use crate::support::oss::Server as Bucket;
use crate::support::server::Server;
use crate::support::tool::{Outcome, Tool};

pub(super) const PAGE: &str = "https://app.example";

/// Responds in place of OSS.
pub(super) type OssReplacement = fn(&Request<Body>) -> Response<Full<Bytes>>;

/// The deployment, and the arguments of the tool.
pub(super) struct DoctorFixture {
    pub(super) variables: Vec<(String, String)>,
    pub(super) trigger: Trigger,
    pub(super) default_domain: bool,
    /// The number of seconds by which the function's clock is ahead.
    pub(super) ahead: i64,
    /// Changes every JSON response of the function.
    pub(super) change_json: fn(&mut Value),
    /// Changes the headers of every response of the function.
    pub(super) change_headers: fn(&Method, &mut HeaderMap),
    /// The function's settings file.
    pub(super) file: &'static str,
    pub(super) change_bucket: Box<dyn FnOnce(&mut oss::Options)>,
    pub(super) oss_replacement: Option<OssReplacement>,
    /// The lifecycle rules of the bucket, set with the key of the tool.
    pub(super) lifecycle: Option<&'static str>,
    /// The number of days ago at which an upload began that is not finished.
    pub(super) orphan_days: Option<i64>,
    pub(super) arguments: Vec<&'static str>,
    pub(super) tool: Tool,
}

impl DoctorFixture {
    pub(super) fn new() -> Self {
        Self {
            variables: Vec::new(),
            trigger: Trigger::default(),
            default_domain: false,
            ahead: 0,
            change_json: |_| {},
            change_headers: |_, _| {},
            file: "",
            change_bucket: Box::new(|_| {}),
            oss_replacement: None,
            lifecycle: None,
            orphan_days: None,
            arguments: vec!["--origin", PAGE],
            tool: Tool::new(),
        }
        .with("UPLOAD_ORIGINS", PAGE)
        .with("OSS_UPLOAD_HOST", "http://127.0.0.1:OSS")
    }

    /// Sets a variable of the function; `OSS` is replaced by the port of the local OSS.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the local OSS.
    pub(super) fn bucket(mut self, change: impl FnOnce(&mut oss::Options) + 'static) -> Self {
        self.change_bucket = Box::new(change);
        self
    }

    /// Adds arguments of the tool.
    pub(super) fn arguments(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    fn app(&self, port: u16) -> Arc<App> {
        let mut environment = Environment::default();
        for (name, value) in SMALL {
            environment.set(name, value);
        }
        for (name, value) in &self.variables {
            environment.set(name, value.replace("OSS", &port.to_string()));
        }
        let settings = Settings::load(&environment, Some(self.file), time::now()).unwrap();
        let ahead = Duration::from_secs(self.ahead.unsigned_abs());
        let app = App::new(settings);
        Arc::new(match self.ahead {
            0.. => app.with_clock(move || time::now().plus(ahead)),
            _ => app.with_clock(move || time::now().minus(ahead)),
        })
    }

    /// Starts everything, runs the tool, and returns its output without values that change.
    pub(super) async fn run(mut self) -> Outcome {
        let change = std::mem::replace(&mut self.change_bucket, Box::new(|_| {}));
        let behind = Arc::new(AtomicI64::new(0));
        let offset = Arc::clone(&behind);
        let bucket = Bucket::with(|options| {
            options.clock = Arc::new(move || time::now().unix() - offset.load(Ordering::Relaxed));
            options.cors_origins = vec![PAGE.to_owned()];
            options.keys = vec![AccessKey {
                security_token: Some("ExampleToken".to_owned()),
                ..AccessKey::new("STS.ExampleKeyId", "ExampleSecret")
            }];
            change(options);
        })
        .await;
        self.prepare(&bucket, &behind).await;
        let oss_replacement = match self.oss_replacement {
            Some(answer) => Some(
                serve(service_fn(move |request: Request<Body>| {
                    let response = answer(&request);
                    async move { Ok::<_, Infallible>(response) }
                }))
                .await,
            ),
            None => None,
        };
        let port = oss_replacement.as_ref().map_or(bucket.address, |server| server.address).port();
        let function = serve(changed(self.app(port), self.change_json, self.change_headers)).await;
        let mut options = gateway::options(function.address);
        options.credentials = None;
        options.default_domain = self.default_domain;
        options.trigger = self.trigger.clone();
        let front = gateway::serve(Gateway::new(options)).await;
        let url = format!("http://{front}");
        let mut outcome =
            self.tool.run(&[&["doctor", "--signer", &url], &self.arguments[..]].concat()).await;
        for secret in ["ExampleSecret", "ExampleToken", "marker"] {
            assert!(!format!("{outcome:?}").contains(secret), "{outcome:?}");
        }
        let normalize = |text: &str| normalize(text, front.port(), port);
        (outcome.out, outcome.err) = (normalize(&outcome.out), normalize(&outcome.err));
        bucket.stop().await;
        outcome
    }

    /// Puts what the checks of a bucket look for into it. `behind` is how far its clock is behind, in seconds.
    async fn prepare(&self, bucket: &Bucket, behind: &AtomicI64) {
        if let Some(rules) = self.lifecycle {
            let digest = STANDARD.encode(Md5::digest(rules));
            let headers = [("content-md5", digest.as_str())];
            send_to_bucket(bucket, ("PUT", None, "lifecycle"), &headers, rules, time::now()).await;
        }
        if let Some(days) = self.orphan_days {
            behind.store(days * 86_400, Ordering::Relaxed);
            let then = Timestamp::from_unix(time::now().unix() - days * 86_400).unwrap();
            let key = Some("uploads/old.txt");
            send_to_bucket(bucket, ("POST", key, "uploads"), &[], "", then).await;
            behind.store(0, Ordering::Relaxed);
        }
    }

    /// Returns the failures and warnings: each finding with its group and its explanations.
    pub(super) async fn problems(self) -> String {
        let outcome = self.run().await;
        let failed = outcome.out.contains("  FAIL  ");
        assert_eq!(outcome.code, i32::from(failed), "{outcome:?}");
        let (mut group, mut problems) = ("", String::new());
        let mut is_problem = false;
        for line in outcome.out.lines() {
            if let Some(row) = line.strip_prefix("  ").filter(|row| !row.starts_with(' ')) {
                is_problem = row.starts_with("FAIL") || row.starts_with("warn");
                if is_problem {
                    writeln!(problems, "{}  {group}.{}", &row[..4], &row[6..]).unwrap();
                }
            } else if line.starts_with(' ') && is_problem {
                writeln!(problems, "      {}", &line[19..]).unwrap();
            } else if !line.starts_with(' ') {
                (group, is_problem) = (line, false);
            }
        }
        problems
    }

    /// Returns the causes of all findings that have one, each with its severity and id.
    pub(super) async fn causes(self) -> Vec<String> {
        let report = self.arguments(&["--json"]).run().await.out;
        let json: Value = serde_json::from_str(&report).unwrap();
        let findings = json["findings"].as_array().unwrap().iter();
        let named = findings.filter(|finding| finding["cause"].is_string());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        named
            .map(|one| {
                format!("{} {} {}", text(&one["verdict"]), text(&one["id"]), text(&one["cause"]))
            })
            .collect()
    }
}

/// Sends a request to the bucket, signed with the key of the tool, and asserts that it succeeds.
async fn send_to_bucket(
    bucket: &Bucket,
    (method, key, parameter): (&str, Option<&str>, &str),
    headers: &[(&str, &str)],
    body: &'static str,
    now: Timestamp,
) {
    let secret = Secret::new(SECRET);
    let signer = V4Signer { key_id: KEY_ID, secret: &secret, token: None, region: REGION, now };
    let proof = RequestSigner::new(signer).sign_headers(&OssRequest {
        method,
        bucket: BUCKET,
        key,
        query: &[(parameter, None)],
        headers,
        additional_headers: &[],
    });
    let url = format!("http://{}/{}?{parameter}", bucket.address, key.unwrap_or_default());
    let mut request = Request::builder().method(method).uri(url);
    let proof = proof.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in headers.iter().copied().chain(proof) {
        request = request.header(name, value);
    }
    if body.is_empty() {
        request = request.header("content-length", 0);
    }
    let limits =
        RequestLimits { timeout: Duration::from_secs(20), max_body: 1 << 20, use_proxy: false };
    let request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
    let response = ReqwestClient::new(None).send(request, limits).await.unwrap();
    assert!(response.status().is_success(), "{response:?}");
}

pub(super) async fn serve<S>(service: S) -> Server
where
    S: Service<Request<Body>, Response = Response<Full<Bytes>>> + Clone + Send + 'static,
    S::Error: Into<fc_http::BoxError>,
    S::Future: Send,
{
    let log = LogWriter::new(io::sink());
    let options = fc_http::Options { platform: true, log, ..fc_http::Options::default() };
    Server::start(service, options).await
}

/// Returns the function's service with changed responses.
fn changed(
    app: Arc<App>,
    change_json: fn(&mut Value),
    change_headers: fn(&Method, &mut HeaderMap),
) -> impl Service<Request<Body>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    tower::service_fn(move |request: Request<Body>| {
        let service = oss_upload_signer::http::service(Arc::clone(&app));
        let method = request.method().clone();
        async move {
            let (mut parts, body) = service.oneshot(request).await?.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            change_headers(&method, &mut parts.headers);
            let Ok(mut json) = serde_json::from_slice::<Value>(&body) else {
                return Ok(Response::from_parts(parts, Full::from(body)));
            };
            change_json(&mut json);
            parts.headers.remove("content-length");
            Ok(Response::from_parts(parts, Full::from(json.to_string())))
        }
    })
}

/// Replaces ports, dates and ids, which differ in each run.
fn normalize(text: &str, signer: u16, bucket: u16) -> String {
    let mut text =
        text.replace(&format!(":{signer}"), ":SIGNER").replace(&format!(":{bucket}"), ":OSS");
    for (pattern, name) in [
        ("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        ("uploads/2[0-9]{3}/[0-9]{2}/[0-9]{2}/", "uploads/DAY/"),
        ("[0-9A-F]{24}", "ID"),
        ("responds, version [0-9.]+", "responds, version V"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}
