//! A deployment that is right in every respect, to be made wrong in one.

use std::convert::Infallible;
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fc_emulator::{Gateway, Trigger};
use fc_http::Body;
use fc_http::log::LogWriter;
use fc_http::service_fn;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use oss_emulator::oss;
use oss_emulator::oss::AccessKey;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time;
use regex_lite::Regex;
use serde_json::Value;
use tower::{Service, ServiceExt};

use crate::support::app::SMALL;
use crate::support::gateway;
use crate::support::oss::Server as Bucket;
use crate::support::server::Server;
use crate::support::tool::{Outcome, Tool};

pub(super) const PAGE: &str = "https://app.example";

/// Answers in the place of OSS.
pub(super) type Impostor = fn(&Request<Body>) -> Response<Full<Bytes>>;

/// What is deployed, and how it is looked at.
pub(super) struct Stage {
    pub(super) variables: Vec<(String, String)>,
    pub(super) trigger: Trigger,
    pub(super) default_domain: bool,
    /// By how many seconds the function's clock is ahead.
    pub(super) ahead: i64,
    /// Changes every answer of the function that is JSON.
    pub(super) forge: fn(&mut Value),
    /// Changes every answer of the function, whatever its body.
    pub(super) touch: fn(&Method, &mut HeaderMap),
    /// The function's settings file.
    pub(super) file: &'static str,
    pub(super) change: Box<dyn FnOnce(&mut oss::Options)>,
    pub(super) impostor: Option<Impostor>,
    pub(super) arguments: Vec<&'static str>,
    pub(super) tool: Tool,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            variables: Vec::new(),
            trigger: Trigger::default(),
            default_domain: false,
            ahead: 0,
            forge: |_| {},
            touch: |_, _| {},
            file: "",
            change: Box::new(|_| {}),
            impostor: None,
            arguments: vec!["--origin", PAGE],
            tool: Tool::new(),
        }
        .with("UPLOAD_ORIGINS", PAGE)
        .with("OSS_UPLOAD_HOST", "http://127.0.0.1:OSS")
    }

    /// Sets a variable of the function; `OSS` stands for the port of the local OSS.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the local OSS.
    pub(super) fn bucket(mut self, change: impl FnOnce(&mut oss::Options) + 'static) -> Self {
        self.change = Box::new(change);
        self
    }

    /// Adds arguments of the tool.
    pub(super) fn told(mut self, arguments: &[&'static str]) -> Self {
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

    /// Sets everything up, runs the tool, and gives what it said without what changes.
    pub(super) async fn run(mut self) -> Outcome {
        let change = std::mem::replace(&mut self.change, Box::new(|_| {}));
        let bucket = Bucket::with(|options| {
            options.clock = Arc::new(|| time::now().unix());
            options.cors_origins = vec![PAGE.to_owned()];
            options.keys = vec![AccessKey {
                security_token: Some("ExampleToken".to_owned()),
                ..AccessKey::new("STS.ExampleKeyId", "ExampleSecret")
            }];
            change(options);
        })
        .await;
        let impostor = match self.impostor {
            Some(answer) => Some(
                serve(service_fn(move |request: Request<Body>| {
                    let reply = answer(&request);
                    async move { Ok::<_, Infallible>(reply) }
                }))
                .await,
            ),
            None => None,
        };
        let port = impostor.as_ref().map_or(bucket.address, |server| server.address).port();
        let function = serve(forging(self.app(port), self.forge, self.touch)).await;
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
        let steady = |text: &str| steady(text, front.port(), port);
        (outcome.out, outcome.err) = (steady(&outcome.out), steady(&outcome.err));
        bucket.stop().await;
        outcome
    }

    /// What is not as it should be: each finding with its group, and with its explanations.
    pub(super) async fn troubles(self) -> String {
        let outcome = self.run().await;
        let failed = outcome.out.contains("  FAIL  ");
        assert_eq!(outcome.code, i32::from(failed), "{outcome:?}");
        let (mut group, mut told) = ("", String::new());
        let mut is_told = false;
        for line in outcome.out.lines() {
            if let Some(row) = line.strip_prefix("  ").filter(|row| !row.starts_with(' ')) {
                is_told = row.starts_with("FAIL") || row.starts_with("look");
                if is_told {
                    writeln!(told, "{}  {group}.{}", &row[..4], &row[6..]).unwrap();
                }
            } else if line.starts_with(' ') && is_told {
                writeln!(told, "      {}", &line[19..]).unwrap();
            } else if !line.starts_with(' ') {
                (group, is_told) = (line, false);
            }
        }
        told
    }

    /// The names of everything that is not as it should be, in short.
    pub(super) async fn names(self) -> Vec<String> {
        let told = self.told(&["--json"]).run().await.out;
        let json: Value = serde_json::from_str(&told).unwrap();
        let findings = json["findings"].as_array().unwrap().iter();
        let bad = findings.filter(|finding| finding["cause"].is_string());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        bad.map(|one| {
            format!("{} {} {}", text(&one["verdict"]), text(&one["id"]), text(&one["cause"]))
        })
        .collect()
    }
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

/// The function, with its answers changed on their way.
fn forging(
    app: Arc<App>,
    forge: fn(&mut Value),
    touch: fn(&Method, &mut HeaderMap),
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
            touch(&method, &mut parts.headers);
            let Ok(mut json) = serde_json::from_slice::<Value>(&body) else {
                return Ok(Response::from_parts(parts, Full::from(body)));
            };
            forge(&mut json);
            parts.headers.remove("content-length");
            Ok(Response::from_parts(parts, Full::from(json.to_string())))
        }
    })
}

/// Takes out ports, days, and ids, which are others each time.
fn steady(text: &str, signer: u16, bucket: u16) -> String {
    let mut text =
        text.replace(&format!(":{signer}"), ":SIGNER").replace(&format!(":{bucket}"), ":OSS");
    for (pattern, name) in [
        ("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        ("uploads/2[0-9]{3}/[0-9]{2}/[0-9]{2}/", "uploads/DAY/"),
        ("[0-9A-F]{24}", "ID"),
        ("answers, version [0-9.]+", "answers, version V"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}
