//! Tests: the published examples, which are calls of other services.

use bytes::Bytes;
use http::Request;

use super::*;

fn vector(id: &str) -> serde_json::Value {
    let text = include_str!("../../../../../tests/vectors/sts.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    let all = all["vectors"].as_array().unwrap();
    all.iter().find(|vector| vector["id"] == id).unwrap().clone()
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap()
}

fn query(parameters: &serde_json::Value) -> String {
    let parameters = parameters.as_object().unwrap().iter();
    let pairs: Vec<String> =
        parameters.map(|(name, value)| format!("{name}={}", encode(text(value)))).collect();
    pairs.join("&")
}

fn judge(call: &Call, key: AccessKey, date: &str) -> Result<String, &'static str> {
    let now = dates::parse_iso(date, false).unwrap();
    let court = Court { keys: &[key], nonces: &Nonces::default(), now };
    court.authenticate(call).map(|key| key.id.clone()).map_err(|refusal| refusal.code())
}

#[test]
fn the_published_v1_call_is_good_and_no_other_secret_makes_it() {
    let vector = vector("v1-published-describe-regions");
    let (parameters, secret) = (&vector["params"], text(&vector["secret"]));
    let signature = encode(text(&vector["signature"]));
    let address = format!("http://sts.test/?{}&Signature={signature}", query(parameters));
    let (head, ()) = Request::get(address).body(()).unwrap().into_parts();
    let call = Call::new(head, Bytes::new());
    assert_eq!(v1::claim(&call).unwrap().string_to_sign, text(&vector["string_to_sign"]));
    let date = text(&parameters["Timestamp"]);
    let key = |secret| AccessKey::new("testid", secret);
    assert_eq!(judge(&call, key(secret), date), Ok("testid".to_owned()));
    assert_eq!(judge(&call, key("other"), date), Err("SignatureDoesNotMatch"));
}

#[test]
fn the_published_v3_call_is_good_and_no_other_secret_makes_it() {
    let vector = vector("v3-published-run-instances");
    let (expected, secret) = (&vector["expected"], text(&vector["secret"]));
    let mut request = Request::post(format!("/?{}", query(&vector["query"])));
    for (name, value) in vector["headers"].as_object().unwrap() {
        request = request.header(name, text(value));
    }
    let authorization = text(&expected["authorization"]);
    let request = request.header("authorization", authorization).body(()).unwrap();
    let call = Call::new(request.into_parts().0, Bytes::new());
    let claim = acs3::claim(&call, authorization).unwrap();
    assert_eq!(claim.string_to_sign, text(&expected["string_to_sign"]));
    let date = text(&vector["headers"]["x-acs-date"]);
    let key = |secret| AccessKey::new(text(&vector["access_key_id"]), secret);
    assert_eq!(judge(&call, key(secret), date), Ok("YourAccessKeyId".to_owned()));
    assert_eq!(judge(&call, key("other"), date), Err("SignatureDoesNotMatch"));
}

#[test]
fn percent_encoding_is_that_of_the_table() {
    let text_of_vectors = include_str!("../../../../../tests/vectors/sts.json");
    let all: serde_json::Value = serde_json::from_str(text_of_vectors).unwrap();
    for row in all["percent_encoding_table"].as_array().unwrap() {
        assert_eq!(encode(text(&row["input"])), text(&row["encoded_once"]));
    }
}
