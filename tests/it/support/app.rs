//! The function in process: no socket, a fixed clock, loaded dice, invented keys.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fc_http::{Context, Event, RoleKeys};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time::Timestamp;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::support::form::{KEY_ID, SECRET};

/// The moment at which every test in process happens: 2024-11-27T06:09:41Z.
pub(crate) const NOW: i64 = 1_732_687_781;

/// A bucket, a region, the word `anonymous`, and a key with a token.
pub(crate) const SMALL: [(&str, &str); 6] = [
    ("OSS_BUCKET", "examplebucket"),
    ("OSS_REGION", "cn-hangzhou"),
    ("UPLOAD_AUTH", "anonymous"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.ExampleKeyId"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ExampleSecret"),
    ("ALIBABA_CLOUD_SECURITY_TOKEN", "ExampleToken"),
];

/// Returns the variables of a function whose bucket is at an address, with a long-lived key. `key` signs the tokens of
/// uploads and tickets.
pub(crate) fn bucket_environment(bucket: SocketAddr, key: &str) -> Environment {
    let mut environment = Environment::default();
    let host = format!("http://{bucket}");
    for (name, value) in SMALL.into_iter().chain([
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
        ("OSS_UPLOAD_HOST", &host),
        ("UPLOAD_TOKEN_KEYS", key),
        ("UPLOAD_TICKET_KEYS", key),
    ]) {
        environment.set(name, value);
    }
    environment
}

/// The function, ready to be called.
pub(crate) struct Function(Arc<App>);

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Function {
    /// Builds the function from the small case with some variables set anew; an empty value unsets.
    pub(crate) fn new(variables: &[(&str, &str)]) -> Self {
        Self::with_file(variables, "")
    }

    /// Builds it with a settings file too.
    pub(crate) fn with_file(variables: &[(&str, &str)], file: &str) -> Self {
        let mut environment = Environment::default();
        for (name, value) in SMALL.iter().chain(variables) {
            environment.set(name, *value);
        }
        let now = Timestamp::from_unix(NOW).unwrap();
        let settings = Settings::load(&environment, Some(file), now).unwrap();
        Self(Arc::new(App::new(settings).with_clock(move || now).with_random([0xab; 16])))
    }

    /// Takes an app that was built by hand.
    pub(crate) fn of(app: App) -> Self {
        Self(Arc::new(app))
    }

    /// Lets the clock stand elsewhere.
    pub(crate) fn at(self, seconds_later: i64) -> Self {
        let now = Timestamp::from_unix(NOW + seconds_later).unwrap();
        let app = Arc::into_inner(self.0).unwrap();
        Self(Arc::new(app.with_clock(move || now)))
    }

    /// Calls it as the runtime would, with a request id of `1-test`.
    pub(crate) async fn call(&self, mut request: Request<Bytes>) -> Answer {
        if request.extensions().get::<Context>().is_none() {
            request.extensions_mut().insert(context(Event::Http));
        }
        let response = oss_upload_signer::http::service(Arc::clone(&self.0))
            .oneshot(request.map(fc_http::Body::from))
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Request::get(path).body(Bytes::new()).unwrap()).await
    }

    /// Asks the documentation's call with these headers.
    pub(crate) async fn ask(&self, query: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(format!("/get_post_signature_for_oss_upload{query}"))
            .header("host", "sign.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.call(request.body(Bytes::new()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.call(Request::post(path).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()).await
    }
}

/// What the runtime says of a request.
pub(crate) fn context(event: Event) -> Context {
    let mut context = Context::new("1-test", Instant::now() + Duration::from_secs(10));
    context.event = event;
    context
}

/// The keys of a role, as the platform sends them.
pub(crate) fn role_keys(id: &str) -> RoleKeys {
    let text = |text: &str| text.to_owned().into();
    RoleKeys {
        access_key_id: text(id),
        access_key_secret: text("RoleSecret"),
        security_token: text("RoleToken"),
    }
}

impl Answer {
    /// Gives the code of a failure; a success has none.
    pub(crate) fn code(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Gives the whole answer as text: status, every header, the body; policies stand decoded
    /// behind it, since base64 says nothing to a reader.
    pub(crate) fn whole(&self) -> String {
        let mut text = format!("{}\n", self.status);
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
        let body = String::from_utf8_lossy(&self.body);
        match serde_json::from_str::<serde_json::Value>(&body) {
            Ok(_) => writeln!(text, "\n{body}").unwrap(),
            Err(_) => writeln!(text, "\n{} bytes", body.len()).unwrap(),
        }
        for policy in self.policies() {
            writeln!(text, "policy: {policy}").unwrap();
        }
        text
    }

    /// Gives the policies of all grants in the answer, decoded.
    pub(crate) fn policies(&self) -> Vec<String> {
        use base64::Engine;
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(&self.body) else {
            return Vec::new();
        };
        let uploads = json["uploads"].as_array().cloned().unwrap_or_default();
        let of_one = ["/policy", "/fields/policy", "/formData/policy", "/data/params/policy"];
        let policies = uploads
            .iter()
            .map(|upload| &upload["fields"]["policy"])
            .chain(of_one.iter().filter_map(|place| json.pointer(place)));
        policies
            .filter_map(|policy| policy.as_str())
            .map(|text| base64::engine::general_purpose::STANDARD.decode(text).unwrap())
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .collect()
    }
}
