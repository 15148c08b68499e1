//! A function that expects callbacks, and callbacks as OSS makes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use http::Request;
use oss_upload_signer::app::App;
use oss_upload_signer::callback;
use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope, variables_hash};
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::policy::callback::{BodyType, CallbackBody};
use oss_upload_signer::policy::callback::{Callback, CallbackTarget};
use oss_upload_signer::policy::template::Template;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::store;
use oss_upload_signer::store::StoreUrl;
use oss_upload_signer::time::Timestamp;

use crate::callback::openssl;
use crate::callback::openssl::Pair;
use crate::callback::outside::Outside;
use crate::support::app::{Answer, Function, NOW, SMALL};
use crate::support::log::Log;
use crate::support::wait::LIMIT;

/// Where OSS says that its key is.
pub(crate) const KEY_URL: &str = "http://gosspublic.alicdn.com/callback_pub_key_v1.pem";

pub(crate) const RECEIPT_KEY: &str = "a receipt's key of 32 bytes or more";

/// Its bytes are 32 times `k`.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

pub(crate) const NOTIFY: &str = "https://notify.example/uploads?from=oss";

/// The function with three routes that order callbacks, of which `notified` and `bare` have a back end and `bare` sets
/// no variable, and one, `mute`, that orders none.
pub(crate) struct CallbackFixture {
    pub(crate) function: Arc<Function>,
    pub(crate) outside: Arc<Outside>,
    clock: Arc<AtomicI64>,
}

impl CallbackFixture {
    pub(crate) fn new() -> Self {
        Self::at(0)
    }

    /// With the clock so many seconds later.
    pub(crate) fn at(seconds_later: i64) -> Self {
        Self::with(seconds_later, |_| {})
    }

    pub(crate) fn with(seconds_later: i64, change: impl Fn(&mut callback::Options)) -> Self {
        Self::with_settings(seconds_later, |settings| change(&mut settings.callback))
    }

    /// With a store that all instances share.
    pub(crate) fn sharing(url: &str) -> Self {
        Self::with_settings(0, |settings| {
            let options = store::Options::new(StoreUrl::parse(url).unwrap());
            // A busy machine is slower than a store may be.
            let (time_limit, connect_limit) = (LIMIT, LIMIT);
            settings.store = Some(store::Options { time_limit, connect_limit, ..options });
        })
    }

    fn with_settings(seconds_later: i64, change: impl Fn(&mut Settings)) -> Self {
        let outside = Outside::new();
        let clock = Arc::new(AtomicI64::new(NOW + seconds_later));
        let reading = Arc::clone(&clock);
        let now = move || Timestamp::from_unix(reading.load(Ordering::Relaxed)).unwrap();
        let mut settings = settings();
        change(&mut settings);
        let app = App::with_http(settings, Arc::clone(&outside) as _).with_clock(now);
        Self { function: Arc::new(Function::of(app)), outside, clock }
    }

    /// Lets so much time pass.
    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Gives a callback as OSS makes it, to the function.
    pub(crate) async fn deliver(&self, unsigned: &UnsignedCallback) -> Answer {
        self.function.call(unsigned.request()).await
    }

    /// Calls and gives what the operator reads of it too. The function has answered so once before: where tests
    /// come upon a line of the log for the first time at once, one of them may miss it.
    pub(crate) async fn logged(&self, request: &Request<Bytes>) -> (Answer, Log) {
        self.function.call(request.clone()).await;
        let log = Log::capture("warn");
        (self.function.call(request.clone()).await, log)
    }

    /// Gives the code alone; a success has none.
    pub(crate) async fn code(&self, unsigned: &UnsignedCallback) -> String {
        self.deliver(unsigned).await.code()
    }
}

/// The settings of a stage.
pub(crate) fn settings() -> Settings {
    let mut environment = Environment::default();
    for (name, value) in SMALL {
        environment.set(name, value);
    }
    let now = Timestamp::from_unix(NOW).unwrap();
    let file = "[routes.default]\n[routes.notified]\n[routes.bare]\n[routes.mute]\n";
    let mut settings = Settings::load(&environment, Some(file), now).unwrap();
    for route in settings.routes.iter_mut().filter(|route| route.name != "mute") {
        let names = if route.name == "bare" { &[][..] } else { &["album"] };
        route.callback = Some(ordered(names));
    }
    settings.callback = callback::Options {
        receipt_keys: vec![
            Secret::new(RECEIPT_KEY),
            Secret::new("the key before, which still opens"),
        ],
        webhook_urls: ["notified", "bare"].map(|name| (name.to_owned(), NOTIFY.to_owned())).into(),
        webhook_secret: Some(Secret::new(WEBHOOK_SECRET)),
        ..callback::Options::default()
    };
    settings
}

fn ordered(names: &[&str]) -> Callback {
    let value = || Template::value("a & b").unwrap();
    Callback {
        target: CallbackTarget::Function,
        body: CallbackBody::complete(BodyType::Form, names),
        host: None,
        sni: false,
        variables: names.iter().map(|name| ((*name).to_owned(), value())).collect(),
    }
}

/// The hash of these variables, as a receipt holds it.
pub(crate) fn sealed(variables: &[(&str, &str)]) -> String {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables_hash(&variables.iter().map(owned).collect::<Vec<_>>())
}

/// A receipt for one picture in one album, good for another ten minutes.
pub(crate) fn receipt(route: &str) -> Receipt {
    Receipt {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        route: route.to_owned(),
        bucket: "examplebucket".to_owned(),
        scope: ReceiptScope::Key("photos/夏 1.png".to_owned()),
        min_size: 1,
        max_size: 1024,
        types: vec!["image/*".to_owned()],
        subject: Some("alice".to_owned()),
        issued_at: NOW,
        expires_at: NOW + 600,
        variables_hash: Some(sealed(&[("album", "a & b")])),
        once: false,
    }
}

/// A callback of OSS, before it is signed.
#[derive(Clone)]
pub(crate) struct UnsignedCallback {
    pub(crate) address: String,
    pub(crate) key_url: String,
    pub(crate) content_type: &'static str,
    pub(crate) members: Vec<(String, String)>,
}

impl UnsignedCallback {
    /// The stored picture that the receipt is for, reported to a route.
    pub(crate) fn new(route: &str) -> Self {
        Self::of(route, &receipt(route))
    }

    pub(crate) fn of(route: &str, receipt: &Receipt) -> Self {
        let members = [
            ("bucket", "examplebucket"),
            ("object", "photos/夏 1.png"),
            ("etag", "D41D8CD98F00B204E9800998ECF8427E"),
            ("size", "512"),
            ("mimeType", "image/png"),
            ("imageInfo.width", "640"),
            ("imageInfo.height", "480"),
            ("imageInfo.format", "png"),
            ("x:album", "a & b"),
            ("receipt", &receipt.sign(&Secret::new(RECEIPT_KEY))),
        ];
        Self {
            address: format!("/callback/{route}"),
            key_url: KEY_URL.to_owned(),
            content_type: "application/x-www-form-urlencoded",
            members: members.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        }
    }

    /// The same with another value of a member; none leaves it out.
    pub(crate) fn but(mut self, name: &str, value: Option<&str>) -> Self {
        self.members.retain(|(one, _)| one != name);
        self.members.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    /// The same as JSON, in which sizes are numbers.
    pub(crate) fn in_json(mut self) -> Self {
        self.content_type = "application/json";
        self
    }

    pub(crate) fn body(&self) -> String {
        if self.content_type != "application/json" {
            return form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&self.members)
                .finish();
        }
        let value = |text: &str| match text.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => serde_json::Value::from(text),
        };
        let members = self.members.iter().map(|(name, text)| (name.clone(), value(text)));
        serde_json::Value::Object(members.collect()).to_string()
    }

    /// What OSS signs: the path decoded, query and body as they are.
    pub(crate) fn signed(&self, body: &str) -> Vec<u8> {
        let (path, query) = match self.address.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (self.address.as_str(), String::new()),
        };
        let mut signed: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
        signed.extend(format!("{query}\n{body}").into_bytes());
        signed
    }

    pub(crate) fn request(&self) -> Request<Bytes> {
        self.signed_by(openssl::oss())
    }

    pub(crate) fn signed_by(&self, pair: &Pair) -> Request<Bytes> {
        let body = self.body();
        let signature = pair.sign(&self.signed(&body));
        self.with(&openssl::base64(signature), body)
    }

    /// The request with this `authorization` and this body.
    pub(crate) fn with(&self, authorization: &str, body: impl Into<Bytes>) -> Request<Bytes> {
        Request::post(&self.address)
            .header("host", "sign.example")
            .header("user-agent", "http-client/0.0.1")
            .header("content-type", self.content_type)
            .header("authorization", authorization)
            .header("x-oss-pub-key-url", openssl::base64(&self.key_url))
            .body(body.into())
            .unwrap()
    }
}
