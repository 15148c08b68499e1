//! The local OSS makes the callback of a grant, receipt included. A form without it, or with a changed one, is
//! refused, and no callback is made.

use std::collections::BTreeMap;

use oss_upload_signer::app::App;
use oss_upload_signer::callback::receipt::{Receipt, StoredObject};
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use serde_json::Value;

use crate::agreement::table::{NOT_THERE, OTHER_VALUE};
use crate::agreement::{documented_form, native_form, same_world};
use crate::callback_grant::KEY;
use crate::support::app::{Function, NOW, SMALL};
use crate::support::callback_server::{Called, Line, Uncalled};
use crate::support::form::Form;
use crate::support::oss::Server;

/// A value with everything that could be misread on the way.
const ALBUM: &str = "夏 \"{yyyy}\" & a=b+c%20\\";

const RENDERED_ALBUM: &str = "夏 \"2024\" & a=b+c%20\\";

/// A function whose route has this address called, beside a local OSS.
fn function(to: &str, more: &str) -> Function {
    let mut environment = Environment::default();
    for (name, value) in SMALL {
        environment.set(name, value);
    }
    environment.set("UPLOAD_RECEIPT_KEYS", KEY);
    let file = format!(
        "[routes.photos]\ndir = \"photos/{{uuid}}/\"\ncallback.to = \"{to}\"\n\
         callback.variables.album = '{ALBUM}'\n{more}"
    );
    let now = Timestamp::from_unix(NOW).unwrap();
    let settings = Settings::load_over(&[], &environment, Some(&file), now).unwrap();
    Function::of(App::new(settings).with_clock(move || now).with_random([0xab; 16]))
}

async fn native(function: &Function) -> Form {
    let wish = r#"{"route":"photos","files":[{"name":"照片 1.png","type":"image/png","size":11}]}"#;
    let answer = function.post("/uploads", wish).await.json();
    native_form(&answer["uploads"][0], "照片 1.png", Some("image/png"))
}

/// The form of a page after the documentation's sample of callbacks.
async fn documented(function: &Function) -> Form {
    let answer = function.ask("?route=photos", &[]).await.json();
    let mut form = documented_form(&answer, "照片 1.png", Some("image/png"));
    form.set("callback", answer["callback"].as_str().unwrap());
    form
}

/// What was delivered, by name.
fn read(head: &str, body: &str) -> BTreeMap<String, String> {
    if head.contains("application/json") {
        let members: BTreeMap<String, Value> = serde_json::from_str(body).unwrap();
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return members.into_iter().map(|(name, value)| (name, text(value))).collect();
    }
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

async fn assert_callback(server: &Server, back: Called, form: &Form) {
    let reply = server.post(form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.text(), r#"{"Status":"OK"}"#);
    let heard = back.heard_once().await;
    let delivered = read(&heard.head, heard.text());
    assert_eq!(delivered["x:album"], RENDERED_ALBUM);
    let key = "photos/abababab-abab-4bab-abab-abababababab/照片 1.png";
    assert_eq!(
        (delivered["bucket"].as_str(), delivered["object"].as_str()),
        ("examplebucket", key)
    );
    assert!(
        delivered.contains_key("etag") && delivered.contains_key("imageInfo.width"),
        "{delivered:?}"
    );
    let receipt = Receipt::verify(&delivered["receipt"], &[Secret::new(KEY)]).unwrap();
    let stored = StoredObject {
        bucket: &delivered["bucket"],
        key: &delivered["object"],
        size: delivered["size"].parse().unwrap(),
        content_type: &delivered["mimeType"],
    };
    let now = Timestamp::from_unix(NOW).unwrap();
    assert_eq!(receipt.check_location("photos", &stored, now), Ok(()), "{delivered:?}");
    assert_eq!(receipt.mismatches(&stored), [], "{delivered:?}");
    assert!(
        receipt.has_variables(&[("album".to_owned(), RENDERED_ALBUM.to_owned())]),
        "{delivered:?}"
    );
}

#[tokio::test]
async fn every_callback_target_gets_the_receipt() {
    for body in ["form", "json"] {
        for is_documented in [false, true] {
            let server = Server::with(same_world).await;
            let back = Called::start([Line::good()]).await;
            let function = function(&back.url("/x?y=z"), &format!("callback.body = \"{body}\"\n"));
            let form =
                if is_documented { documented(&function).await } else { native(&function).await };
            assert_callback(&server, back, &form).await;
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn nobody_can_drop_or_change_it() {
    let server = Server::with(same_world).await;
    let nobody = Uncalled::start();
    let function = function(&nobody.url("/"), "");
    for (form, names) in [
        (native(&function).await, &["callback", "x:album", "x:receipt"][..]),
        (documented(&function).await, &["callback"]),
    ] {
        for name in names {
            let changed = OTHER_VALUE.iter().map(|change| (change, "0006-00000227"));
            let missing = NOT_THERE.iter().map(|change| (change, "0006-00000226"));
            for (change, ec) in changed.chain(missing) {
                let mut form = form.clone();
                change(&mut form, name);
                let refusal = server.post(&form).await.refusal();
                assert_eq!(refusal.2, ec, "{name}: {:?}", form.fields);
                assert!(server.files().is_empty());
            }
        }
    }
    nobody.check();
    server.stop().await;
}

#[tokio::test]
async fn texts_of_ones_own_are_filled_in_alike_whoever_posts() {
    let template = "callback.body = '{\"album\":${x:album},\"of\":[${object},${size}],\"proof\":${x:receipt}}'\n\
                    callback.body_type = \"json\"\n";
    for is_documented in [false, true] {
        let server = Server::with(same_world).await;
        let back = Called::start([Line::good()]).await;
        let function = function(&back.url("/"), template);
        let form =
            if is_documented { documented(&function).await } else { native(&function).await };
        assert_eq!(server.post(&form).await.status, 200);
        let delivered: Value = serde_json::from_str(back.heard_once().await.text()).unwrap();
        assert_eq!(
            (&delivered["album"], &delivered["of"][1]),
            (&Value::from(RENDERED_ALBUM), &Value::from(11))
        );
        assert!(Receipt::verify(delivered["proof"].as_str().unwrap(), &[Secret::new(KEY)]).is_ok());
        server.stop().await;
    }
}
