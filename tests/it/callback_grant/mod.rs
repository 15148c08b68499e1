//! Grants of routes with a callback: the settings, the fields of a grant, the receipt in them.

mod fields;
mod recipes;
mod settings;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oss_upload_signer::callback::receipt::Receipt;
use oss_upload_signer::secret::Secret;
use serde_json::Value;

use crate::support::app::{Answer, Function};

pub(crate) const KEY: &str = "an example key of more than 32 bytes";

pub(crate) const PUBLIC: (&str, &str) = ("PUBLIC_URL", "https://sign.example");

/// A function with one route, whose settings these are.
fn function(variables: &[(&str, &str)], route: &str) -> Function {
    let keys = [("UPLOAD_RECEIPT_KEYS", KEY)];
    let file = format!("dir = \"photos/{{uuid}}/\"\n[routes.photos]\n{route}");
    Function::with_file(&[&keys, variables].concat(), &file)
}

/// What OSS reads in the field `callback`.
fn order(field: &Value) -> Value {
    serde_json::from_slice(&STANDARD.decode(field.as_str().unwrap()).unwrap()).unwrap()
}

/// The fields of the one grant in a native answer.
fn granted(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.whole());
    let fields = answer.json()["uploads"][0]["fields"].clone();
    assert!(fields.is_object(), "{}", answer.whole());
    fields
}

fn opened(receipt: &Value) -> Receipt {
    Receipt::verify(receipt.as_str().unwrap(), &[Secret::new(KEY)]).unwrap()
}
