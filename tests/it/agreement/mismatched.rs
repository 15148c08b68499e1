//! What an uploader can have stored that the route did not grant, through a local OSS that calls the function
//! back: each time the back end is notified, as `upload.mismatched`.

use std::sync::Arc;

use fc_http::Options;
use http::{Request, Response};
use oss_emulator::oss::callback_key_prefix;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::agreement::{documented_form, native_form, same_world, stored};
use crate::callback_grant::KEY;
use crate::support::app::{Function, NOW, SMALL};
use crate::support::form::Form;
use crate::support::oss::{Reply, Server as Oss};
use crate::support::server::Server;

/// A local OSS, the function that it calls back, and a back end that keeps what it receives.
struct World {
    oss: Oss,
    function: Server,
    /// The same function, for asking it in this process.
    signer: Function,
    _back_end: Server,
    messages: mpsc::UnboundedReceiver<Value>,
}

impl World {
    async fn start(route: &str) -> Self {
        let oss = Oss::with(same_world).await;
        let (sender, messages) = mpsc::unbounded_channel();
        let back_end = tower::service_fn(move |request: Request<fc_http::Body>| {
            let heard = sender.send(serde_json::from_slice(request.body().as_bytes()).unwrap());
            async move {
                heard.unwrap();
                Ok::<_, std::convert::Infallible>(Response::new(String::new()))
            }
        });
        let back_end = Server::start(back_end, Options::default()).await;
        let app = |change: &dyn Fn(&mut Settings)| {
            let mut settings = settings(route);
            let notify = format!("http://{}/uploaded", back_end.address);
            settings.callback.webhook_urls = [("photos".to_owned(), notify)].into();
            settings.callback.webhook_secret =
                Some(Secret::new(crate::callback::fixture::WEBHOOK_SECRET));
            settings.callback.key_urls = vec![callback_key_prefix(oss.address)];
            change(&mut settings);
            let now = Timestamp::from_unix(NOW).unwrap();
            App::new(settings).with_clock(move || now)
        };
        let called = oss_upload_signer::http::service(Arc::new(app(&|_| {})));
        let function = Server::start(called, Options::default()).await;
        let url = format!("http://{}", function.address);
        let signer =
            Function::of(app(&|settings| settings.callback.public_url = Some(url.clone())));
        Self { oss, function, signer, _back_end: back_end, messages }
    }

    /// The documentation's form, as its page would post it.
    async fn documented(&self, file_type: &str) -> Form {
        let answer = self.signer.ask("?route=photos", &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.whole());
        let answer = answer.json();
        let mut form = documented_form(&answer, "a.png", Some(file_type));
        form.set("callback", answer["callback"].as_str().unwrap());
        form
    }

    async fn native(&self) -> Form {
        let wish = r#"{"route":"photos","files":[{"name":"a.png","type":"image/png","size":11}]}"#;
        let answer = self.signer.post("/uploads", wish).await.json();
        native_form(&answer["uploads"][0], "a.png", Some("image/png"))
    }

    /// The one message that the back end got.
    fn message(&mut self) -> Value {
        let message = self.messages.try_recv().unwrap();
        assert!(self.messages.try_recv().is_err(), "one message");
        message
    }

    /// Stores this and sees that the uploader and the back end hear that it does not fit.
    async fn is_mismatched(&mut self, form: &Form, what: &str) -> Value {
        let reply = self.oss.post(form).await;
        assert_eq!((reply.status, reply.child("Code").as_str()), (203, "CallbackFailed"), "{what}");
        assert!(reply.child("Message").contains("403"), "{what}: {}", reply.text());
        let key = &form.fields.iter().find(|(name, _)| name == "key").unwrap().1;
        let object: Reply = stored(&self.oss, key).await;
        assert_eq!(object.status, 200, "{what}: it is there");
        let message = self.message();
        assert_eq!(message["type"], "upload.mismatched", "{what}");
        assert_eq!(message["data"]["stored"]["key"], **key, "{what}");
        assert_eq!(message["data"]["stored"]["type"], object.header("content-type"), "{what}");
        message["data"].clone()
    }

    async fn stop(self) {
        self.oss.stop().await;
        drop(self.function);
    }
}

fn settings(route: &str) -> Settings {
    let mut environment = Environment::default();
    for (name, value) in SMALL {
        environment.set(name, value);
    }
    environment.set("UPLOAD_RECEIPT_KEYS", KEY);
    environment.set("PUBLIC_URL", "http://127.0.0.1:1");
    let file = format!(
        "[routes.photos]\ndir = \"photos/{{uuid}}/\"\ncallback.to = \"self\"\n\
         callback.variables.album = \"summer\"\n{route}"
    );
    Settings::load_over(&[], &environment, Some(&file), Timestamp::from_unix(NOW).unwrap()).unwrap()
}

/// Types that the policy's own comparison lets through, and that are none of the route's.
#[tokio::test]
async fn a_part_type_that_only_begins_like_the_granted_one_is_reported_as_a_mismatch() {
    let mut world = World::start("types = [\"image/*\"]\n").await;
    for file_type in
        ["image/,text/html", "image/png;,text/html", "image/", "image/a b", "image/png\tx"]
    {
        let form = world.documented(file_type).await;
        let data = world.is_mismatched(&form, file_type).await;
        assert_eq!(data["mismatches"], json!(["type"]), "{file_type}");
        assert_eq!(data["granted"]["types"], json!(["image/*"]), "{file_type}");
    }
    world.stop().await;
}

/// OSS takes fields that no condition names, and this one goes before the type of the file's part.
#[tokio::test]
async fn an_added_type_field_is_reported_as_a_mismatch() {
    let mut world = World::start("types = [\"image/png\"]\n").await;
    for added in ["text/html", "image/svg+xml", "image/", "image/png,text/html"] {
        let mut form = world.documented("image/png").await;
        form.set("x-oss-content-type", added);
        let data = world.is_mismatched(&form, added).await;
        assert_eq!(data["mismatches"], json!(["type"]), "{added}");
        assert_eq!(data["stored"]["type"], added);
    }
    world.stop().await;
}

#[tokio::test]
async fn an_object_that_fits_is_reported_as_completed_with_the_variables_of_the_grant() {
    let mut world = World::start("types = [\"image/*\"]\ncallback.body = \"json\"\n").await;
    for form in [world.documented("image/png").await, world.native().await] {
        let reply = world.oss.post(&form).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let message = world.message();
        assert_eq!(message["type"], "upload.completed");
        assert_eq!(message["data"]["variables"], json!({ "album": "summer" }));
    }
    world.stop().await;
}

/// Heads of images whose numbers OSS cannot know, or which are none.
#[tokio::test]
async fn a_broken_image_is_reported_whatever_oss_says_of_it() {
    let mut world = World::start("types = [\"image/*\"]\n").await;
    let head = |size: [u8; 8]| {
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &size[..], b"\x08\x06\0\0\0aaaa"].concat()
    };
    for content in [
        head([0; 8]),
        head([0xff; 8]),
        b"\xff\xd8\xff\xc0\0".to_vec(),
        b"\x89PNG\r\n\x1a\n".to_vec(),
        b"GIF89a".to_vec(),
        b"RIFF\0\0\0\0WEBP".to_vec(),
    ] {
        let mut form = world.documented("image/png").await;
        form.content(&content);
        let reply = world.oss.post(&form).await;
        assert_eq!(reply.status, 200, "{content:?}: {}", reply.text());
        assert_eq!(world.message()["type"], "upload.completed", "{content:?}");
    }
    world.stop().await;
}

/// The attack on the variables: a callback of the attacker's own to the function, with a genuine receipt.
#[tokio::test]
async fn a_body_of_the_uploaders_own_passes_no_variable_on() {
    let mut world = World::start("").await;
    let granted = world.native().await;
    let field = |name: &str| granted.fields.iter().find(|(one, _)| one == name).unwrap().1.clone();
    let (receipt, key) = (field("x:receipt"), field("key"));
    for (forged, code) in
        [("x:album=theirs&x:role=admin", 203), ("x:album=summer&x:role=admin", 200)]
    {
        let body = format!(
            "bucket=examplebucket&object={}&etag=A&size=11&mimeType=image/png&{forged}&receipt={receipt}",
            percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC)
        );
        let order = json!({
            "callbackUrl": format!("http://{}/callback/photos", world.function.address),
            "callbackBody": body,
        });
        let [.., (_, id), (_, secret), (_, token)] = SMALL;
        let mut form = Form::good_by(id, secret, token);
        form.set("callback", &crate::support::callback_server::encoded(&order));
        let reply = world.oss.post(&form).await;
        assert_eq!(reply.status, code, "{}", reply.text());
        let message = world.message().to_string();
        assert!(!message.contains("admin") && !message.contains("theirs"), "{message}");
    }
    world.stop().await;
}
