//! The signer and the judge agree: two implementations that share no line.
//!
//! `dialects` lets real forms of every dialect through, `changes` makes every single change to an
//! accepted form and names what refuses it, `fields` does so for all that a route can fix and `callback` for
//! its callback, `mismatched` stores what the route did not grant and looks who hears of it, `generated` throws random rules, wishes and forms at both.

mod callback;
mod changes;
mod dialects;
mod fields;
mod generated;
mod mismatched;
mod random;
mod requests;
mod table;

use oss_emulator::oss::{AccessKey, LocalBucket, Options};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::support::app::SMALL;
use crate::support::form::Form;
use crate::support::oss::{Reply, Server};

/// The keys that the local OSS knows: the function's own with its token, the same for long, another
/// with a token, and one more for long.
fn keys() -> Vec<AccessKey> {
    let [.., (_, id), (_, secret), (_, token)] = SMALL;
    [
        (id, secret, Some(token)),
        ("LTAI5tLong", secret, None),
        ("STS.AnotherKeyId", "AnotherSecret", Some("AnotherToken")),
        ("LTAI5tOther", "OtherSecret", None),
    ]
    .into_iter()
    .map(|(id, secret, token)| AccessKey {
        security_token: token.map(str::to_owned),
        ..AccessKey::new(id, secret)
    })
    .collect()
}

/// Sets a local OSS up for the function's bucket, one beside it, and one in another region.
fn same_world(options: &mut Options) {
    options.keys = keys();
    options.buckets = [
        ("examplebucket", "cn-hangzhou"),
        ("besidebucket", "cn-hangzhou"),
        ("farbucket", "cn-beijing"),
    ]
    .map(|(name, region)| LocalBucket { name: name.to_owned(), region: region.to_owned() })
    .to_vec();
}

/// Makes the form that a client of the native call makes: all fields as they are given.
fn native_form(upload: &Value, filename: &str, file_type: Option<&str>) -> Form {
    form_of(&upload["fields"], filename, file_type)
}

/// Makes a form of an object's members, each a field.
fn form_of(fields: &Value, filename: &str, file_type: Option<&str>) -> Form {
    let mut form = Form::empty();
    for (name, value) in fields.as_object().unwrap() {
        form.set(name, value.as_str().unwrap());
    }
    form.file(filename, file_type);
    form
}

/// Makes the form that the documentation's page makes: its fields and no other, and a key of
/// directory and file name unless one was given.
fn documented_form(answer: &Value, filename: &str, file_type: Option<&str>) -> Form {
    let text = |name: &str| answer[name].as_str().unwrap();
    let key = answer["key"].as_str().map_or(format!("{}{filename}", text("dir")), str::to_owned);
    let mut form = Form::empty();
    form.set("success_action_status", "200")
        .set("policy", text("policy"))
        .set("x-oss-signature", text("signature"))
        .set("x-oss-signature-version", "OSS4-HMAC-SHA256")
        .set("x-oss-credential", text("x_oss_credential"))
        .set("x-oss-date", text("x_oss_date"))
        .set("key", &key)
        .set("x-oss-security-token", text("security_token"))
        .file(filename, file_type);
    form
}

/// Asks for the object of a key.
async fn stored(server: &Server, key: &str) -> Reply {
    let path = format!("/{}", utf8_percent_encode(key, NON_ALPHANUMERIC));
    server.ask("GET", &path, &[]).await
}

/// Removes whatever is stored.
fn clear(server: &Server) {
    for file in server.files() {
        std::fs::remove_file(file).unwrap();
    }
}
